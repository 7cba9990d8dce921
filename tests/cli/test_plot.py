"""``unmix plot``: pictures of finished results, wherever they lie."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from tests.cli.conftest import Command
from tests.cli.test_run import assert_one_line_error


@pytest.fixture(autouse=True)
def as_on_screens(monkeypatch: pytest.MonkeyPatch) -> None:
    """With as many pixels as the pictures that jobs make."""
    monkeypatch.setattr("unmixing.io.products.pictures.figure.PRINT_DPI", 130)


@pytest.fixture
def results(unmix: Command, tiny: Path) -> Path:
    assert unmix("run", tiny, "-p", "3", "--method", "vca_fcls").exit_code == 0
    return Path("tiny-unmixed")


def assert_same(one: Path | str, other: Path | str) -> None:
    """The scene in false colour has been written in whole levels meanwhile."""
    np.testing.assert_allclose(imread(one), imread(other), atol=2 / 255)


def test_a_folder_and_its_zip_give_the_picture_of_the_job(unmix: Command, results: Path) -> None:
    drawn = unmix("plot", results)
    assert drawn.exit_code == 0, drawn.output
    picture = Path("tiny-unmixed.png").resolve()
    assert str(picture) in drawn.stdout
    assert_same(picture, results / "quicklook.png")
    shutil.make_archive("moved", "zip", ".", results.name)  # as file managers do it: the folder is in it
    assert unmix("plot", "moved.zip").exit_code == 0
    assert Path("moved.png").read_bytes() == picture.read_bytes()


def test_the_ending_names_the_format(unmix: Command, results: Path) -> None:
    assert unmix("plot", results, "-o", "figure.PDF").exit_code == 0
    assert Path("figure.PDF").read_bytes().startswith(b"%PDF")
    assert_one_line_error(unmix("plot", results, "-o", "figure.jpg"), "png, pdf, svg")
    assert_one_line_error(
        unmix("plot", results, "-o", "figure.pdf", "--format", "svg"), "--format is svg", "figure.pdf"
    )
    assert_one_line_error(unmix("plot", results, "--format", "eps"), "'eps'", "png, pdf, svg")
    assert_one_line_error(unmix("plot", results, "-o", "none/a.png"), "none/a.png cannot be written")


def test_of_several_methods_all_or_one(unmix: Command, tiny: Path) -> None:
    assert unmix("run", tiny, "-p", "3", "--method", "vca_fcls,nmf", "-o", "both").exit_code == 0
    assert Path("both/false_colour.png").is_file()
    report = Path("both/report.html").read_text()
    for words in ("VCA + FCLS", "NMF", "The methods beside each other", "data:image/png"):
        assert words in report
    assert unmix("plot", "both").exit_code == 0
    assert_same("both.png", "both/comparison.png")
    assert unmix("plot", "both", "--method", "nmf", "-o", "one.png").exit_code == 0
    assert_same("one.png", "both/nmf-quicklook.png")
    assert_one_line_error(unmix("plot", "both", "--method", "palm"), "palm", "vca_fcls, nmf")


def test_mixtures(unmix: Command, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savetxt("spectra.csv", rng.random((60, 3)) @ rng.random((3, 8)), delimiter=",")
    assert unmix("run", "spectra.csv", "-s", "3", "--method", "nmf", "-o", "out").exit_code == 0
    assert unmix("plot", "out").exit_code == 0
    assert Path("out.png").read_bytes() == Path("out/quicklook.png").read_bytes()


def test_whatever_is_no_result_is_said(unmix: Command, results: Path) -> None:
    Path("empty").mkdir()
    Path("text.zip").write_text("no zip")
    assert_one_line_error(unmix("plot", "empty"), "empty holds no result.json")
    assert_one_line_error(unmix("plot", "text.zip"), "no zip")
    assert_one_line_error(unmix("plot", "nowhere"), "nowhere")
    (results / "brightness.npy").unlink()
    assert_one_line_error(unmix("plot", results), "brightness.npy")
    document = json.loads((results / "result.json").read_text())
    (results / "result.json").write_text(json.dumps({"assets": document["assets"]}))
    assert_one_line_error(unmix("plot", results), "result.json")
