"""A large result in the browser: only the tiles that are shown are read, and it moves smoothly."""

from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, Response, expect

from model_store.settings import Settings
from model_store.stores import open_stores
from tests.browser.conftest import Visiting, settings_of
from tests.conftest import serving, small_scene
from tests.service.test_http import post
from unmixing.io.apply.run import run_task
from unmixing.io.inputs.tasks import UnmixingTask
from unmixing.io.products.cog import write_cog
from unmixing.io.products.document import write_document
from unmixing.io.products.rasters import Raster, RasterBand
from unmixing.progress import silent
from unmixing.specs import UnmixSpec
from unmixing.types import Compute

SIDE, FRAMES_PER_SECOND = 4000, 30


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, queue_url: str) -> Settings:
    return settings_of(1, tmp_path_factory.mktemp("large"), queue_url)


@pytest.fixture(scope="module")
def lone_service(settings: Settings) -> Iterator[httpx.Client]:
    """Without workers: what the job is made of is put there by hand."""
    with serving(settings) as client:
        yield client


@pytest.fixture(scope="module")
def large(lone_service: httpx.Client, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """Id of a job whose abundances are a map of 4000 x 4000 pixels, and the bytes of that file."""
    scene = tmp_path_factory.mktemp("scene") / "scene.npy"
    np.save(scene, small_scene())
    task = UnmixingTask(paths=[scene], spec=UnmixSpec(n_endmembers=3, method="vca_fcls"))
    job_id: str = post(lone_service).json()["jobID"]
    stores = open_stores(settings)
    with stores.results.writing(job_id) as folder:
        document = run_task(task, folder, Compute(), silent, lambda model: None).document
        write_cog(folder / "abundances.tif", Raster(_maps(), tuple(RasterBand(f"{k}", "") for k in range(3))), None)
        size = (folder / "abundances.tif").stat().st_size
        document["input"] |= {"rows": SIDE, "columns": SIDE}
        document["assets"] = {"abundances.tif": {**document["assets"]["abundances.tif"], "size": size}}
        write_document(folder, document)
    stores.jobs.succeed(job_id, stores.jobs.start(job_id) or 0)
    stores.redis.close()
    return job_id, size


def _maps() -> NDArray[np.float32]:
    """Three shares with a little noise, so that tiles have a size."""
    rng = np.random.default_rng(0)
    patch = rng.dirichlet([1.0] * 3, size=(500, 500)).astype(np.float32)
    return np.tile(patch, (SIDE // 500, SIDE // 500, 1))


def test_a_large_result_is_read_by_tiles_and_moves_smoothly(
    visiting: Visiting, lone_service: httpx.Client, large: tuple[str, int]
) -> None:
    job_id, size = large
    with visiting(service=lone_service) as visit:
        sent: list[int] = []
        visit.page.context.on("response", lambda answer: sent.append(_length(answer)))
        page = visit.open(f"#/jobs/{job_id}")
        expect(page.locator(".map canvas")).to_have_count(4)
        settled(page, sent)
        assert 0 < sum(sent) < size / 4, "the whole image is shown from its overviews"
        page.locator(".map").nth(1).focus()
        for _ in range(4):
            page.get_by_role("button", name="Zoom in").click()
            page.wait_for_timeout(200)
        settled(page, sent)
        measured = (frames(page) for _ in range(3))
        best = next((rate for rate in measured if rate >= FRAMES_PER_SECOND), 0.0)
        assert sum(sent) < size / 2
        assert best >= FRAMES_PER_SECOND
    print(f"{size} bytes, {sum(sent)} sent, {best:.0f} frames/s")


def settled(page: Page, sent: list[int]) -> None:
    """Return once tiles have come, and no more of them for half a second."""
    before = -1
    while len(sent) != before or not sent:
        before = len(sent)
        page.wait_for_timeout(500)


def _length(answer: Response) -> int:
    return int(answer.headers.get("content-length", 0)) if answer.url.endswith(".tif") else 0


def frames(page: Page) -> float:
    """Frames per second while a map is dragged to and fro; the median frame counts."""
    box = page.locator(".map").nth(1).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.evaluate(
        """() => {
            window.frames_at = [];
            const note = (now) => { window.frames_at.push(now); window.noting = requestAnimationFrame(note); };
            requestAnimationFrame(note);
        }"""
    )
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(60):
        page.mouse.move(x + 60 * np.sin(step / 8), y + 40 * np.cos(step / 8))
    page.mouse.up()
    at = page.evaluate("() => { cancelAnimationFrame(window.noting); return window.frames_at; }")
    return float(1000 / np.median(np.diff(at)))
