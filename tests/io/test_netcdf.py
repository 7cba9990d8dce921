"""``results.nc``: what xarray and GDAL make of it, by the CF conventions."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import Affine

from tests.io.test_exchange_products import PLAIN, SKEWED, TURNED, UTM, full_result, place, put, small_blocks
from unmixing.inference.quality import QualityFlag
from unmixing.io.products.labelled import labelled_result
from unmixing.io.products.result import ImageResult

__all__ = ["small_blocks"]

xarray = pytest.importorskip("xarray", reason="NetCDF files are looked at with xarray")


def opened(folder: Path, result: ImageResult, **options: Any) -> Any:
    put(folder, result, "results.nc")
    return xarray.open_dataset(folder / "results.nc", engine="h5netcdf", **options)


@pytest.mark.usefixtures("small_blocks")
def test_every_map_and_spectrum_by_its_name(tmp_path: Path) -> None:
    result = full_result(georeference=place(PLAIN))
    found, unmixing = opened(tmp_path, result), result.unmixing
    assert dict(found.sizes) == {"endmember": 4, "y": 30, "x": 40, "band": 20}
    for name in ("abundances", "uncertainty"):
        assert found[name].dims == ("endmember", "y", "x")
        np.testing.assert_array_equal(found[name].transpose("y", "x", "endmember"), getattr(unmixing, name))
    for name in ("brightness", "residual", "quality"):
        assert found[name].dtype == getattr(unmixing, name).dtype
        np.testing.assert_array_equal(found[name], getattr(unmixing, name))
    np.testing.assert_array_equal(found.endmembers, unmixing.endmembers)
    np.testing.assert_array_equal(found.endmembers.wavelength, result.info.wavelengths_nm)
    assert found.abundances.endmember_name.values.tolist() == list(unmixing.endmember_names)
    soil = found.set_index(endmember="endmember_name").abundances.sel(endmember="soil, dry")
    np.testing.assert_array_equal(soil, unmixing.abundances[..., 0])


def test_names_units_and_flags_are_those_of_cf(tmp_path: Path) -> None:
    found = opened(tmp_path, full_result(georeference=place(PLAIN), source={"unit": "reflectance"}))
    assert found.attrs["Conventions"] == "CF-1.11"
    assert found.attrs["abundances_of"] == "area"
    assert (found.wavelength.attrs["standard_name"], found.wavelength.attrs["units"]) == ("radiation_wavelength", "nm")
    assert found.x.attrs["standard_name"] == "projection_x_coordinate"
    assert found.y.attrs["standard_name"] == "projection_y_coordinate"
    assert {name: found[name].attrs["units"] for name in ("abundances", "uncertainty", "brightness", "residual")} == (
        dict.fromkeys(("abundances", "uncertainty", "brightness", "residual"), "1")
    )
    assert "lit area" in found.abundances.attrs["long_name"]
    assert found.abundances.attrs["ancillary_variables"] == "uncertainty quality"
    quality = found.quality.attrs
    assert quality["standard_name"] == "quality_flag"
    meanings = dict(zip(quality["flag_meanings"].split(), quality["flag_masks"].tolist(), strict=True))
    assert meanings == {flag.name.lower(): flag.value for flag in QualityFlag}
    assert quality["flag_masks"].dtype == found.quality.dtype
    assert all(values.attrs.get("long_name") for values in found.data_vars.values() if values.name != "spatial_ref")


@pytest.mark.parametrize("unit", ["radiance", None])
def test_a_unit_that_nobody_knows_is_not_said(tmp_path: Path, unit: str | None) -> None:
    found = opened(tmp_path, full_result(source={"unit": unit}))
    assert "units" not in found.residual.attrs
    assert found.residual.attrs.get("comment") == (None if unit is None else "the image's numbers are radiance")


@pytest.mark.parametrize("transform", [PLAIN, TURNED, SKEWED, Affine(30, 0, 5, 0, 20, 6)], ids=str)
def test_gdal_finds_it_where_the_scene_lies(tmp_path: Path, transform: Affine) -> None:
    result = full_result(georeference=place(transform))
    put(tmp_path, result, "results.nc")
    with rasterio.open(f"netcdf:{tmp_path / 'results.nc'}:abundances") as file:
        assert (file.crs, file.count, file.shape) == (UTM, 4, (30, 40))
        upright = transform if transform.e < 0 else Affine(30, 0, 5, 0, -20, 606)  # GDAL turns what is upside down
        assert file.transform.almost_equals(upright)
        (there,) = file.sample([transform @ (7.5, 4.5)])
    np.testing.assert_array_equal(there, result.unmixing.abundances[4, 7])


@pytest.mark.parametrize(("code", "name"), [
    (32613, "transverse_mercator"), (4326, "latitude_longitude"), (3035, "lambert_azimuthal_equal_area"),
    (2056, "oblique_mercator"), (3857, None),
])  # fmt: skip
def test_the_projection_in_the_words_of_cf_and_as_wkt(tmp_path: Path, code: int, name: str | None) -> None:
    crs = CRS.from_epsg(code)
    found = opened(tmp_path, full_result(georeference=place(PLAIN, crs)), decode_coords="all")
    mapping = found.spatial_ref.attrs
    assert mapping.get("grid_mapping_name") == name
    assert CRS.from_wkt(mapping["crs_wkt"]) == crs
    assert [float(part) for part in mapping["GeoTransform"].split()] == [500000, 30, 0, 4200000, 0, -30]
    assert found.abundances.encoding["grid_mapping"] == "spatial_ref"


def test_without_a_place_there_is_none(tmp_path: Path) -> None:
    found = opened(tmp_path, full_result(georeference=None))
    assert not {"x", "y", "spatial_ref"} & set(found.variables)
    (tmp_path / "again").mkdir()
    found = opened(tmp_path / "again", full_result(georeference=place(PLAIN, None)))
    assert "units" not in found.x.attrs
    assert "crs_wkt" not in found.spatial_ref.attrs


def test_it_is_the_labelled_result_in_a_file(tmp_path: Path) -> None:
    result = full_result(georeference=place(PLAIN))
    labelled = labelled_result(result.unmixing, result.info)
    found = opened(tmp_path, result)
    for name in labelled.data_vars:
        np.testing.assert_array_equal(found[name], labelled[name])
        assert found[name].dims == labelled[name].dims
    np.testing.assert_array_equal(found.x, labelled.x)
    assert {"residual", "quality"} <= set(labelled.data_vars)
