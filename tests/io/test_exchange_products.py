"""Files of a result for other programs: ENVI, the map of dominant materials, styles of QGIS."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
import spectral
from rasterio.crs import CRS
from rasterio.transform import Affine

from tests.io.scene_files import ROTATED
from tests.io.test_io_products import NAMES, read_tif, result_of, scene, unmixing_of
from unmixing.io.formats.gdal import georeference_optional
from unmixing.io.inputs.libraries import read_library
from unmixing.io.products import rasters
from unmixing.io.products.dominant import NO_DATA_CODE
from unmixing.io.products.palette import VIRIDIS, endmember_colour
from unmixing.io.products.result import ImageResult
from unmixing.io.products.table import PRODUCTS, write_products
from unmixing.types import Georeference

UTM = CRS.from_epsg(32613)
TURNED = Affine.translation(500000, 4200000) @ Affine.rotation(20) @ Affine.scale(30, -30)
SKEWED = Affine(30, 5, 500000, 3, -30, 4200000)
PLAIN = Affine(30, 0, 500000, 0, -30, 4200000)


def place(transform: Affine, crs: CRS | None = UTM) -> Georeference:
    return Georeference(None if crs is None else crs.to_wkt(), tuple(transform)[:6])


def full_result(**facts: Any) -> ImageResult:
    """With every map that there can be."""
    cube = scene(**facts)
    plain = unmixing_of(cube, 4)
    rng = np.random.default_rng(5)
    residual = rng.random(cube.shape[:2], dtype="f4")
    residual[np.isnan(plain.brightness)] = np.nan
    quality = np.where(np.isnan(plain.brightness), 1, 8 * (residual > 0.9)).astype(np.uint8)
    return result_of(replace(plain, uncertainty=0.1 * plain.abundances, residual=residual, quality=quality), cube)


def put(folder: Path, result: ImageResult, *names: str) -> None:
    for product in PRODUCTS:
        if product.name in names:
            product.write_whole(folder, result)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Maps in so many blocks that the last one is shorter."""
    monkeypatch.setattr(rasters, "BLOCK_BYTES", 7 * 40 * 4 * 4)


@pytest.mark.usefixtures("small_blocks")
def test_spectral_opens_the_abundances_with_the_names_of_the_endmembers(tmp_path: Path) -> None:
    result = full_result(georeference=place(PLAIN))
    put(tmp_path, result, "abundances.img", "abundances.hdr")
    image = spectral.envi.open(str(tmp_path / "abundances.hdr"))
    values = np.asarray(image.load(dtype=np.float32))
    masked = np.isnan(result.unmixing.brightness)
    np.testing.assert_array_equal(values[~masked], result.unmixing.abundances[~masked])
    assert set(values[masked].ravel()) == {float(image.metadata["data ignore value"])} == {-9999.0}
    assert image.metadata["band names"] == ["soil; dry", "Wasser", "$green$", "endmember 4"]
    assert "area" in image.metadata["description"]
    assert str(tmp_path) not in (tmp_path / "abundances.hdr").read_text()


@pytest.mark.parametrize("transform", [PLAIN, TURNED, Affine(0.001, 0, 10, 0, -0.002, 50)], ids=str)
@pytest.mark.parametrize("crs", [UTM, CRS.from_epsg(4326), CRS.from_epsg(3035)], ids=str)
def test_the_envi_image_lies_where_the_scene_lies(tmp_path: Path, transform: Affine, crs: CRS) -> None:
    put(tmp_path, full_result(georeference=place(transform, crs)), "abundances.img", "abundances.hdr")
    with rasterio.open(tmp_path / "abundances.img") as file:
        assert file.crs == crs
        assert file.transform.almost_equals(transform)
        assert file.nodata == -9999


@pytest.mark.parametrize("transform", [SKEWED, ROTATED @ Affine.scale(1, 2)], ids=str)
def test_a_place_that_envi_cannot_say_is_left_out_and_named(tmp_path: Path, transform: Affine) -> None:
    put(tmp_path, full_result(georeference=place(transform)), "abundances.img", "abundances.hdr")
    header = (tmp_path / "abundances.hdr").read_text()
    assert "map info =" not in header
    assert "its place is in abundances.tif" in header


def test_spectral_opens_the_endmembers_with_names_wavelengths_and_widths(tmp_path: Path) -> None:
    widths = np.linspace(5, 12, 20).tolist()
    result = full_result(source={"unit": "reflectance", "fwhm_nm": widths})
    put(tmp_path, result, "endmembers.sli", "endmembers.hdr")
    library = spectral.envi.open(str(tmp_path / "endmembers.hdr"))
    assert library.names == ["soil; dry", "Wasser", "$green$", "endmember 4"]
    np.testing.assert_array_equal(library.spectra, result.unmixing.spectra)
    np.testing.assert_array_equal(library.bands.centers, result.info.wavelengths_nm)
    np.testing.assert_array_equal(library.bands.bandwidths, widths)
    assert library.bands.band_unit == "Nanometers"
    assert [int(good) for good in library.metadata["bbl"]] == result.info.used_bands.astype(int).tolist()
    assert library.metadata["z plot titles"] == ["wavelength", "reflectance"]


