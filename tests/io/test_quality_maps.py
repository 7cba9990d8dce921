"""Brightness, residual and quality: what they say of every pixel, and the files they lie in."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS

from tests.io.scene_files import ROTATED
from tests.io.test_io_products import read_tif
from unmixing import unmix
from unmixing.cubes import cube_from_array
from unmixing.inference.images import CubeImage
from unmixing.io.apply.image import unmix_to_files
from unmixing.io.formats.gdal import georeference_optional
from unmixing.io.products.result import ImageResult
from unmixing.progress import silent
from unmixing.specs import UnmixSpec
from unmixing.types import Compute, Cube, Georeference, SceneFacts, SpectralLibrary

SPEC = UnmixSpec(method="vca_fcls", n_endmembers=3)
SPECTRA = np.random.default_rng(3).random((3, 12))
MASKED, NEGATIVE_FIT, LARGE_RESIDUAL, DARK = 1, 2, 4, 8


def scene(unit: float = 1.0, **facts: Any) -> Cube:
    """Mixtures of three spectra with noise; two pixels masked, some dark, some with less than nothing of a material."""
    rng = np.random.default_rng(4)
    values = rng.dirichlet([0.5, 0.5, 0.5], (21, 17)) @ SPECTRA + 0.01 * rng.standard_normal((21, 17, 12))
    values[5, :4] *= 0.02
    values[9, :6] = np.array([0.6, 0.7, -0.3]) @ SPECTRA + 0.01 * rng.standard_normal((6, 12))
    values[2, 3], values[20, 0] = np.nan, 0.0
    return cube_from_array((values * unit).astype(np.float32), SceneFacts(**facts))


def expected(cube: Cube, abundances: Any, brightness: Any, endmembers: Any) -> tuple[Any, Any]:
    """Residual and quality, pixel by pixel and by the definitions."""
    pixels = cube.values.astype(np.float64)
    residual = np.sqrt(((pixels - brightness[..., None] * (abundances @ endmembers)) ** 2).mean(axis=2))
    level = np.sqrt((pixels**2).mean(axis=2))
    valid = np.isfinite(abundances).all(axis=2)
    quality = np.where(valid, 0, MASKED)
    norms = np.linalg.norm(endmembers, axis=1)
    for place in np.argwhere(valid):
        y = pixels[tuple(place)]
        contributions = np.linalg.lstsq(endmembers.T.astype(np.float64), y, rcond=None)[0]
        if (contributions * norms).min() < -0.1 * np.linalg.norm(y):
            quality[tuple(place)] |= NEGATIVE_FIT
    quality[residual > np.percentile(residual[valid], 99)] |= LARGE_RESIDUAL
    quality[valid & (level < 0.1 * np.median(level[valid]))] |= DARK
    return residual, quality


@pytest.mark.parametrize("abundances_of", ["area", "shape"])
@pytest.mark.parametrize("unit", [1.0, 1e-26, 1e26])
def test_residual_and_quality_are_what_their_definitions_say_in_any_unit(unit: float, abundances_of: Any) -> None:
    cube = scene(unit)
    known = SpectralLibrary(("a", "b", "c"), None, SPECTRA * unit)
    found = unmix(cube, SPEC.model_copy(update={"abundances_of": abundances_of}), endmembers=known)
    assert found.residual is not None
    wide = (np.asarray(values, np.float64) for values in (found.abundances, found.brightness, found.endmembers))
    residual, quality = expected(cube, *wide)
    np.testing.assert_allclose(found.residual, residual, rtol=2e-3, atol=2e-7 * unit)
    np.testing.assert_array_equal(found.quality, quality)
    assert found.quality.dtype == np.uint8
    assert found.quality[2, 3] == found.quality[20, 0] == MASKED
    assert (found.quality[5, :4] & DARK).all()
    assert (found.quality[9, :6] & NEGATIVE_FIT).all()
    assert np.count_nonzero(found.quality & LARGE_RESIDUAL) == 4


def products(folder: Path, cube: Cube) -> ImageResult:
    return unmix_to_files(CubeImage(cube), SPEC, folder, Compute(), silent)[0]


def test_the_maps_are_strict_cogs_that_say_what_they_hold(tmp_path: Path) -> None:
    place = Georeference(CRS.from_epsg(32613).to_wkt(), tuple(ROTATED)[:6])
    cube = scene(georeference=place, source={"unit": "radiance"})
    found = products(tmp_path, cube).unmixing
    for name, unit in (("brightness", "1"), ("residual", "radiance"), ("quality", "1"), ("abundances", "1")):
        values, facts = read_tif(tmp_path / f"{name}.tif")
        wanted = np.asarray(getattr(found, name)).reshape(*cube.shape[:2], -1)
        np.testing.assert_array_equal(values, wanted)
        assert facts["transform"] == pytest.approx(ROTATED)
        assert facts["crs"] == CRS.from_epsg(32613)
        with rasterio.open(tmp_path / f"{name}.tif") as file:
            assert set(file.units) == {unit}
            tags = file.tags(1)
            if name != "quality":
                assert file.descriptions[0] == (name if name != "abundances" else "endmember 1")
                assert float(tags["STATISTICS_MEAN"]) == pytest.approx(np.nanmean(wanted[..., 0]), rel=1e-4)
                assert float(tags["STATISTICS_MAXIMUM"]) == pytest.approx(np.nanmax(wanted[..., 0]), rel=1e-4)
    assert [path.name for path in tmp_path.glob("*.aux.xml")] == ["dominant.tif.aux.xml"]


def test_the_quality_map_says_each_of_its_bits(tmp_path: Path) -> None:
    products(tmp_path, scene())
    with georeference_optional(), rasterio.open(tmp_path / "quality.tif") as file:
        tags = file.tags()
        assert (file.dtypes, file.nodata) == (("uint8",), None)
        assert np.array_equal(file.read(1), np.load(tmp_path / "quality.npy"))
    words = {"BIT_0": "1: masked", "BIT_1": "2: negative fit", "BIT_2": "4: large residual", "BIT_3": "8: dark"}
    assert {key: tags[key].split(":")[0] + ":" + tags[key].split(":")[1] for key in words} == words


def test_where_nothing_is_left_nothing_is_large(tmp_path: Path) -> None:
    cube = cube_from_array(np.tile(np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 1.0]], np.float32), (4, 2, 1)))
    quality = unmix(cube, UnmixSpec(method="vca_fcls", n_endmembers=2)).quality
    assert not (quality & (LARGE_RESIDUAL | DARK)).any()
