"""Which bands and pixels are used, and what is refused."""

import json

import numpy as np
import pytest

from unmixing.cubes import cube_from_array
from unmixing.errors import BandMismatchError, SceneContentError, SceneFormatError
from unmixing.io.products.document import input_report
from unmixing.types import SceneFacts


def values(rows: int = 4, columns: int = 5, bands: int = 6) -> np.ndarray:
    return np.random.default_rng(0).uniform(0.1, 0.9, size=(rows, columns, bands)).astype(np.float32)


def test_a_clean_cube_keeps_everything():
    cube = cube_from_array(values())
    assert cube.used_bands.all()
    assert cube.valid_pixels.all()
    np.testing.assert_array_equal(cube.pixels(), values().reshape(20, 6))


def test_scale_is_applied_once_and_nodata_before_it():
    numbers = np.array([[[10, 20], [-9999, 40]], [[50, 60], [70, 85]]], dtype=np.int16)
    cube = cube_from_array(numbers, SceneFacts(scale=0.1, nodata=-9999))
    np.testing.assert_allclose(cube.values[0, 0], [1.0, 2.0], rtol=1e-6)
    np.testing.assert_array_equal(cube.valid_pixels, [[True, False], [True, True]])


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_pixels_with_holes_are_masked(hole):
    numbers = values()
    numbers[1, 2, 3] = hole
    cube = cube_from_array(numbers)
    assert not cube.valid_pixels[1, 2]
    assert cube.valid_pixels.sum() == 19
    assert input_report(cube, int((~cube.valid_pixels).sum()))["pixels_masked"] == 1


def test_pixels_of_zeros_are_fill_and_masked():
    numbers = values()
    numbers[0] = 0
    assert cube_from_array(numbers).valid_pixels.sum() == 15


def test_each_dropped_band_says_why():
    numbers = values(bands=8)
    numbers[:, :, 1] = np.nan
    numbers[:, :, 2] = -0.01
    numbers[:, :, 3] *= 1e4
    numbers[:3, :, 4] = np.nan
    bad = np.zeros(8, dtype=bool)
    bad[5] = True
    cube = cube_from_array(numbers, SceneFacts(bad_bands=bad, wavelengths_nm=np.linspace(400, 1100, 8)))
    reasons = {band.index: band.reason for band in cube.dropped_bands}
    assert reasons[1] == "no pixel has data"
    assert reasons[2].startswith("constant (-0.01")
    assert "where bands typically reach" in reasons[3]
    assert reasons[4] == "only 5 of 20 pixels have data"
    assert reasons[5] == "marked bad in the header, or asked to be left out"
    assert set(reasons) == {1, 2, 3, 4, 5}
    assert cube.valid_pixels.all()
    report = json.loads(json.dumps(input_report(cube, 0)))
    assert report["bands_used"] == 3
    assert report["dropped_bands"][0] == {"index": 1, "wavelength_nm": 500.0, "reason": "no pixel has data"}


@pytest.mark.parametrize(
    ("numbers", "error", "text"),
    [
        (np.ones((3, 4)), SceneFormatError, r"3-D.*\(3, 4\)"),
        (np.ones((2, 2, 3), dtype=complex), SceneFormatError, "complex"),
        (np.array([[["a", "b"]]]), SceneFormatError, "3-D array of real numbers"),
        (values(bands=1), SceneContentError, "at least 2 bands; the cube has 1"),
        (np.full((3, 3, 4), np.nan), SceneContentError, "all 9 pixels"),
        (np.full((3, 3, 4), 0.5), SceneContentError, "constant"),
        (np.zeros((3, 3, 4)), SceneContentError, "used"),
    ],
)
def test_what_cannot_be_unmixed_is_refused(numbers, error, text):
    with pytest.raises(error, match=text):
        cube_from_array(numbers)


def test_lists_of_another_length_are_refused_with_both_numbers():
    with pytest.raises(BandMismatchError, match="wavelengths_nm has 5 entries, the cube has 6 bands"):
        cube_from_array(values(), SceneFacts(wavelengths_nm=np.arange(5.0)))
