"""NetCDF by the CF conventions, and Zarr stores laid out as xarray does."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import pytest
from rasterio.crs import CRS

from tests.io.sensor_files import (
    CF_WAVELENGTHS,
    PLACE,
    UTM,
    cf_dataset,
    pace_places,
    reflectance,
    write_cf,
    write_pace,
    write_zarr,
    zipped,
)
from unmixing.errors import SceneFormatError
from unmixing.io.inputs.scenes import open_scene
from unmixing.io.inputs.uploads import unpack_files

EXACT = 1.1e-4
"""Half of a step of the packed numbers, and rounding."""


def assert_scene(scene: Any) -> None:
    """It is that of ``cf_dataset``: unpacked once, with its wavelengths and without the pixel of fill."""
    cube = scene.read()
    assert scene.wavelengths_nm == pytest.approx(CF_WAVELENGTHS)
    expected = reflectance(40)
    assert not cube.valid_pixels[0, 0]
    assert np.abs(cube.values[1:] - expected[1:]).max() < EXACT


def test_a_grid_mapping_and_coordinates_make_a_place(tmp_path: Path) -> None:
    with open_scene([write_cf(tmp_path)], scratch=tmp_path) as scene:
        assert_scene(scene)
        assert scene.georeference.transform == pytest.approx((30, 0, PLACE[0] - 15, 0, -30, PLACE[1] + 15))
        assert CRS.from_wkt(scene.georeference.crs_wkt).to_epsg() == UTM
        assert scene.source["axes_by"] == "names of the axes"


def test_coordinates_in_kilometres_and_bands_in_micrometres_are_understood(tmp_path: Path) -> None:
    data = cf_dataset().rename(wavelength="band")
    data = data.assign_coords(
        {name: (name, data[name].values / 1e3, {"units": "km"}) for name in ("x", "y")}
        | {"band": ("band", CF_WAVELENGTHS / 1e3, {"units": "um"})}
    )
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with open_scene([tmp_path / "a.nc"], scratch=tmp_path) as scene:
        assert_scene(scene)
        assert scene.georeference.transform == pytest.approx((30, 0, PLACE[0] - 15, 0, -30, PLACE[1] + 15))


def test_latitude_and_longitude_of_rows_and_columns_make_a_place(tmp_path: Path) -> None:
    with open_scene([write_cf(tmp_path, degrees=True)], scratch=tmp_path) as scene:
        assert_scene(scene)
        assert scene.georeference.transform == pytest.approx((0.001, 0, 9.9995, 0, -0.001, 45.0005))
        assert CRS.from_wkt(scene.georeference.crs_wkt).to_epsg() == 4326


@pytest.mark.parametrize("how", ["uneven", "no CRS"])
def test_no_place_is_made_up(tmp_path: Path, how: str) -> None:
    data = cf_dataset()
    if how == "uneven":
        data = data.assign_coords(x=data["x"].values + np.arange(11) ** 2)
    else:
        data = data.drop_vars("utm")
        del data["surface_reflectance"].attrs["grid_mapping"]
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with open_scene([tmp_path / "a.nc"], scratch=tmp_path) as scene:
        assert_scene(scene)
        assert scene.georeference is None


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("scale_factor", np.nan, "must be finite"),
        ("scale_factor", 0.0, "zero"),
        ("add_offset", np.inf, "must be finite"),
    ],
)
def test_a_scale_that_is_none_is_refused(tmp_path: Path, name: str, value: float, said: str) -> None:
    path = write_cf(tmp_path)
    with h5py.File(path, "r+") as file:
        file["surface_reflectance"].attrs[name] = value
    with pytest.raises(SceneFormatError, match=said):
        open_scene([path], scratch=tmp_path)


def test_a_crs_that_names_a_file_is_refused(tmp_path: Path) -> None:
    path = write_cf(tmp_path)
    with h5py.File(path, "r+") as file:
        file["utm"].attrs["crs_wkt"] = "/etc/passwd"
    with pytest.raises(SceneFormatError, match="is no CRS"):
        open_scene([path], scratch=tmp_path)


def test_pace_is_read_with_its_wavelengths(tmp_path: Path) -> None:
    with open_scene([write_pace(tmp_path)], scratch=tmp_path) as scene:
        assert scene.source["variable"] == "geophysical_data/rhos"
        assert scene.source["axes"] == "rows, columns, bands"
        assert_scene(scene)
        assert scene.georeference is None
        rows, columns, _ = scene.shape
        grid = scene.grid
    assert grid is not None
    assert CRS.from_wkt(grid.georeference.crs_wkt).to_epsg() == 4326
    latitude, longitude = pace_places(rows, columns)
    shown = grid.rows >= 0
    assert len({*zip(grid.rows[shown], grid.columns[shown], strict=True)}) == rows * columns  # no pixel is lost
    width, _, left, _, height, top = grid.georeference.transform
    y, x = np.nonzero(shown)
    off_x = (left + width * (x + 0.5) - longitude[grid.rows[shown], grid.columns[shown]] + 180) % 360 - 180
    off_y = top + height * (y + 0.5) - latitude[grid.rows[shown], grid.columns[shown]]
    assert np.hypot(off_x / width, off_y / height).max() <= 1.001
    assert 0 < width < 0.014
    assert -0.011 < height < 0


@pytest.mark.parametrize("places", ["one place", "no numbers", "the pole", "anywhere"])
def test_latitudes_and_longitudes_that_make_no_grid_are_left_out(tmp_path: Path, places: str) -> None:
    path = write_pace(tmp_path)
    with h5py.File(path, "r+") as file:
        latitude, longitude = file["navigation_data/latitude"], file["navigation_data/longitude"]
        if places == "one place":
            latitude[...], longitude[...] = 1, 1
        elif places == "no numbers":
            latitude[...] = np.nan
        elif places == "the pole":
            latitude[...] += 49
        else:
            rng = np.random.default_rng(0)
            latitude[...], longitude[...] = rng.uniform(-80, 80, latitude.shape), rng.uniform(-180, 180, latitude.shape)
    with open_scene([path], scratch=tmp_path) as scene:
        assert_scene(scene)
        assert scene.grid is None


@pytest.mark.parametrize("version", [2, 3])
def test_a_zarr_store_is_read_from_its_folder(tmp_path: Path, version: Literal[2, 3]) -> None:
    with open_scene([write_zarr(tmp_path, version=version)], scratch=tmp_path) as scene:
        assert_scene(scene)
        assert (scene.source["format"], scene.source["files"]) == ("zarr", ["scene.zarr"])
        assert scene.georeference.transform == pytest.approx((30, 0, PLACE[0] - 15, 0, -30, PLACE[1] + 15))
        assert CRS.from_wkt(scene.georeference.crs_wkt).to_epsg() == UTM


@pytest.mark.parametrize("version", [2, 3])
def test_fill_values_of_fractions_are_understood(tmp_path: Path, version: Literal[2, 3]) -> None:
    data = cf_dataset()
    data["surface_reflectance"].encoding = {"dtype": "float32", "_FillValue": -9999.0}
    data.to_zarr(tmp_path / "a.zarr", zarr_format=version, consolidated=False)
    with open_scene([tmp_path / "a.zarr"], scratch=tmp_path) as scene:
        assert_scene(scene)
        assert scene.nodata == -9999


def test_a_zip_of_a_store_is_one_scene(tmp_path: Path) -> None:
    archive = zipped(write_zarr(tmp_path))
    (tmp_path / "zip").mkdir()
    archive.rename(tmp_path / "zip" / "a.zip")
    with open_scene(unpack_files(tmp_path / "zip"), scratch=tmp_path) as scene:
        assert_scene(scene)


def test_one_store_at_a_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_zarr(tmp_path / name)
    with pytest.raises(SceneFormatError, match="one scene at a time"):
        open_scene([tmp_path / "a", tmp_path / "b"])


def metadata(change: Callable[[dict[str, Any]], None], version: int = 3) -> Callable[[Path], None]:
    """What changes the metadata of the cube."""

    def done(store: Path) -> None:
        path = store / "surface_reflectance" / ("zarr.json" if version == 3 else ".zarray")
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(document))

    return done


def written(text: str) -> Callable[[Path], None]:
    """What writes another metadata of the cube."""

    def done(store: Path) -> None:
        (store / "surface_reflectance" / "zarr.json").write_text(text)

    return done


def chunk_cut_off(store: Path) -> None:
    chunk = next(path for path in (store / "surface_reflectance" / "c").rglob("*") if path.is_file())
    chunk.write_bytes(chunk.read_bytes()[:10])


BROKEN: dict[str, tuple[Literal[2, 3], Callable[[Path], None], str]] = {
    "pickled": (2, metadata(lambda of: of.update(filters=[{"id": "pickle"}]), 2), "codec 'pickle' is not read"),
    "compressor": (2, metadata(lambda of: of.update(compressor={"id": "ffmpeg"}), 2), "codec 'ffmpeg' is not read"),
    "codec": (3, metadata(lambda of: of["codecs"].append({"name": "numcodecs.pickle"})), "numcodecs.pickle"),
    "no codecs": (3, metadata(lambda of: of.pop("codecs")), "describes no Zarr array"),
    "shape of words": (3, metadata(lambda of: of.update(shape=["many", 2, 3])), "describes no Zarr array"),
    "vast": (3, metadata(lambda of: of.update(shape=[10**6, 10**6, 40])), "more than 200:1 is not believed"),
    "below zero": (3, metadata(lambda of: of.update(shape=[-5, 11, 40])), "has no 3-D array"),
    "chunks of nothing": (
        3, metadata(lambda of: of["chunk_grid"]["configuration"].update(chunk_shape=[0, 1, 1])), "1 to .* are read",
    ),
    "vast chunks": (
        3, metadata(lambda of: of["chunk_grid"]["configuration"].update(chunk_shape=[10**6, 10**6, 1])), "are read",
    ),
    "a list": (3, written("[1]"), "no JSON object"),
    "no JSON": (3, written("{"), "is no JSON"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_store_that_lies_is_refused(tmp_path: Path, name: str) -> None:
    version, change, said = BROKEN[name]
    with pytest.raises(SceneFormatError, match=said):
        open_scene([write_zarr(tmp_path, version=version, change=change)], scratch=tmp_path)


def test_a_damaged_chunk_is_told_when_it_is_read(tmp_path: Path) -> None:
    with (
        open_scene([write_zarr(tmp_path, change=chunk_cut_off)], scratch=tmp_path) as scene,
        pytest.raises(SceneFormatError, match="cannot be read"),
    ):
        scene.read()
