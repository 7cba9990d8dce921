"""``report.html``: one page that says all of a result, and harms nobody."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import make_tiny
from tests.io.test_io_products import save_maps, scene, unmixing_of
from unmixing import unmix
from unmixing.io.products.document import assets_in, result_document, write_descriptions
from unmixing.io.products.report import REPORT, write_report
from unmixing.io.products.result import ImageResult
from unmixing.methods import METHODS
from unmixing.specs import InputSpec, UnmixSpec

HOSTILE = "<script>alert(1)</script>\"'&"


class Page(HTMLParser):
    """Elements and words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words += f" {data}"


def page_of(folder: Path) -> Page:
    return Page((folder / REPORT).read_text("utf-8"))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    spec = UnmixSpec(method="vca_fcls", n_endmembers=3, seed=7)
    return unmix(make_tiny(folder / "tiny.npz"), spec, input=InputSpec(bad_bands="0,5")).save(folder / "out")


def test_it_says_everything(saved: Path) -> None:
    document, page = json.loads((saved / "result.json").read_text()), page_of(saved)
    assert document["assets"][REPORT]["type"] == "text/html"
    words = " ".join(page.words.split())
    for expected in (
        "Unmixing of tiny.npz", "VCA + FCLS", METHODS["vca_fcls"].paper, "seed 7", "reconstruction_relative",
        f"{document['metrics']['reconstruction_relative']:.4g}", "Norm of the residual over that of the pixels.",
        "14", "bands left out 2, ", "0 (400 nm), 5 (617 nm)", "abundances.tif", np.__version__,
        f"unmixing-service {document['provenance']['versions']['project']}", *document["endmembers"]["names"],
    ):  # fmt: skip
        assert expected in words, expected
    for mean in np.load(saved / "abundances.npy").mean(axis=(0, 1)):
        assert f"{mean:.3f}" in words


def test_it_asks_nobody_for_anything(saved: Path) -> None:
    page = page_of(saved)
    assert set(page.tags) & {"script", "link", "iframe", "object", "form"} == set()
    sources = [value for name, value in page.attributes if name in ("src", "href", "srcset", "action")]
    assert len(sources) == 1
    assert sources[0].startswith("data:image/png;base64,")
    assert re.search(r"url\(|@import", (saved / REPORT).read_text("utf-8")) is None


def hostile(folder: Path) -> dict[str, Any]:
    """The document of a result whose names were made to break out of the page; its maps lie in ``folder``."""
    cube = scene(source={"files": [HOSTILE], "title": HOSTILE})
    unmixing = unmixing_of(cube)
    save_maps(folder, unmixing)
    metrics = {"endmember_presence": [0.5, None, 0.1], "seconds": {"total": 1.0}}
    provenance = {
        "method": HOSTILE, "spec": {HOSTILE: HOSTILE}, "seed": 0, "versions": {}, "seconds": {},
        "peak_memory_bytes": 1, "input": {"nodata": HOSTILE}, "inputs": {"file": {HOSTILE: "0" * 64}},
    }  # fmt: skip
    document = result_document(ImageResult(unmixing, cube, None), assets_in(folder, {"abundances.npy": HOSTILE}))
    document["endmembers"]["names"] = [HOSTILE] * 3
    warning = {"code": HOSTILE, "message": HOSTILE, "action": HOSTILE}
    return {**document, "metrics": metrics, "provenance": provenance, "warnings": [warning]}


def test_names_stay_words(tmp_path: Path) -> None:
    document = hostile(tmp_path)
    assert write_report(tmp_path, document) == {REPORT: "text/html"}
    page = page_of(tmp_path)
    assert "script" not in page.tags
    assert page.words.count(HOSTILE) > 10
    assert not any(name.startswith("on") for name, _ in page.attributes)


def test_without_a_picture_there_is_a_report_too(tmp_path: Path) -> None:
    document = hostile(tmp_path)
    document["input"]["kind"] = "mixtures"
    document["mixing_matrix"] = {"names": ["source 1"], "values": [[1.0]]}
    document["metrics"] = {"reconstruction_nmse": 0.25, "nonnegative": True, "seconds": {}}
    write_descriptions(tmp_path, document)
    assert json.loads((tmp_path / "result.json").read_text())["assets"][REPORT]["href"] == REPORT
    page = page_of(tmp_path)
    assert "img" not in page.tags
    assert {"reconstruction_nmse", "0.25", "yes"} <= set(page.words.split())
