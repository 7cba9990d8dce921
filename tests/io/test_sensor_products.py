"""Products of imaging spectrometers, each in its published layout, come out with wavelengths, scale and place."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS

from tests.io.scene_files import braces, small_cube, write_envi, write_geotiff
from tests.io.sensor_files import (
    DESIS_WAVELENGTHS,
    DN_NODATA,
    ENMAP,
    ENMAP_WAVELENGTHS,
    PLACE,
    PRISMA_SCALES,
    SWIR,
    UTM,
    VNIR,
    enmap_metadata,
    enmap_numbers,
    prisma_numbers,
    reflectance,
    write_cf,
    write_desis,
    write_emit,
    write_enmap,
    write_prisma,
    write_zarr,
)
from unmixing import unmix
from unmixing.errors import SceneFormatError
from unmixing.io.inputs.scenes import open_scene
from unmixing.specs import InputSpec, UnmixSpec


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


TOLD: Mapping[str, tuple[Callable[[Path], Path], float, str]] = {
    "EMIT": (write_emit, 8.5, "2023-04-01T10:10:10Z/2023-04-01T10:10:22Z"),
    "PRISMA": (write_prisma, 11, "2023-04-01T10:10:10.123456Z/2023-04-01T10:10:14.123456Z"),
    "EnMAP": (write_enmap, 6.996, "2022-07-24T10:45:26.123000Z/2022-07-24T10:45:30.500000Z"),
    "DESIS": (write_desis, 3.5, "2020-08-04T23:45:20.500000Z/2020-08-04T23:45:24Z"),
    "CF": (write_cf, 10.5, "2024-05-01T10:00:00Z/2024-05-01T10:00:25Z"),
    "Zarr 2": (partial(write_zarr, version=2), 10.5, "2024-05-01T10:00:00Z/2024-05-01T10:00:25Z"),
    "Zarr 3": (write_zarr, 10.5, "2024-05-01T10:00:00Z/2024-05-01T10:00:25Z"),
}
"""Writer of each product, the width of its first band, and when it was taken."""


@pytest.mark.parametrize("name", TOLD)
def test_widths_of_bands_and_the_time_are_kept(tmp_path: Path, name: str) -> None:
    write, width, acquired = TOLD[name]
    with open_scene([write(tmp_path)], scratch=tmp_path) as scene:
        widths, told = scene.source["fwhm_nm"], scene.source
    assert (len(widths), widths[0], told["acquired"]) == (scene.shape[2], width, acquired)
    doi = "https://doi.org/10.5067/EMIT/EMITL2ARFL.001" if name == "EMIT" else None
    assert told.get("derived_from") == doi
    if name == "PRISMA":
        assert widths[-1] == 9.5, "in the order of the bands"


def without_attributes(file: h5py.File) -> None:
    del file["sensor_band_parameters/fwhm"]
    for key in ("time_coverage_start", "identifier_product_doi"):
        file.attrs[key] = "yesterday, at noon"


def test_a_time_and_an_address_that_nobody_can_read_are_left_out(tmp_path: Path) -> None:
    with open_scene([write_emit(tmp_path, change=without_attributes)], scratch=tmp_path) as scene:
        assert not {"acquired", "derived_from"} & set(scene.source)
        assert scene.source["fwhm_nm"] is None


def test_a_lookup_table_may_have_a_fill_value_of_its_own(tmp_path: Path) -> None:
    def filled(file: h5py.File) -> None:
        for name in ("location/glt_x", "location/glt_y"):
            table = file[name][...]
            file[name][...] = np.where(table == 0, -9999, table)
            file[name].attrs["_FillValue"] = np.array([-9999], "i4")

    def grid(change: Callable[[h5py.File], None] | None) -> Any:
        with open_scene([write_emit(tmp_path, change=change)], scratch=tmp_path) as scene:
            return scene.grid.rows

    assert np.array_equal(grid(filled), grid(None))


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


def test_prismas_widths_that_fit_to_no_bands_are_left_out(tmp_path: Path) -> None:
    with open_scene([write_prisma(tmp_path, attributes={"List_Fwhm_Swir": SWIR[:-2]})], scratch=tmp_path) as scene:
        assert scene.source["fwhm_nm"] is None


def test_detectors_of_different_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SceneFormatError, match="different sizes"):
        open_scene([write_prisma(tmp_path, swir_columns=7)], scratch=tmp_path)


LAUGHS = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<level_X><specific><bandCharacterisation>&c;</bandCharacterisation></specific></level_X>"""
OTHER_FILE = """<?xml version="1.0"?>
<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/passwd">]>
<level_X><specific><bandCharacterisation>&secret;</bandCharacterisation></specific></level_X>"""
BROKEN_XML = {
    "cut": (enmap_metadata()[:900], "no XML that can be read"),
    "laughs": (LAUGHS, "entities or a document type"),
    "other file": (OTHER_FILE, "entities or a document type"),
    "other bands": (enmap_metadata(n_bands=39), "describes 39 bands, .* has 40"),
    "gain of NaN": (enmap_metadata(gain="nan"), "gainofband of band 1 is nan"),
    "gain of zero": (enmap_metadata(gain="0"), "no gain may be zero"),
    "gain in words": (enmap_metadata(gain="a lot"), "gainofband of band 1 is a lot"),
    "without gain": (enmap_metadata(gain=""), "gainofband of band 1 is missing"),
    "below zero": (enmap_metadata().replace(">418.200<", ">-418.2<"), "must be positive"),
}
"""METADATA.XML as it must not be, and words of the refusal."""


