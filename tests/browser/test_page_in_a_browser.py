"""The page in Chromium: from a dropped scene to its maps, and on from there."""

import io
import re

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import (
    TRAINING_MS,
    Visiting,
    array,
    drop,
    job_of,
    photograph,
    point_at,
    post,
    scene_file,
    serious,
)
from tests.conftest import long_training, wait_until
from tests.io.scene_files import DATA


@pytest.fixture(scope="module")
def trained(page_service: httpx.Client) -> dict[str, str]:
    """Filled by the first test: the job that was trained through the page."""
    return {}


@pytest.fixture(scope="module")
def scene() -> tuple[str, bytes, int]:
    """Name, bytes and number of rows of a square scene of three materials: a real one where there are any."""
    samson = DATA / "samson.npz"
    return ("samson.npz", samson.read_bytes(), 95) if samson.exists() else ("scene.npz", scene_file(), 24)


def test_from_a_dropped_scene_to_its_maps(
    visiting: Visiting, page_service: httpx.Client, scene: tuple[str, bytes, int], trained: dict[str, str]
) -> None:
    name, content, size = scene
    with visiting() as visit:
        page = visit.open("")
        drop(page, {name: content})
        expect(page.locator(".inspection")).to_contain_text(f"{size} × {size} pixels")
        expect(page.locator(".inspection")).to_contain_text(" nm")
        expect(page.locator(".preview")).to_be_visible()
        photograph(page, "start-1440")
        page.get_by_label("Endmembers", exact=True).fill("3")
        page.get_by_text("How the file is read, and more").click()
        page.get_by_label("Training at most (s)").fill("3")
        page.get_by_role("button", name="Start", exact=True).click()
        trained["id"] = job_of(page)
        moved = progress_of(page)
        assert_maps(page)
        assert len(moved) > 1, moved
        assert_pixels(page, page_service, trained["id"], size)
        assert_downloads(page, page_service, trained["id"])
        assert serious(page) == []


def progress_of(page: Page) -> list[int]:
    """The figures that the bar shows until the results are there."""
    page.evaluate(
        """() => {
            window.moved = [];
            new MutationObserver(() => {
                const bar = document.querySelector("progress[aria-label=Progress]");
                if (bar && window.moved.at(-1) !== bar.value) window.moved.push(bar.value);
            }).observe(document.body, { subtree: true, childList: true, characterData: true });
        }"""
    )
    expect(page.locator("progress, .explorer").first).to_be_visible()
    photograph(page, "progress-1440")
    page.wait_for_selector(".explorer", timeout=TRAINING_MS)
    found: list[int] = page.evaluate("window.moved")
    return found


def assert_maps(page: Page) -> None:
    """False colour, dominant material and three abundances are drawn, and the spectra."""
    expect(page.locator(".map canvas").first).to_be_visible()
    expect(page.locator(".map")).to_have_count(5)
    expect(page.locator(".spectra canvas")).to_be_visible()
    colours = """() => [...document.querySelectorAll('.map canvas')].map((canvas) => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return new Set(new Uint32Array(data.buffer)).size;
    })"""
    wait_until(lambda: (found := page.evaluate(colours)) and len(found) == 5 and min(found) > 2, 20)


def assert_pixels(page: Page, service: httpx.Client, job_id: str, size: int) -> None:
    """The pixel under the cursor has the abundances of the file; six can be pinned."""
    abundances, uncertainty = array(service, job_id, "abundances.npy"), array(service, job_id, "uncertainty.npy")
    for row, column in ((3, 5), (17, 20)):
        point_at(page, 2, row, column, size)
        expect(page.locator(".now h3")).to_have_text(f"Row {row}, column {column}")
        expect(page.locator(".bars .value")).to_have_text(
            [f"{share:.3f} ± {deviation:.3f}" for share, deviation in
             zip(abundances[row, column], uncertainty[row, column], strict=True)]
        )  # fmt: skip
    for number in range(7):
        point_at(page, 1, 2 + 3 * number, 10, size)
        page.mouse.down()
        page.mouse.up()
        expect(page.locator(".pins tbody tr")).to_have_count(min(number + 1, 6))
    first = [f"{share:.3f}" for share in abundances[2, 10]]
    expect(page.locator(".pins tbody tr").first.locator("td")).to_have_text(first)
    expect(page.locator(".pixel .plot canvas")).to_be_visible()
    photograph(page, "results-1440")


