"""ENVI: every interleave, and a header that must fit its binary to the byte."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from tests.io.scene_files import AXES, braces, small_cube, write_envi
from unmixing.errors import SceneFormatError
from unmixing.io.inputs.scenes import open_scene

MAP_INFO = "{UTM, 1.0, 1.0, 277811.628, 4483607.425, 3.1, 3.1, 13, North, WGS-84, units=Meters, rotation=53.0}"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.tuples(*[st.integers(1, 5)] * 3),
    interleave=st.sampled_from(sorted(AXES)),
    dtype=st.sampled_from(["u1", "i2", "i4", "f4", "f8", "u2", "u4", "i8", "u8"]),
    byte_order=st.integers(0, 1),
    offset=st.integers(0, 9),
)
def test_numbers_come_back(
    tmp_path: Path, shape: tuple[int, int, int], interleave: str, dtype: str, byte_order: int, offset: int
) -> None:
    cube = small_cube(*shape, dtype=dtype)
    paths = write_envi(tmp_path, cube, interleave=interleave, byte_order=byte_order, offset=offset)
    with open_scene(paths) as scene:
        assert scene.shape == shape
        assert scene.dtype.itemsize == cube.itemsize
        assert np.array_equal(np.concatenate(list(scene.blocks())), cube)


@pytest.mark.parametrize("interleave", sorted(AXES))
def test_the_cube_is_the_same_in_memory_too(tmp_path: Path, interleave: str) -> None:
    cube = small_cube()
    with open_scene(write_envi(tmp_path, cube, interleave=interleave)) as scene:
        read = scene.read()
    assert np.array_equal(read.values, cube)
    assert read.values.flags.c_contiguous
    assert scene.georeference is None


@pytest.mark.parametrize(
    ("header", "binary"),
    [
        ("a.hdr", "a.img"),
        ("a.hdr", "a"),
        ("a.img.hdr", "a.img"),
        ("A.HDR", "a.dat"),
        ("a.hdr", "a.strange"),
        ("x.y.hdr", "x.y"),
        ("scene_header.txt", "numbers.bin"),
    ],
)
def test_the_two_find_each_other(tmp_path: Path, header: str, binary: str) -> None:
    cube = small_cube()
    paths = write_envi(tmp_path, cube, names=(header, binary))
    for given_paths in (paths, paths[::-1]):
        with open_scene(given_paths) as scene:
            assert np.array_equal(scene.read().values, cube)
    if header.lower().endswith(".hdr") and header[0] == binary[0]:
        for path in paths:
            with open_scene([path]) as scene:
                assert scene.source["files"] == [header, binary]


def test_other_scenes_of_the_same_name_do_not_matter(tmp_path: Path) -> None:
    paths = write_envi(tmp_path, small_cube())
    np.save(tmp_path / "scene.npy", small_cube(seed=1))
    for path in paths:
        with open_scene([path]) as scene:
            assert scene.source["format"] == "ENVI"


def test_a_header_alone(tmp_path: Path) -> None:
    header, binary = write_envi(tmp_path, small_cube())
    binary.unlink()
    with pytest.raises(SceneFormatError, match="without its binary"):
        open_scene([header])


@pytest.mark.parametrize(
    ("units", "values", "expected"),
    [
        ("Nanometers", [0.4, 0.5, 0.6, 0.7, 0.8, 0.9], [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
        ("Micrometers", [0.4, 0.5, 0.6, 0.7, 0.8, 2.5], [400, 500, 600, 700, 800, 2500]),
        (None, [0.4, 0.5, 0.6, 0.7, 0.8, 2.5], [400, 500, 600, 700, 800, 2500]),
        ("Unknown", [0.4, 0.5, 0.6, 0.7, 0.8, 2.5], [400, 500, 600, 700, 800, 2500]),
        ("Unknown", [400, 500, 600, 700, 650, 2500], [400, 500, 600, 700, 650, 2500]),
        ("Wavenumber", [10000, 5000, 4000, 2500, 2000, 1000], [1000, 2000, 2500, 4000, 5000, 10000]),
        ("Index", [1, 2, 3, 4, 5, 6], None),
    ],
)
def test_wavelengths_are_in_nm(
    tmp_path: Path, units: str | None, values: list[float], expected: list[float] | None
) -> None:
    extra: dict[str, Any] = {"wavelength": braces(values)} | ({"wavelength_units": units} if units else {})
    with open_scene(write_envi(tmp_path, small_cube(), **extra)) as scene:
        if expected is None:
            assert scene.wavelengths_nm is None
        else:
            assert scene.wavelengths_nm == pytest.approx(expected)


@pytest.mark.parametrize(
    ("units", "listed", "widths", "expected"),
    [
        ("Micrometers", [0.4, 0.5, 0.6, 0.7, 0.8, 2.5], [0.01] * 6, [10.0] * 6),
        (None, [400, 500, 600, 700, 800, 900], [8.5] * 6, [8.5] * 6),
        ("Wavenumber", [10000, 5000, 4000, 2500, 2000, 1000], [8.5] * 6, None),
        ("Nanometers", [400, 500, 600, 700, 800, 900], [8.5] * 5, None),
    ],
)
def test_widths_of_bands_are_in_nm_where_they_are_said(
    tmp_path: Path, units: str | None, listed: list[float], widths: list[float], expected: list[float] | None
) -> None:
    extra: dict[str, Any] = {"wavelength": braces(listed), "fwhm": braces(widths)}
    extra |= {} if units is None else {"wavelength_units": units}
    with open_scene(write_envi(tmp_path, small_cube(), **extra)) as scene:
        assert scene.source["fwhm_nm"] == expected


def test_bad_bands_nodata_and_scale_are_applied_once(tmp_path: Path) -> None:
    cube = small_cube(dtype="i2")
    cube[0, 0] = -9999
    extra: dict[str, Any] = {
        "bbl": "{1, 1.0,\n 0, 1,\n 1, 0.0}",
        "data_ignore_value": "-9999",
        "reflectance_scale_factor": "10000.0",
    }
    with open_scene(write_envi(tmp_path, cube, **extra)) as scene:
        assert scene.bad_bands.tolist() == [False, False, True, False, False, True]
        assert scene.scale == pytest.approx(1e-4)
        assert next(scene.blocks())[1, 1, 1] == cube[1, 1, 1], "blocks are the numbers in the file"
        read = scene.read()
    assert np.allclose(read.values[1:], cube[1:] / 10000)
    assert np.isnan(read.values[0, 0]).all()
    assert read.used_bands.tolist() == [True, True, False, True, True, False]
    assert not read.valid_pixels[0, 0]
    assert read.source["scale_stated"] == "reflectance scale factor"
    assert read.source["unit"] == "reflectance"


@pytest.mark.parametrize(
    ("extra", "unit"),
    [
        ({}, None),
        ({"data_units": "W/m^2/sr/nm"}, "radiance"),
        ({"z_plot_titles": "{wavelength, reflectance [*10000]}"}, "reflectance"),
        ({"data_units": "DN"}, "digital numbers"),
        ({"data_gain_values": braces([2.0] * 6)}, "radiance"),
    ],
)
def test_the_unit_is_the_one_that_the_header_states(tmp_path: Path, extra: Any, unit: str | None) -> None:
    with open_scene(write_envi(tmp_path, small_cube(), **extra)) as scene:
        assert scene.source["unit"] == unit


def test_gains_per_band_are_applied_while_reading(tmp_path: Path) -> None:
    cube = small_cube(dtype="i2")
    cube[0, 0] = -1
    gains, offsets = np.arange(1, 7) / 8, np.arange(6) / 2
    extra: dict[str, Any] = {
        "data_gain_values": braces(gains),
        "data_offset_values": braces(offsets),
        "data_ignore_value": "-1",
    }
    with open_scene(write_envi(tmp_path, cube, **extra)) as scene:
        read = scene.read()
    assert np.allclose(read.values[1:], cube[1:] * gains + offsets)
    assert np.isnan(read.values[0, 0]).all()
    assert read.scale == 1.0


def test_rotation_is_kept(tmp_path: Path) -> None:
    with open_scene(write_envi(tmp_path, small_cube(), map_info=MAP_INFO)) as scene:
        assert scene.georeference is not None
        a, b, c, d, e, f = scene.georeference.transform
        assert CRS.from_wkt(scene.georeference.crs_wkt).to_epsg() == 32613
    assert (c, f) == (277811.628, 4483607.425)
    assert np.hypot(a, d) == pytest.approx(3.1)
    assert np.degrees(np.arctan2(d, a)) == pytest.approx(53)
    assert a * e - b * d == pytest.approx(-(3.1**2))


def test_neighbours_are_not_opened(tmp_path: Path) -> None:
    paths = write_envi(tmp_path, small_cube(), map_info=MAP_INFO)
    (tmp_path / "scene.img.aux.xml").write_text("<PAMDataset><GeoTransform>1,1,0,1,0,-1</GeoTransform></PAMDataset>")
    with open_scene(paths) as scene:
        assert scene.georeference.transform[2] == 277811.628
        assert np.array_equal(scene.read().values, small_cube())


@pytest.mark.parametrize(
    ("extra", "text"),
    [
        ({"bands": "7"}, "truncated.*560 bytes.*480"),
        ({"bands": "1000000000000"}, "truncated"),
        ({"bands": "9" * 30}, "bands"),
        ({"lines": "4"}, "384 bytes, but scene.img has 480"),
        ({"bands": "-6"}, "whole number"),
        ({"bands": "0"}, "empty"),
        ({"samples": "four"}, "'samples'"),
        ({"data_type": "99"}, "data type '99'"),
        ({"data_type": "6"}, "complex64"),
        ({"interleave_": "bxx"}, "interleave"),
        ({"header_offset": "-1"}, "header offset"),
        ({"file_type": "ENVI Spectral Library"}, "library, not a scene"),
        ({"file_compression": "1"}, "compressed"),
        ({"wavelength": "{1, 2, 3}"}, "3 entries, 6 are needed"),
        ({"wavelength": "{1, 2, 3, 4, 5, nan}"}, "finite"),
        ({"bbl": "{1, 1}"}, "2 entries"),
        ({"bbl": "{1, 1, x, 1, 1, 1}"}, "no number"),
        ({"bbl": "{1, 1, 1"}, "closing brace"),
        ({"reflectance_scale_factor": "0"}, "positive"),
        ({"data_gain_values": "{0, 1, 1, 1, 1, 1}"}, "gain"),
        ({"data_ignore_value": "none"}, "no number"),
    ],
)
def test_headers_that_lie(tmp_path: Path, extra: dict[str, Any], text: str) -> None:
    with pytest.raises(SceneFormatError, match=text):
        open_scene(write_envi(tmp_path, small_cube(), **extra))


def test_missing_fields(tmp_path: Path) -> None:
    header, binary = write_envi(tmp_path, small_cube())
    for field in ("samples", "lines", "bands", "data type"):
        lines = [line for line in header.read_text().splitlines() if not line.startswith(field)]
        (tmp_path / "less.hdr").write_text("\n".join(lines))
        with pytest.raises(SceneFormatError, match=field):
            open_scene([tmp_path / "less.hdr", binary])


def test_truncated_binary(tmp_path: Path) -> None:
    header, binary = write_envi(tmp_path, small_cube())
    binary.write_bytes(binary.read_bytes()[:-1])
    with pytest.raises(SceneFormatError, match=r"truncated.*480 bytes, the file has 479"):
        open_scene([header, binary])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.data())
def test_damaged_headers_are_read_or_refused(tmp_path: Path, damage: st.DataObject) -> None:
    header, binary = write_envi(tmp_path, small_cube(), bbl=braces([1] * 6), map_info=MAP_INFO)
    content = bytearray(header.read_bytes())
    for _ in range(damage.draw(st.integers(1, 4))):
        content[damage.draw(st.integers(4, len(content) - 1))] = damage.draw(st.integers(0, 255))
    header.write_bytes(content)
    try:
        with open_scene([header, binary]) as scene:
            list(scene.blocks())
    except SceneFormatError:
        pass
