"""GeoTIFF: band tags, scales and masks are understood, neighbours and other drivers are not."""

import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from tests.io.scene_files import ROTATED, small_cube, write_geotiff
from unmixing.errors import SceneFormatError
from unmixing.io.formats import rows
from unmixing.io.inputs.scenes import open_scene


@pytest.mark.parametrize("interleave", ["band", "pixel"])
@pytest.mark.parametrize("options", [{}, {"compress": "deflate"}, {"tiled": True, "blockxsize": 16, "blockysize": 16}])
@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f4", "f8"])
def test_numbers_come_back(tmp_path: Path, interleave: str, options: dict[str, Any], dtype: str) -> None:
    cube = small_cube(40, 20, 6, dtype=dtype)
    path = write_geotiff(tmp_path / "a.tif", cube, interleave=interleave, **options)
    with open_scene([path]) as scene:
        assert scene.shape == cube.shape
        assert np.array_equal(np.concatenate(list(scene.blocks())), cube)
        assert np.array_equal(scene.read().values, cube.astype("f4"))
        assert CRS.from_wkt(scene.georeference.crs_wkt).to_epsg() == 32613
        assert scene.georeference.transform == pytest.approx(tuple(ROTATED)[:6])


def test_blocks_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cube = small_cube(64, 20, 6)
    path = write_geotiff(tmp_path / "a.tif", cube, tiled=True, blockxsize=16, blockysize=16)
    monkeypatch.setattr(rows, "BLOCK_BYTES", 20 * 20 * 6 * 4)
    with open_scene([path]) as scene:
        blocks = list(scene.blocks())
    assert [len(block) for block in blocks] == [16, 16, 16, 16], "whole tiles, within the limit"
    assert np.array_equal(np.concatenate(blocks), cube)


@pytest.mark.parametrize(
    "tags",
    [
        {"wavelength": "{nm}", "wavelength_units": "Nanometers"},
        {"WAVELENGTH": "{um}", "WAVELENGTH_UNITS": "Micrometers"},
        {"wavelength": "{um}"},
        {"wavelength": "{nm}", "wavelength_units": "Unknown"},
    ],
)
def test_wavelengths_from_band_tags(tmp_path: Path, tags: dict[str, str]) -> None:
    nm = np.array([400.0, 500, 450, 700, 800, 900])
    band_tags = [{key: text.format(nm=x, um=x / 1000) for key, text in tags.items()} for x in nm]
    with open_scene([write_geotiff(tmp_path / "a.tif", small_cube(), band_tags)]) as scene:
        assert scene.wavelengths_nm == pytest.approx(nm)


def test_wavelengths_as_gdal_writes_them(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "a.tif", small_cube())
    with rasterio.open(path, "r+") as dataset:
        for band in dataset.indexes:
            dataset.update_tags(band, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=str(0.4 + band / 10), FWHM_UM="0.0085")
    with open_scene([path]) as scene:
        assert scene.wavelengths_nm == pytest.approx([500, 600, 700, 800, 900, 1000])
        assert scene.source["fwhm_nm"] == [8.5] * 6


def test_half_a_list_of_wavelengths_is_none(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "a.tif", small_cube(), [{"wavelength": "400"}, {"wavelength": "500"}])
    with open_scene([path]) as scene:
        assert scene.wavelengths_nm is None


def test_bad_bands_and_nodata(tmp_path: Path) -> None:
    cube = small_cube(dtype="i2")
    cube[0, 0], cube[:, :, 4] = -1, -1
    path = write_geotiff(tmp_path / "a.tif", cube, [{}, {"bbl": "0"}, {"bbl": "1"}], nodata=-1)
    with open_scene([path]) as scene:
        read = scene.read()
    assert [band.index for band in read.dropped_bands] == [1, 4]
    assert np.isnan(read.values[0, 0]).all()
    assert int((~read.valid_pixels).sum()) == 1


def test_scale_is_applied_once(tmp_path: Path) -> None:
    cube = small_cube(dtype="i2")
    path = write_geotiff(tmp_path / "one.tif", cube, scales=[0.25] * 6, offsets=[0] * 6)
    with open_scene([path]) as scene:
        assert scene.scale == 0.25
        assert np.array_equal(scene.read().values, cube * np.float32(0.25))
    scales, offsets = np.arange(1, 7) / 8, np.arange(6.0)
    path = write_geotiff(tmp_path / "many.tif", cube, scales=scales, offsets=offsets, nodata=int(cube[0, 0, 0]))
    with open_scene([path]) as scene:
        read = scene.read()
    expected = (cube * scales + offsets).astype("f4")
    expected[0, 0, 0] = np.nan
    assert np.array_equal(read.values, expected, equal_nan=True)


