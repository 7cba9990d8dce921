"""Every view of the page in Chromium: what can go wrong, who may use it, what it asks of the network."""

import io
import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import expect

from model_store.settings import Settings
from model_store.stores import open_stores
from service.page.bundle import DIST
from tests.browser.conftest import (
    Visit,
    Visiting,
    array,
    drop,
    job_of,
    photograph,
    point_at,
    scene_file,
    serious,
    settings_of,
    successful,
)
from tests.conftest import npy, serving, small_scene, stored_model
from tests.io.scene_files import write_envi

SCHEMES = ("light", "dark")
QUICK = {"n_endmembers": "3", "method": "vca_fcls"}
LIBRARY = "wavelength,grass,soil\n" + "".join(f"{nm},{nm / 1000},{0.3 + nm / 5000}\n" for nm in range(450, 951, 10))


@pytest.mark.parametrize("size", ["1440", "390"])
def test_a_broken_file_shows_its_reason(visiting: Visiting, page_service: httpx.Client, size: str) -> None:
    broken = scene_file()[:500]
    reason = page_service.post("/inspect", files={"file": ("broken.npz", broken)}).json()["detail"]
    with visiting(size, refused=422) as visit:
        page = visit.open("")
        drop(page, {"broken.npz": broken})
        expect(page.get_by_role("alert")).to_contain_text(reason)
        photograph(page, f"error-{size}")
        assert serious(page) == []


@pytest.fixture(scope="module")
def compared(page_service: httpx.Client) -> str:
    """Id of a job that compares two methods."""
    return successful(page_service, scene_file(), n_endmembers="3", method="vca_fcls,nmf", label="compared")


@pytest.fixture(scope="module")
def separated(page_service: httpx.Client) -> str:
    """Id of a job on a mixture matrix."""
    rng = np.random.default_rng(0)
    table = rng.exponential(size=(300, 3)) * (rng.random((300, 3)) < 0.4) @ rng.random((3, 12))
    buffer = io.StringIO()
    np.savetxt(buffer, table, delimiter=",")
    return successful(page_service, buffer.getvalue().encode(), "mixtures.csv", n_sources="3", method="nmf")


@pytest.fixture(scope="module")
def _kept(page_settings: Settings) -> None:
    """A stored model."""
    stores = open_stores(page_settings)
    stores.models.register(stored_model())
    stores.redis.close()


@pytest.mark.usefixtures("_kept")
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_view_can_be_used_by_all(visiting: Visiting, compared: str, separated: str, scheme: str) -> None:
    size = "390" if scheme == "dark" else "1440"
    views = {
        "": ".drop", "#/jobs": "tbody tr", "#/models": "tbody tr", f"#/jobs/{compared}": ".spectra canvas",
        f"#/jobs/{separated}": ".picture", "#/nowhere": "h1",
    }  # fmt: skip
    with visiting(size, scheme) as visit:
        for path, sign in views.items():
            page = visit.open(path)
            expect(page.locator(sign).first).to_be_visible()
            assert serious(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], path
            if compared in path:
                photograph(page, f"compare-{size}")
        page = visit.open("#/models")
        page.get_by_role("button", name="Remove").first.click()
        assert serious(page) == []
        page = visit.open("")
        page.get_by_role("button", name="Try the example").click()
        expect(page.locator(".inspection")).to_be_visible()
        for summary in page.locator("summary").all():
            summary.click()
        assert serious(page) == []
        if size == "390":
            photograph(page, "start-390")


def test_a_pixel_of_a_comparison_is_shown_by_every_method(
    visiting: Visiting, page_service: httpx.Client, compared: str
) -> None:
    files = [array(page_service, compared, f"{method}-abundances.npy") for method in ("vca_fcls", "nmf")]
    with visiting() as visit:
        page = visit.open(f"#/jobs/{compared}")
        expect(page.locator(".map canvas").nth(1)).to_be_visible()
        point_at(page, 1, 9, 14)
        expect(page.locator(".now h3")).to_have_text("Row 9, column 14")
        expected = [f"{abundances[9, 14, k]:.3f}" for k in range(3) for abundances in files]
        expect(page.locator(".now .value")).to_have_text(expected)
        expect(page.locator(".pixel .u-legend")).to_contain_text("pixel, nmf")


def test_nearly_pure_pixels_shade_the_spectra(visiting: Visiting, page_service: httpx.Client) -> None:
    job_id = successful(page_service, scene_file(), **QUICK)
    with visiting() as visit:
        page = visit.open(f"#/jobs/{job_id}")
        expect(page.locator(".spectra")).to_contain_text("Shaded")
        canvas = page.locator(".spectra canvas")
        expect(canvas).to_be_visible()
        pale = """(canvas) => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let count = 0;
            for (let at = 0; at < data.length; at += 4) count += data[at + 3] > 30 && data[at + 3] < 60;
            return count;
        }"""
        assert canvas.evaluate(pale) > 500


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
    assert json.loads((DIST / "build.json").read_text())["ownBytes"] < 200_000
    assert min(times) < 1000


