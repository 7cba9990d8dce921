"""The page in Chromium: from a dropped scene to its maps, and whatever else people do."""

import io
import re
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import TRAINING_MS, Visit, Visiting, drop, photograph, scene_file, serious
from tests.conftest import long_training, wait_until

SCHEMES = ("light", "dark")
QUICK = {"n_endmembers": "3", "method": "vca_fcls"}


def job_of(page: Page) -> str:
    page.wait_for_url(re.compile("#/jobs/"))
    return page.url.rpartition("/")[2]


def post(service: httpx.Client, content: bytes, name: str = "scene.npz", **fields: str) -> str:
    answer = service.post("/unmix", data=fields, files={"file": (name, content)})
    job_id: str = answer.json()["jobID"]
    return job_id


def successful(service: httpx.Client, content: bytes, **fields: str) -> str:
    """Id of a job that has results."""
    job_id = post(service, content, **fields)
    wait_until(lambda: service.get(f"/jobs/{job_id}").json()["status"] == "successful")
    return job_id


def array(service: httpx.Client, job_id: str, name: str) -> Any:
    return np.load(io.BytesIO(service.get(f"/jobs/{job_id}/results/{name}").content))


def point_at(page: Page, number: int, row: int, column: int, size: int = 24) -> None:
    """Put the mouse on a pixel of one of the maps, which show the whole square image."""
    box = page.locator(".map").nth(number).bounding_box()
    assert box is not None
    inside = (box["width"] - 8) / size
    page.mouse.move(box["x"] + 4 + (column + 0.5) * inside, box["y"] + 4 + (row + 0.5) * inside)


@pytest.fixture(scope="module")
def trained(page_service: httpx.Client) -> dict[str, str]:
    """Filled by the first test: the job that was trained through the page."""
    return {}


def test_from_a_dropped_scene_to_its_maps(
    visiting: Visiting, page_service: httpx.Client, trained: dict[str, str]
) -> None:
    with visiting() as visit:
        page = visit.open("")
        drop(page, "scene.npz", scene_file())
        expect(page.locator(".inspection")).to_contain_text("24 × 24 pixels")
        expect(page.locator(".inspection")).to_contain_text("450 – 950 nm")
        expect(page.locator(".preview")).to_be_visible()
        photograph(page, "start-1440")
        page.get_by_label("Endmembers", exact=True).fill("3")
        page.get_by_text("How the file is read, and more").click()
        page.get_by_label("Training at most (s)").fill("4")
        page.get_by_role("button", name="Start", exact=True).click()
        trained["id"] = job_of(page)
        moved = progress_of(page)
        assert_maps(page)
        assert len(moved) > 1, moved
        assert_pixels(page, page_service, trained["id"])
        assert_downloads(page, page_service, trained["id"])


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


def assert_pixels(page: Page, service: httpx.Client, job_id: str) -> None:
    """The pixel under the cursor has the abundances of the file; six can be pinned."""
    abundances, uncertainty = array(service, job_id, "abundances.npy"), array(service, job_id, "uncertainty.npy")
    for row, column in ((3, 5), (17, 20)):
        point_at(page, 2, row, column)
        expect(page.locator(".now h3")).to_have_text(f"Row {row}, column {column}")
        expect(page.locator(".bars .value")).to_have_text(
            [f"{share:.3f} ± {deviation:.3f}" for share, deviation in
             zip(abundances[row, column], uncertainty[row, column], strict=True)]
        )  # fmt: skip
    for number in range(7):
        point_at(page, 1, 2 + 3 * number, 10)
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
    visiting: Visiting, page_service: httpx.Client, trained: dict[str, str]
) -> None:
    with visiting() as visit:
        page = visit.open(f"#/jobs/{trained['id']}")
        page.get_by_role("link", name="Apply this model to another image").click()
        page.locator("#file").set_input_files([{"name": "next.npz", "mimeType": "", "buffer": scene_file(1)}])
        page.get_by_role("button", name="Start", exact=True).click()
        job_id = job_of(page)
        page.wait_for_selector(".explorer", timeout=TRAINING_MS)
        model = page_service.get(f"/jobs/{trained['id']}/results").json()["model"]["id"]
        assert job_id != trained["id"]
        assert page_service.get(f"/jobs/{job_id}").json()["inputs"]["model"] == model


def test_endmembers_are_renamed_and_stay_so(visiting: Visiting, trained: dict[str, str]) -> None:
    with visiting() as visit:
        page = visit.open(f"#/jobs/{trained['id']}")
        name = page.get_by_label("Name of endmember 2")
        name.fill("clay")
        name.press("Enter")
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


@pytest.mark.parametrize("size", ["1440", "390"])
def test_a_broken_file_shows_its_reason(visiting: Visiting, page_service: httpx.Client, size: str) -> None:
    broken = scene_file()[:500]
    reason = page_service.post("/inspect", files={"file": ("broken.npz", broken)}).json()["detail"]
    with visiting(size, refused=422) as visit:
        page = visit.open("")
        drop(page, "broken.npz", broken)
        expect(page.get_by_role("alert")).to_contain_text(reason)
        photograph(page, f"error-{size}")
        assert serious(page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_view_can_be_used_by_all(
    visiting: Visiting, page_service: httpx.Client, trained: dict[str, str], scheme: str
) -> None:
    compared = successful(page_service, scene_file(), n_endmembers="3", method="vca_fcls,nmf", label="compared")
    views = {
        "": ".drop", "#/jobs": "tbody tr", "#/models": "tbody tr", f"#/jobs/{trained['id']}": ".spectra canvas",
        f"#/jobs/{compared}": ".spectra canvas", "#/nowhere": "h1",
    }  # fmt: skip
    with visiting("390" if scheme == "dark" else "1440", scheme) as visit:
        for path, sign in views.items():
            page = visit.open(path)
            expect(page.locator(sign).first).to_be_visible()
            assert serious(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], path
        page = visit.open("")
        page.get_by_role("button", name="Try the example").click()
        expect(page.locator(".inspection")).to_be_visible()
        for summary in page.locator("summary").all():
            summary.click()
        assert serious(page) == []
        if scheme == "dark":
            photograph(page, "start-390")
            for path, name in ((trained["id"], "results-390"), (compared, "compare-390")):
                visit.open(f"#/jobs/{path}")
                expect(page.locator(".map canvas").first).to_be_visible()
                photograph(page, name)
        else:
            visit.open(f"#/jobs/{compared}")
            expect(page.locator(".map canvas").nth(1)).to_be_visible()
            photograph(page, "compare-1440")


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


def test_the_first_load_is_small_and_quick(visiting: Visiting) -> None:
    times, sizes = [], []
    for _ in range(3):
        with visiting() as visit:
            page = visit.open("")
            expect(page.locator(".drop")).to_be_visible()
            found = page.evaluate(
                """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
                    .map((one) => [one.responseEnd, one.transferSize])"""
            )
            times.append(max(end for end, _ in found))
            sizes.append(sum(size for _, size in found))
    assert max(sizes) < 600_000
    assert min(times) < 1000


def test_the_description_of_the_service_needs_no_internet(visiting: Visiting) -> None:
    with visiting() as visit:
        page = visit.open("docs")
        expect(page.get_by_text("POST").first).to_be_visible()
        expect(page.get_by_text("/unmix").first).to_be_visible()


def test_visits_notice_what_goes_wrong(visiting: Visiting) -> None:
    """The checks that every test here relies on."""
    visit: Visit
    with pytest.raises(AssertionError, match=r"example\.invalid"), visiting() as visit:
        visit.open("docs").evaluate("fetch('http://example.invalid/x').catch(() => 0)")
