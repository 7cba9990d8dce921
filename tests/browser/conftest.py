"""A real browser on the page of a real service with a real worker."""

import base64
import io
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from redis import Redis

from model_store.settings import Settings
from service.page.bundle import load_bundle, why_missing
from tests.conftest import REPOSITORY, serving, small_scene, wait_until, working

CHROMIUM = shutil.which("chromium")
AXE = REPOSITORY / "build" / "page" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = Path(__file__).parent / "screenshots"
SIZES = {"1440": (1440, 900), "390": (390, 844)}
TIMEOUT_MS = 60_000
TRAINING_MS = 240_000


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not there")
    if load_bundle() is None:
        pytest.skip(f"the page is not bundled: {why_missing()}")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield found
        found.close()


def settings_of(database: int, folder: Path, queue_url: str) -> Settings:
    """Of a service with an empty queue of its own: one of the databases of the queue."""
    url = f"{queue_url}?db={database}"
    with Redis.from_url(url) as redis:
        redis.flushdb()
    return Settings(data=folder, redis_url=url, lease_seconds=60.0)


@pytest.fixture(scope="package")
def page_settings(tmp_path_factory: pytest.TempPathFactory, queue_url: str) -> Settings:
    return settings_of(0, tmp_path_factory.mktemp("page"), queue_url)


@pytest.fixture(scope="package")
def page_service(page_settings: Settings) -> Iterator[httpx.Client]:
    """A service and two workers for all tests in this folder."""
    with serving(page_settings) as client, working(page_settings), working(page_settings):
        yield client


@dataclass
class Visit:
    """What a browser did on one page: the addresses it asked for and the errors it told."""

    page: Page
    base: str
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.base}/{path}")
        return self.page

    def outside(self) -> list[str]:
        """Requests that left the service."""
        own = (self.base, "data:", f"blob:{self.base}")
        return [address for address in self.asked if not address.startswith(own)]


Visiting = Callable[..., Any]


@pytest.fixture
def visiting(browser: Browser, request: pytest.FixtureRequest) -> Visiting:
    """``with visiting(...) as visit``: a page of its own; after it nothing was asked of others and no error told."""

    @contextmanager
    def visit(
        size: str = "1440", scheme: Any = "light", refused: int | None = None, service: httpx.Client | None = None
    ) -> Iterator[Visit]:
        """refused: the status of an answer that the browser may call an error, which it is to the page as well.
        service: the one to visit, that of all tests when missing."""
        base = service or request.getfixturevalue("page_service")
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        context.set_default_timeout(TIMEOUT_MS)
        expect.set_options(timeout=TIMEOUT_MS)
        made = Visit(context.new_page(), str(base.base_url).rstrip("/"))
        context.on("request", lambda request: made.asked.append(request.url))
        made.page.on("pageerror", lambda error: made.errors.append(str(error)))
        made.page.on("console", lambda message: made.errors.append(message.text) if message.type == "error" else None)
        try:
            yield made
        finally:
            context.close()
        assert made.outside() == []
        assert [error for error in made.errors if refused is None or f"status of {refused}" not in error] == []

    return visit


def scene_file(seed: int = 0) -> bytes:
    """A small scene with wavelengths, as ``.npz``."""
    buffer = io.BytesIO()
    np.savez(buffer, cube=small_scene(seed, 24, 24), wavelengths_nm=np.linspace(450, 950, 30))
    return buffer.getvalue()


def drop(page: Page, files: dict[str, bytes]) -> None:
    """Drop files on the page, as from a folder; by name."""
    expect(page.locator(".drop")).to_be_visible()
    page.evaluate(
        """(files) => {
            const dataTransfer = new DataTransfer();
            for (const [name, text] of files) {
                const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
                dataTransfer.items.add(new File([bytes], name));
            }
            document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
        }""",
        [(name, base64.b64encode(content).decode()) for name, content in files.items()],
    )


def job_of(page: Page) -> str:
    """Id of the job whose view is shown next."""
    page.wait_for_url(re.compile("#/jobs/"))
    return page.url.rpartition("/")[2]


def post(service: httpx.Client, content: bytes, name: str = "scene.npz", **fields: str) -> str:
    """Id of a new job."""
    job_id: str = service.post("/unmix", data=fields, files={"file": (name, content)}).json()["jobID"]
    return job_id


def successful(service: httpx.Client, content: bytes, name: str = "scene.npz", **fields: str) -> str:
    """Id of a job that has results."""
    job_id = post(service, content, name, **fields)
    wait_until(lambda: service.get(f"/jobs/{job_id}").json()["status"] == "successful")
    return job_id


def array(service: httpx.Client, job_id: str, name: str) -> Any:
    """A ``.npy`` file of a result."""
    return np.load(io.BytesIO(service.get(f"/jobs/{job_id}/results/{name}").content))


def point_at(page: Page, number: int, row: int, column: int, size: int = 24) -> None:
    """Put the mouse on a pixel of one of the maps, which show the whole square image of so many rows."""
    box = page.locator(".map").nth(number).bounding_box()
    assert box is not None
    inside = (box["width"] - 8) / size
    page.mouse.move(box["x"] + 4 + (column + 0.5) * inside, box["y"] + 4 + (row + 0.5) * inside)


def serious(page: Page) -> list[str]:
    """What axe-core finds on the page that is serious or critical."""
    if not AXE.exists():
        pytest.skip("axe-core is not there: the page was bundled elsewhere")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def photograph(page: Page, name: str) -> None:
    """Keep a picture of the whole page as build output."""
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
