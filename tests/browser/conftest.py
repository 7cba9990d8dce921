"""A real browser on the page of a real service with a real worker."""

import base64
import io
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
from tests.conftest import REPOSITORY, serving, small_scene, working

CHROMIUM = shutil.which("chromium")
AXE = REPOSITORY / "build" / "page" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = Path(__file__).parent / "screenshots"
SIZES = {"1440": (1440, 900), "390": (390, 844)}
TIMEOUT_MS = 60_000
TRAINING_MS = 240_000


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="module")
def page_service(tmp_path_factory: pytest.TempPathFactory, queue_url: str) -> Iterator[httpx.Client]:
    """A service and two workers for all tests of a module."""
    with Redis.from_url(queue_url) as redis:
        redis.flushall()
    settings = Settings(data=tmp_path_factory.mktemp("page"), redis_url=queue_url, lease_seconds=30.0)
    with serving(settings) as client, working(settings), working(settings):
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
def visiting(browser: Browser, page_service: httpx.Client) -> Visiting:
    """``with visiting(...) as visit``: a page of its own; after it nothing was asked of others and no error told."""

    @contextmanager
    def visit(size: str = "1440", scheme: Any = "light", refused: int | None = None) -> Iterator[Visit]:
        """refused: the status of an answer that the browser may call an error, which it is to the page as well."""
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        context.set_default_timeout(TIMEOUT_MS)
        expect.set_options(timeout=TIMEOUT_MS)
        made = Visit(context.new_page(), str(page_service.base_url).rstrip("/"))
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


def drop(page: Page, name: str, content: bytes) -> None:
    """Drop a file on the page, as from a folder."""
    expect(page.locator(".drop")).to_be_visible()
    page.evaluate(
        """([name, text]) => {
            const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], name));
            document.querySelector(".drop").dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
        }""",
        [name, base64.b64encode(content).decode()],
    )


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
