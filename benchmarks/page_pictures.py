"""Pictures of the page for the documents, on its own example: `python -m benchmarks.page_pictures docs/images`."""

import shutil
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from PIL import Image
from playwright.sync_api import FilePayload, Page, sync_playwright

from cli.demo import running_service

SIZES = {"1440": (1440, 1300), "390": (390, 1300)}
COLOURS = 256
TRAINING_MS = 600_000
EXAMPLE = Path("service/page/src/example.npz")


def main(folder: Path) -> None:
    """Write ``page-VIEW-WIDTH.png`` for every view and width."""
    with TemporaryDirectory() as data, running_service(Path(data)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        compared = _job(url, {"n_endmembers": "4", "method": "vca_fcls,nmf", "label": "Two methods"})
        for size, (width, height) in SIZES.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            page.set_default_timeout(TRAINING_MS)
            _take_all(page, url, compared, folder, size)
        browser.close()


def _take_all(page: Page, url: str, compared: str, folder: Path, size: str) -> None:
    """Every view at one width, in the order in which people see them."""
    page.goto(url)
    page.locator("#file").set_input_files(FilePayload(name="broken.npz", mimeType="", buffer=b"PK no scene"))
    page.wait_for_selector(".problem")
    _take(page, folder, f"error-{size}")
    page.get_by_role("button", name="Try the example").click()
    page.wait_for_selector(".preview")
    _take(page, folder, f"start-{size}")
    page.get_by_label("Endmembers", exact=True).fill("4")
    page.locator(".options details").nth(1).locator("summary").click()
    page.get_by_label("Seed").fill(size)  # another seed is another job, which can be watched again
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector(".curve polyline[points]")
    _take(page, folder, f"progress-{size}")
    page.wait_for_selector(".spectrum", state="attached")
    _look(page, folder, f"results-{size}")
    page.goto(f"{url}/#/jobs/{compared}")
    _look(page, folder, f"compare-{size}")


def _look(page: Page, folder: Path, name: str) -> None:
    """Results with the mouse on a map."""
    page.locator(".map canvas").nth(1).wait_for()
    page.locator(".explorer").scroll_into_view_if_needed()
    page.locator(".map").nth(1).click(position={"x": 60, "y": 60})
    page.locator(".pixel .plot canvas").wait_for()
    page.wait_for_timeout(1000)
    page.evaluate("scrollTo(0, 0)")
    _take(page, folder, name)


def _take(page: Page, folder: Path, name: str) -> None:
    """What the window shows, in few colours, so that the file is small."""
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(folder / f"page-{name}.png", optimize=True)


def _job(url: str, fields: dict[str, str]) -> str:
    with EXAMPLE.open("rb") as scene:
        job: dict[str, str] = httpx.post(f"{url}/unmix", data=fields, files={"file": scene}, timeout=60).json()
    return job["jobID"]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