def test_the_description_of_the_service_needs_no_internet(visiting: Visiting) -> None:
    with visiting() as visit:
        page = visit.open("docs")
        expect(page.get_by_text("POST").first).to_be_visible()
        expect(page.get_by_text("/unmix").first).to_be_visible()


def test_a_file_with_several_arrays_leads_to_the_field_that_says_which(visiting: Visiting) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, first=small_scene(0, 12, 12), second=small_scene(1, 14, 14))
    with visiting(refused=422) as visit:
        page = visit.open("")
        drop(page, {"two.npz": buffer.getvalue()})
        field = page.get_by_label("Array")
        expect(field).to_be_focused()
        expect(page.get_by_role("button", name="Start", exact=True)).to_be_hidden()
        field.fill("second")
        field.press("Enter")
        expect(page.locator(".inspection")).to_contain_text("14 × 14 pixels")
        expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()


def test_a_header_takes_its_binary_afterwards(visiting: Visiting, tmp_path: Path) -> None:
    header, binary = write_envi(tmp_path, small_scene(0, 12, 13))
    with visiting(refused=422) as visit:
        page = visit.open("")
        drop(page, {header.name: header.read_bytes()})
        expect(page.get_by_role("alert")).to_contain_text("it is added to the header")
        drop(page, {binary.name: binary.read_bytes()})
        expect(page.locator(".inspection")).to_contain_text("12 × 13 pixels")


def test_what_the_form_says_is_what_is_asked_for(visiting: Visiting, page_service: httpx.Client) -> None:
    mask = np.ones((24, 24), np.uint8)
    mask[0] = 0
    files = {"Mask": ("mask.npy", npy(mask)), "Spectral library": ("library.csv", LIBRARY.encode())}
    with visiting() as visit:
        page = visit.open("")
        drop(page, {"scene.npz": scene_file()})
        page.get_by_text("How the file is read, and more").click()
        for label, (name, content) in files.items():
            page.get_by_label(label, exact=True).set_input_files({"name": name, "mimeType": "", "buffer": content})
        expect(page.locator(".inspection")).to_contain_text("24 pixels")
        page.get_by_label("shape").check()
        page.get_by_label("Every material has pixels").uncheck()
        for label, text in (("Endmembers", "3"), ("Label", "mine"), ("Seed", "5"), ("Training at most (s)", "0.1")):
            page.get_by_label(label, exact=True).fill(text)
        page.get_by_role("button", name="Start", exact=True).click()
        job = page_service.get(f"/jobs/{job_of(page)}").json()
    said = {"abundances_of": "shape", "pure_pixels": False, "n_endmembers": 3, "seed": 5, "method": "lpalm"}
    assert {name: job["inputs"][name] for name in said} == said
    assert (job["labels"], job["inputs"]["mask"], job["inputs"]["library"]) == (["mine"], "mask.npy", ["library.csv"])
    page_service.delete(f"/jobs/{job['jobID']}")


def test_jobs_are_found_and_removed(visiting: Visiting, page_service: httpx.Client, compared: str) -> None:
    unwanted = successful(page_service, scene_file(3), **QUICK, label="unwanted")
    with visiting() as visit:
        page = visit.open("#/jobs")
        page.get_by_label("Label").fill("unwanted")
        page.keyboard.press("Enter")
        expect(page.locator("tbody tr")).to_have_count(1)
        remove = page.get_by_role("button", name="Remove unwanted")
        remove.click()
        page.get_by_role("button", name="Cancel").click()
        assert page_service.get(f"/jobs/{unwanted}").status_code == 200
        remove.click()
        page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
        expect(remove).to_have_count(0)
        page = visit.open("#/jobs?method=nmf")
        expect(page.get_by_role("link", name="compared")).to_be_visible()
        expect(page.get_by_label("Method")).to_have_value("nmf")
    assert page_service.get(f"/jobs/{unwanted}").status_code in (404, 410)


def test_a_service_with_keys_asks_for_one(
    visiting: Visiting, tmp_path_factory: pytest.TempPathFactory, queue_url: str
) -> None:
    settings = settings_of(2, tmp_path_factory.mktemp("keys"), queue_url)
    stores = open_stores(settings)
    _, key = stores.keys.create()
    stores.redis.close()
    with serving(settings) as service, visiting(refused=401, service=service) as visit:
        page = visit.open("#/jobs")
        asked = page.get_by_label("Key", exact=True)
        expect(asked).to_be_focused()
        assert serious(page) == []
        asked.fill("wrong")
        asked.press("Enter")
        expect(asked).to_have_value("")
        asked.fill(key)
        asked.press("Enter")
        expect(page.locator("tbody")).to_contain_text("There are none")
        page.reload()
        expect(page.locator("tbody")).to_contain_text("There are none")


def test_visits_notice_what_goes_wrong(visiting: Visiting) -> None:
    """The checks that every test here relies on."""
    visit: Visit
    with pytest.raises(AssertionError, match=r"example\.invalid"), visiting() as visit:
        visit.open("docs").evaluate("fetch('http://example.invalid/x').catch(() => 0)")