@pytest.mark.parametrize("falling", [True, False], ids=["VNIR before SWIR", "by wavelength"])
def test_enmap_is_read_from_its_folder(tmp_path: Path, falling: bool) -> None:
    order = np.arange(40) if falling else np.argsort(ENMAP_WAVELENGTHS, kind="stable")
    with open_scene([write_enmap(tmp_path, metadata=enmap_metadata(order))]) as scene:
        cube = scene.read()
    assert (scene.source["format"], scene.scale, scene.source["unit"]) == ("EnMAP L2A", 0.0001, "reflectance")
    assert scene.wavelengths_nm == pytest.approx(np.round(ENMAP_WAVELENGTHS, 3)[order])
    bad = sorted(scene.wavelengths_nm[scene.bad_bands].round().tolist())
    assert bad == [902, 959, 993], "SWIR below the middle of the overlap, VNIR above"
    said = "VNIR and SWIR overlap from 902.2 to 993.3 nm; VNIR is used below 947.75 nm, SWIR above: bands"
    assert scene.source["detector_overlap"].startswith(said)
    assert not cube.valid_pixels[:2].any()
    assert cube.values[2:] == pytest.approx(enmap_numbers()[2:] * 0.0001, rel=1e-6)
    assert scene.georeference.transform == pytest.approx((30, 0, PLACE[0] - 15, 0, -30, PLACE[1] + 15))
    assert CRS.from_wkt(scene.georeference.crs_wkt).to_epsg() == UTM


@pytest.mark.parametrize("suffix", ["-METADATA.XML", "-SPECTRAL_IMAGE.TIF"])
def test_either_half_finds_the_other(tmp_path: Path, suffix: str) -> None:
    with open_scene([write_enmap(tmp_path) / f"{ENMAP}{suffix}"]) as scene:
        assert scene.source["files"] == [f"{ENMAP}-METADATA.XML", f"{ENMAP}-SPECTRAL_IMAGE.TIF"]


def test_gains_that_the_image_states_too_are_applied_once(tmp_path: Path) -> None:
    product = write_enmap(tmp_path)
    with rasterio.open(product / f"{ENMAP}-SPECTRAL_IMAGE.TIF", "r+") as image:
        image.scales, image.offsets = [0.0001] * 39 + [0.0002], [0.0] * 40
    with open_scene([product]) as scene:
        cube = scene.read()
    assert cube.values[2:] == pytest.approx(enmap_numbers()[2:] * 0.0001, rel=1e-6)
    assert not cube.valid_pixels[:2].any()


@pytest.mark.parametrize("name", BROKEN_XML)
def test_a_metadata_file_that_lies_is_refused(tmp_path: Path, name: str) -> None:
    text, said = BROKEN_XML[name]
    with pytest.raises(SceneFormatError, match=said):
        open_scene([write_enmap(tmp_path, metadata=text)])


