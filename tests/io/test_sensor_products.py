"""Products of imaging spectrometers, each in its published layout, come out with wavelengths, scale and place."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from rasterio.crs import CRS

from tests.io.sensor_files import (
    PLACE,
    PRISMA_SCALES,
    SWIR,
    UTM,
    VNIR,
    prisma_numbers,
    reflectance,
    write_emit,
    write_prisma,
)
from unmixing.errors import SceneFormatError
from unmixing.io.inputs.scenes import open_scene
from unmixing.specs import InputSpec


def test_emit_is_read_as_the_sensor_saw_it(tmp_path: Path) -> None:
    good = np.ones(40)
    good[[17, 18]] = 0
    with open_scene([write_emit(tmp_path, good=good)], scratch=tmp_path) as scene:
        cube = scene.read()
    assert (scene.source["format"], scene.source["variable"], scene.source["unit"]) == (
        "EMIT netCDF", "reflectance", "reflectance",
    )  # fmt: skip
    assert scene.wavelengths_nm == pytest.approx(np.linspace(381, 2493, 40), rel=1e-6)
    assert scene.bad_bands.nonzero()[0].tolist() == [17, 18]
    assert not cube.valid_pixels[0, 0]
    expected = reflectance(40)
    assert np.array_equal(cube.values[1:], expected[1:])


def test_flags_that_are_all_good_are_no_wavelengths(tmp_path: Path) -> None:
    with open_scene([write_emit(tmp_path)], scratch=tmp_path) as scene:
        assert scene.wavelengths_nm == pytest.approx(np.linspace(381, 2493, 40), rel=1e-6)
        assert not scene.bad_bands.any()


def test_emits_lists_are_told_apart_in_a_file_that_is_cut_to_them(tmp_path: Path) -> None:
    def without_lookup(file: h5py.File) -> None:
        del file["location"]

    with open_scene([write_emit(tmp_path, change=without_lookup)], scratch=tmp_path) as scene:
        assert scene.source["format"] == "hdf5"
        assert scene.wavelengths_nm == pytest.approx(np.linspace(381, 2493, 40), rel=1e-6)


def prisma_values(detector: str) -> Any:
    lowest, highest = (PRISMA_SCALES[f"L2Scale{detector.title()}{end}"] for end in ("Min", "Max"))
    return lowest + prisma_numbers(detector).transpose(0, 2, 1) / 65535 * (highest - lowest)


def test_prismas_detectors_become_one_cube(tmp_path: Path) -> None:
    with open_scene([write_prisma(tmp_path)], scratch=tmp_path) as scene:
        values = np.concatenate(list(scene.blocks()))
    both = np.concatenate([VNIR[1:], SWIR[:-1]])
    order = np.argsort(both)
    assert scene.wavelengths_nm == pytest.approx(both[order])
    expected = np.concatenate([prisma_values("VNIR")[:, :, 1:], prisma_values("SWIR")[:, :, :-1]], axis=2)[:, :, order]
    assert np.isnan(values[0, 0]).all(), "outside of the swath all numbers are zero"
    expected[0, 0] = np.nan
    assert values == pytest.approx(expected, abs=1e-6, nan_ok=True)
    assert scene.source["format"] == "PRISMA L2D"


def test_prismas_overlap_is_measured_once_and_said(tmp_path: Path) -> None:
    with open_scene([write_prisma(tmp_path)], scratch=tmp_path) as scene:
        wavelengths, bad = scene.wavelengths_nm, scene.bad_bands
    assert scene.source["detector_overlap"] == (
        "VNIR and SWIR overlap from 943.4 to 977.3 nm; VNIR is used below 960.35 nm, SWIR above: "
        "bands 15, 16 are left out"
    )
    assert wavelengths[bad] == pytest.approx([943.4, 977.3])
    with open_scene([write_prisma(tmp_path)], InputSpec(keep_bands="900-1100nm"), scratch=tmp_path) as scene:
        assert not scene.bad_bands[15], "the user may use them all the same"


def test_prismas_place_is_that_of_its_corners(tmp_path: Path) -> None:
    with open_scene([write_prisma(tmp_path)], scratch=tmp_path) as scene:
        assert CRS.from_wkt(scene.georeference.crs_wkt).to_epsg() == UTM
        assert scene.georeference.transform == pytest.approx((30, 0, PLACE[0] - 15, 0, -30, PLACE[1] + 15))


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"L2ScaleVnirMin": None}, "L2ScaleVnirMin is missing"),
        ({"L2ScaleSwirMax": np.nan}, "L2ScaleSwirMax must be 1 finite"),
        ({"L2ScaleVnirMax": 0.0}, "L2ScaleVnirMax 0"),
        ({"List_Cw_Swir": SWIR[:-2]}, "List_Cw_Swir must be 23 finite"),
        ({"List_Cw_Vnir": VNIR * 0}, "List_Cw_Vnir must be wavelengths"),
        ({"List_Cw_Vnir": np.where(VNIR > 900, np.nan, VNIR)}, "List_Cw_Vnir must be 17 finite"),
        ({"Epsg_Code": np.int64(99)}, "EPSG:99"),
        ({"Product_LRcorner_easting": 0.0}, "no upper left and lower right"),
        ({"L2ScaleVnirMin": "low"}, "L2ScaleVnirMin must be 1 finite"),
    ],
)  # fmt: skip
def test_a_damaged_prisma_product_is_refused_with_the_attribute(tmp_path: Path, attributes: Any, said: str) -> None:
    with pytest.raises(SceneFormatError, match=said):
        open_scene([write_prisma(tmp_path, attributes=attributes)], scratch=tmp_path)


def test_detectors_of_different_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SceneFormatError, match="different sizes"):
        open_scene([write_prisma(tmp_path, swir_columns=7)], scratch=tmp_path)