def assert_downloads(page: Page, service: httpx.Client, job_id: str) -> None:
    page.locator(".downloads summary").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="abundances.tif", exact=True).click()
    assert download.value.path().read_bytes() == service.get(f"/jobs/{job_id}/results/abundances.tif").content


def test_a_model_is_applied_to_another_image(
    visiting: Visiting, page_service: httpx.Client, scene: tuple[str, bytes, int], trained: dict[str, str]
) -> None:
    with visiting() as visit:
        page = visit.open(f"#/jobs/{trained['id']}")
        page.get_by_role("link", name="Apply this model to another image").click()
        page.locator("#file").set_input_files([{"name": "next.npz", "mimeType": "", "buffer": brighter(scene[1])}])
        page.get_by_role("button", name="Start", exact=True).click()
        job_id = job_of(page)
        page.wait_for_selector(".explorer", timeout=TRAINING_MS)
        model = page_service.get(f"/jobs/{trained['id']}/results").json()["model"]["id"]
        assert job_id != trained["id"]
        assert page_service.get(f"/jobs/{job_id}").json()["inputs"]["model"] == model


def brighter(content: bytes) -> bytes:
    """Another image of the same sensor."""
    with np.load(io.BytesIO(content)) as scene:
        arrays = {name: scene[name] for name in scene.files}
    buffer = io.BytesIO()
    np.savez(buffer, **(arrays | {"cube": arrays["cube"][::-1, :60] * np.float32(1.1)}))
    return buffer.getvalue()


def test_endmembers_are_renamed_and_stay_so(visiting: Visiting, trained: dict[str, str]) -> None:
    """Even before the maps are there."""
    with visiting() as visit:
        held: list[Route] = []
        visit.page.route(re.compile("/maps-"), lambda route: held.append(route), times=1)
        page = visit.open(f"#/jobs/{trained['id']}")
        name = page.get_by_label("Name of endmember 2")
        name.fill("clay")
        name.press("Enter")
        assert len(held) == 1
        held[0].continue_()
        expect(page.locator(".panel .title", has_text="clay")).to_be_visible()
        page.reload()
        expect(page.get_by_label("Name of endmember 2")).to_have_value("clay")
        expect(page.locator(".panel .title", has_text="clay")).to_be_visible()


def test_a_running_job_is_stopped(visiting: Visiting, page_service: httpx.Client) -> None:
    fields, scene = long_training()
    job_id = post(page_service, scene, "scene.npy", **fields)
    with visiting("390") as visit:
        page = visit.open(f"#/jobs/{job_id}")
        expect(page.locator(".curve")).to_be_visible()
        photograph(page, "progress-390")
        assert serious(page) == []
        page.get_by_role("button", name="Stop this job").click()
        expect(page.locator("main")).to_contain_text("This job was stopped")
    assert page_service.get(f"/jobs/{job_id}").json()["status"] == "dismissed"


def test_the_keyboard_is_enough(visiting: Visiting, trained: dict[str, str]) -> None:
    with visiting() as visit:
        page = visit.open(f"#/jobs/{trained['id']}")
        expect(page.locator(".map canvas").first).to_be_visible()
        page.locator(".map").nth(1).focus()
        page.keyboard.press("Enter")
        expect(page.locator(".pins tbody tr")).to_have_count(1)
        page.get_by_label("Row", exact=True).fill("4")
        page.get_by_label("Column", exact=True).fill("7")
        page.keyboard.press("Enter")
        expect(page.locator(".pins tbody th").nth(1)).to_contain_text("4, 7")