def test_metadata_without_its_image_is_told_so(tmp_path: Path) -> None:
    product = write_enmap(tmp_path)
    (product / f"{ENMAP}-SPECTRAL_IMAGE.TIF").unlink()
    with pytest.raises(SceneFormatError, match="its SPECTRAL_IMAGE is missing"):
        open_scene([product])


def test_a_masked_enmap_scene_has_the_same_maps_whatever_lies_outside(tmp_path: Path) -> None:
    inside = np.zeros((14, 11), bool)
    inside[3:12, 2:9] = True
    np.save(tmp_path / "mask.npy", inside)
    rng, found = np.random.default_rng(5), list[Any]()
    for outside in (None, DN_NODATA, rng.integers(-100, 30_000, (14, 11, 40))):
        numbers = enmap_numbers()
        if outside is not None:
            numbers = np.where(inside[:, :, None], numbers, outside).astype("i2")
        folder = tmp_path / f"case {len(found)}"
        folder.mkdir()
        product, asked = write_enmap(folder, numbers=numbers), InputSpec(mask=str(tmp_path / "mask.npy"))
        found.append(unmix(product, UnmixSpec(n_endmembers=3, method="vca_fcls"), input=asked))
    for other in found[1:]:
        assert np.array_equal(other.abundances, found[0].abundances, equal_nan=True)
        assert np.array_equal(other.endmembers, found[0].endmembers, equal_nan=True)
    assert np.isfinite(found[0].abundances[inside]).all()
    assert np.isnan(found[0].abundances[~inside]).all()


@pytest.mark.parametrize("offset", [0.0, 0.01])
def test_desis_is_read_from_its_folder(tmp_path: Path, offset: float) -> None:
    with open_scene([write_desis(tmp_path, offset=offset)]) as scene:
        cube = scene.read()
    assert scene.source["format"] == "DESIS L2A"
    assert scene.source["detector_overlap"] is None
    assert scene.wavelengths_nm == pytest.approx(DESIS_WAVELENGTHS, abs=0.001)
    expected = np.round(reflectance(40) * 10_000) * 0.0001 + offset
    assert cube.values[:, 1:] == pytest.approx(expected[:, 1:], abs=1e-6)
    assert not cube.valid_pixels[:, 0].any(), "-32768, also where the image does not say so"


def test_a_metadata_file_of_another_sensor_is_passed_over(tmp_path: Path) -> None:
    image = write_geotiff(tmp_path / "x.tif", small_cube())
    (tmp_path / "20220101_AnalyticMS_metadata.xml").write_text("<ps:EarthObservation xmlns:ps='p'/>")
    with open_scene([image, tmp_path / "20220101_AnalyticMS_metadata.xml"]) as scene:
        assert scene.source["format"] == "GeoTIFF"


def test_aviris_keeps_its_rotated_place_its_gaps_and_its_wavelengths(tmp_path: Path) -> None:
    """Orthocorrected AVIRIS-NG: BIL, rotated north, -9999 around, wavelengths in the header."""
    cube = reflectance(40)
    cube[:, :2] = -9999
    name = "ang20140912t192359_corr_v1c_img"
    files = write_envi(
        tmp_path, cube, interleave="bil", names=(f"{name}.hdr", name),
        map_info="{UTM, 1, 1, 277811.6, 4483607.4, 3.1, 3.1, 13, North, WGS-84, units=Meters, rotation=53.0}",
        wavelength=braces(np.linspace(376.8, 2500.1, 40)), wavelength_units="Nanometers", data_ignore_value="-9999",
        fwhm=braces(np.full(40, 5.5)),
    )  # fmt: skip
    with open_scene(files) as scene:
        valid, place = scene.read().valid_pixels, scene.georeference
    assert scene.wavelengths_nm == pytest.approx(np.linspace(376.8, 2500.1, 40))
    assert valid.sum() == valid.size - 2 * len(valid)
    assert CRS.from_wkt(place.crs_wkt).to_epsg() == 32613
    a, b, c, d, e, f = place.transform
    assert (np.hypot(a, d), np.hypot(b, e)) == pytest.approx((3.1, 3.1))
    assert (a, c, f) == pytest.approx((3.1 * np.cos(np.radians(53)), 277811.6, 4483607.4), rel=1e-6)
    assert a * e - b * d < 0, "rows go down"