def test_a_mask_inside_the_file_masks_pixels(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "a.tif", small_cube(dtype="u2"))
    mask = np.full((5, 4), 255, dtype="u1")
    mask[2, 1] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(mask)
    with open_scene([path]) as scene:
        read = scene.read()
    assert np.argwhere(~read.valid_pixels).tolist() == [[2, 1]]


def test_no_place_is_no_place(tmp_path: Path) -> None:
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        path = write_geotiff(tmp_path / "a.tif", small_cube(), crs=None, transform=None)
    with open_scene([path]) as scene:
        assert scene.georeference is None


def test_neighbours_are_not_opened(tmp_path: Path) -> None:
    cube = small_cube(dtype="u2")
    path = write_geotiff(tmp_path / "a.tif", cube)
    (tmp_path / "a.tif.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><Scale>7</Scale><NoDataValue>3</NoDataValue></PAMRasterBand>"
        "<GeoTransform>1,1,0,1,0,-1</GeoTransform></PAMDataset>"
    )
    for suffix in (".ovr", ".msk"):
        write_geotiff(tmp_path / f"a.tif{suffix}", np.zeros_like(cube))
    with open_scene([path]) as scene:
        assert (scene.scale, scene.nodata) == (1.0, None)
        assert scene.georeference.transform[0] == pytest.approx(ROTATED.a)
        assert np.array_equal(scene.read().values, cube.astype("f4"))


def test_other_drivers_are_not_tried(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "a.tif", small_cube())
    (tmp_path / "b.tif").write_text(
        "<VRTDataset rasterXSize='4' rasterYSize='5'><VRTRasterBand dataType='Float32' band='1'>"
        f"<SimpleSource><SourceFilename>{path}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with pytest.raises(SceneFormatError, match="no scene"):
        open_scene([tmp_path / "b.tif"])


@pytest.mark.parametrize("options", [{}, {"compress": "deflate"}, {"interleave": "band", "blockysize": 4}])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_cut_short(tmp_path: Path, options: dict[str, Any], share: float) -> None:
    cube = np.random.default_rng(0).random((40, 20, 6), dtype="f4")
    path = write_geotiff(tmp_path / "a.tif", cube, **options)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(SceneFormatError), open_scene([path]) as scene:
        scene.read()


def test_a_header_that_promises_more_rows(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "a.tif", small_cube(dtype="u2"))
    content = bytearray(path.read_bytes())
    length_tag = content.index(struct.pack("<HHI", 257, 3, 1))
    content[length_tag + 8 : length_tag + 10] = struct.pack("<H", 60_000)
    path.write_bytes(content)
    with pytest.raises(SceneFormatError):
        open_scene([path])


def test_complex_numbers(tmp_path: Path) -> None:
    path = write_geotiff(tmp_path / "a.tif", small_cube().astype("c8"))
    with pytest.raises(SceneFormatError, match="complex64"):
        open_scene([path])


# rasterio itself stumbles over GDAL's messages that quote damaged text
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.data())
def test_damaged_files_are_read_or_refused(tmp_path: Path, damage: st.DataObject) -> None:
    path = tmp_path / "a.tif"
    if not path.exists():
        write_geotiff(path, small_cube(), [{"wavelength": str(400 + band)} for band in range(6)], compress="deflate")
    content = bytearray(path.read_bytes())
    for _ in range(damage.draw(st.integers(1, 4))):
        content[damage.draw(st.integers(8, len(content) - 1))] = damage.draw(st.integers(0, 255))
    (tmp_path / "b.tif").write_bytes(content)
    try:
        with open_scene([tmp_path / "b.tif"]) as scene:
            list(scene.blocks())
    except SceneFormatError:
        pass


def test_many_threads_read_many_scenes(tmp_path: Path) -> None:
    cube = small_cube(64, 20, 6)
    path = write_geotiff(tmp_path / "a.tif", cube, compress="deflate")

    def read(_: int) -> bool:
        with open_scene([path]) as scene:
            return np.array_equal(scene.read().values, cube)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(read, range(24)))
        with open_scene([path]) as shared:
            blocks = list(pool.map(lambda _: next(shared.blocks()), range(24)))
    assert all(np.array_equal(block, cube) for block in blocks)