def test_the_endmembers_are_a_library_for_the_next_scene(tmp_path: Path) -> None:
    result = full_result()
    put(tmp_path, result, "endmembers.sli", "endmembers.hdr")
    found = read_library([tmp_path / "endmembers.hdr", tmp_path / "endmembers.sli"])
    assert found.names == ("soil; dry", "Wasser", "$green$", "endmember 4")
    np.testing.assert_array_equal(found.spectra, result.unmixing.spectra)
    np.testing.assert_array_equal(found.wavelengths_nm, result.info.wavelengths_nm)


def test_without_wavelengths_the_library_has_none(tmp_path: Path) -> None:
    put(tmp_path, full_result(wavelengths_nm=None), "endmembers.sli", "endmembers.hdr")
    assert "wavelength" not in (tmp_path / "endmembers.hdr").read_text()


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("transform", [None, PLAIN, TURNED, SKEWED], ids=str)
def test_the_dominant_map_is_a_strict_cog_of_codes(tmp_path: Path, transform: Affine | None) -> None:
    result = full_result(georeference=None if transform is None else place(transform))
    put(tmp_path, result, "dominant.tif", "dominant.tif.aux.xml", "dominant.qml")
    read_tif(tmp_path / "dominant.tif")
    masked = np.isnan(result.unmixing.brightness)
    with georeference_optional(), rasterio.open(tmp_path / "dominant.tif") as file:
        codes, tags, colours = file.read(1), file.tags(), file.colormap(1)
        assert (file.dtypes[0], file.nodata, file.descriptions[0]) == ("uint8", NO_DATA_CODE, "dominant endmember")
        assert file.crs == (None if transform is None else UTM)
        assert file.transform.almost_equals(transform or Affine.identity())
    expected = 1 + np.nan_to_num(result.unmixing.abundances).argmax(axis=2)
    np.testing.assert_array_equal(codes, np.where(masked, NO_DATA_CODE, expected))
    assert [tags[f"CATEGORY_{code}"] for code in range(5)] == ["no data", *NAMES[:4]]
    style = ElementTree.parse(tmp_path / "dominant.qml").getroot()
    entries = {int(entry.attrib["value"]): entry.attrib for entry in style.iter("paletteEntry")}
    for code, name in enumerate(NAMES[:4], start=1):
        red, green, blue, _ = colours[code]
        assert entries[code]["color"] == f"#{red:02x}{green:02x}{blue:02x}" == endmember_colour(code - 1)
        assert entries[code]["label"] == name
    categories = ElementTree.parse(tmp_path / "dominant.tif.aux.xml").getroot()
    assert [category.text for category in categories.iter("Category")] == ["no data", *NAMES[:4]]


def test_overviews_of_the_dominant_map_hold_codes_that_are_there(tmp_path: Path) -> None:
    cube = scene(600, 700, 9, wavelengths_nm=None)
    unmixing = unmixing_of(cube, 3)
    two = unmixing.abundances * np.array([1, 0, 1], "f4")
    put(tmp_path, result_of(replace(unmixing, abundances=two), cube), "dominant.tif")
    _, facts = read_tif(tmp_path / "dominant.tif")
    assert facts["overviews"] == [2]
    assert set(np.unique(facts["overview"])) <= {NO_DATA_CODE, 1, 3}


def test_no_two_endmembers_share_a_colour() -> None:
    assert len({endmember_colour(index) for index in range(32)}) == 32


def test_the_style_of_abundances_has_the_colours_of_the_pictures(tmp_path: Path) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    put(tmp_path, full_result(), "abundances.qml")
    items = [item.attrib for item in ElementTree.parse(tmp_path / "abundances.qml").getroot().iter("item")]
    assert [item["color"] for item in items] == list(VIRIDIS)
    assert [to_hex(colormaps["viridis"](float(item["value"]))) for item in items] == list(VIRIDIS)


def test_every_geotiff_is_strict_named_and_in_its_place(tmp_path: Path) -> None:
    result = full_result(georeference=place(TURNED))
    rows = [product for product in PRODUCTS if product.raster is not None]
    put(tmp_path, result, *(product.name for product in rows))
    assert len(rows) == 6
    for product in rows:
        _, facts = read_tif(tmp_path / product.name)
        assert facts["crs"] == UTM, product.name
        assert facts["transform"].almost_equals(TURNED), product.name
        assert all(facts["descriptions"]), product.name


def test_every_product_says_what_it_is(tmp_path: Path) -> None:
    assert len({product.description for product in PRODUCTS}) == len(PRODUCTS)
    assert write_products(tmp_path, full_result())["results.nc"] == "application/x-netcdf"
