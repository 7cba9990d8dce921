"""The result of ``unmix`` in Python: labelled, drawn, saved and shown."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text

from tests.cli.conftest import make_tiny
from unmixing import unmix
from unmixing.errors import MissingExtraError, OutputFolderError
from unmixing.io.products.notebook import UnmixingResult
from unmixing.specs import InputSpec, UnmixSpec

SPEC = UnmixSpec(method="vca_fcls", n_endmembers=3)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny(tmp_path_factory.mktemp("notebook") / "tiny.npz")


@pytest.fixture(scope="module")
def result(scene: Path) -> UnmixingResult:
    return unmix(scene, SPEC, input=InputSpec(bad_bands="0"))


def test_labelled_maps_and_spectra(result: UnmixingResult) -> None:
    xarray = pytest.importorskip("xarray", reason="labelled results need xarray")
    found = result.to_xarray()
    assert isinstance(found, xarray.Dataset)
    assert dict(found.sizes) == {"y": 14, "x": 12, "endmember": 3, "band": 24}
    np.testing.assert_array_equal(found.abundances, result.abundances.transpose(2, 0, 1))
    np.testing.assert_array_equal(found.residual, result.residual)
    np.testing.assert_array_equal(found.quality, result.quality)
    assert found.quality.attrs["flag_meanings"] == "masked negative_fit large_residual dark"
    np.testing.assert_array_equal(found.endmembers.sel(endmember="endmember 2"), result.endmembers[1])
    assert (float(found.wavelength[0]), bool(found.used[0]), found.attrs["abundances_of"]) == (400.0, False, "area")
    assert found.attrs["method"] == "vca_fcls"


@pytest.mark.parametrize(("abundances_of", "unit", "expected"), [
    ("area", "radiance", "1"), ("shape", "radiance", "radiance"), ("shape", None, None),
])  # fmt: skip
def test_brightness_has_the_unit_of_what_it_brings_the_endmembers_to(
    result: UnmixingResult, abundances_of: Any, unit: str | None, expected: str | None
) -> None:
    pytest.importorskip("xarray", reason="labelled results need xarray")
    info = replace(result.info, source={"unit": unit})
    found = replace(result, abundances_of=abundances_of, info=info).to_xarray()
    assert found.brightness.attrs.get("units") == expected
    assert found.abundances.attrs["units"] == "1"


def test_without_xarray_the_error_says_what_to_install(result: UnmixingResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(MissingExtraError, match=r"unmixing-service\[xarray\]"):
        result.to_xarray()


def test_the_figure_shows_the_image_a_map_per_endmember_and_spectra(result: UnmixingResult) -> None:
    words = [text.get_text() for text in result.plot().findobj(Text)]
    assert {"false colour", *result.endmember_names} <= set(words)


def test_what_is_saved_is_the_result_of_the_command_line(result: UnmixingResult, tmp_path: Path) -> None:
    out = result.save(tmp_path / "out")
    document = json.loads((out / "result.json").read_text())
    assert {path.name for path in out.iterdir()} == {*document["assets"], "result.json"}
    assert {"abundances.tif", "quicklook.png", "endmembers.csv"} <= set(document["assets"])
    quality = np.load(out / "quality.npy")
    assert quality.dtype == np.uint8
    np.testing.assert_array_equal(quality, result.quality)
    assert document["input"]["dropped_bands"][0]["index"] == 0
    np.testing.assert_array_equal(np.load(out / "abundances.npy"), result.abundances)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(OutputFolderError, match="not empty"):
        result.save(out)
    result.save(out, overwrite=True)
    assert (out / "notes.txt").read_text() == "mine"
    with pytest.raises(OutputFolderError, match="is a file"):
        result.save(out / "notes.txt")


def test_it_tells_of_itself_in_a_notebook_and_on_a_terminal(result: UnmixingResult) -> None:
    html, text = result._repr_html_(), repr(result)
    for words in ("3 endmembers in 14 x 12 pixels of 24 bands", "endmember 1", "share of area"):
        assert words in html
        assert words in text
    shares = result.abundances.reshape(-1, 3).mean(axis=0)
    assert f"<td>{shares[0]:.3f}</td>" in html
