"""The files of a result: valid, named, in their place, and silent where nothing is known."""

import csv
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from matplotlib.image import imread
from rasterio.crs import CRS
from rio_cogeo.cogeo import cog_validate

from tests.conftest import stored_model
from tests.io.scene_files import ROTATED, small_cube
from unmixing.cubes import cube_from_array
from unmixing.errors import SceneFormatError
from unmixing.io.products.false_colour import false_colour_bands, png, read_png, shown, stretched
from unmixing.io.products.maps import NAMES as MAP_NAMES
from unmixing.io.products.pictures.quicklook import write_quicklook
from unmixing.io.products.pictures.spectra import runs
from unmixing.io.products.result import ImageResult, picture_step
from unmixing.io.products.table import write_products
from unmixing.types import Cube, Georeference, SceneFacts, TrainedModel, Unmixing

PLACE = Georeference(CRS.from_epsg(32613).to_wkt(), tuple(ROTATED)[:6])
NAMES = ("soil, dry", "Wasser", "$green$", "endmember 4", "veg_5", "six")


def scene(rows: int = 30, columns: int = 40, bands: int = 20, **facts: Any) -> Cube:
    values = small_cube(rows, columns, bands) / (rows * columns * bands)
    values[2, 3], values[:, :, 7] = np.nan, 0.5
    facts.setdefault("wavelengths_nm", np.linspace(400, 2400, bands))
    return cube_from_array(values, SceneFacts(**facts))


def unmixing_of(cube: Cube, n_endmembers: int = 3, model: TrainedModel | None = None) -> Unmixing:
    rows, columns, bands = cube.shape
    rng = np.random.default_rng(0)
    abundances = rng.dirichlet(np.ones(n_endmembers), (rows, columns)).astype("f4")
    brightness = rng.random((rows, columns), dtype="f4")
    endmembers = rng.random((n_endmembers, bands), dtype="f4")
    abundances[~cube.valid_pixels], brightness[~cube.valid_pixels] = np.nan, np.nan
    endmembers[:, ~cube.used_bands] = np.nan
    names = tuple(NAMES[index % 6] for index in range(n_endmembers))
    norms = np.sqrt(np.nansum(endmembers.astype(np.float64) ** 2, axis=1))
    return Unmixing(endmembers, abundances, brightness, names, {}, model, "area", norms)


def result_of(unmixing: Unmixing, cube: Cube) -> ImageResult:
    step = picture_step(cube.shape)
    bands = cube.values[::step, ::step, false_colour_bands(cube)[0]]
    return ImageResult(unmixing, cube, shown(bands, unmixing.brightness))


def save_maps(folder: Path, unmixing: Unmixing) -> None:
    """The maps of a result in memory, written as ``MapFiles`` writes them."""
    for name in MAP_NAMES:
        values = getattr(unmixing, name)
        if values is not None:
            np.save(folder / f"{name}.npy", np.asarray(values, np.float32), allow_pickle=False)


def written(folder: Path, unmixing: Unmixing, cube: Cube) -> dict[str, str]:
    """All products in ``folder``, as a job leaves them there."""
    save_maps(folder, unmixing)
    return dict(write_products(folder, result_of(unmixing, cube)))


def read_tif(path: Path) -> tuple[Any, dict[str, Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        assert cog_validate(path, strict=True) == (True, [], [])
        with rasterio.open(path) as dataset:
            facts = {name: getattr(dataset, name) for name in ("descriptions", "crs", "transform", "nodata")}
            facts |= {"overviews": dataset.overviews(1), "profile": dataset.profile}
            values = dataset.read(masked=True).transpose(1, 2, 0)
            values = values.filled(np.nan if values.dtype.kind == "f" else None)
            if facts["overviews"]:
                facts["overview"] = dataset.read(out_shape=(dataset.count, dataset.height // 2, dataset.width // 2))
    return values, facts


def test_every_product(tmp_path: Path) -> None:
    cube = scene()
    unmixing = unmixing_of(cube, model=stored_model())
    media_types = written(tmp_path, unmixing, cube)
    assert sorted(media_types) == sorted(path.name for path in tmp_path.iterdir())
    assert media_types["abundances.tif"] == "image/tiff; application=geotiff; profile=cloud-optimized"
    for name, expected in (("abundances", unmixing.abundances), ("brightness", unmixing.brightness)):
        array = np.load(tmp_path / f"{name}.npy", allow_pickle=False)
        assert array.dtype == np.float32
        assert np.array_equal(array, expected, equal_nan=True)
    assert (tmp_path / "model.onnx").read_bytes() == stored_model().onnx


def test_uncertainty_is_a_map_and_an_array_where_the_method_has_it(tmp_path: Path) -> None:
    cube = scene(georeference=PLACE)
    unmixing = unmixing_of(cube)
    unmixing = replace(unmixing, uncertainty=0.1 * unmixing.abundances)
    media_types = written(tmp_path, unmixing, cube)
    assert media_types["uncertainty.tif"] == media_types["abundances.tif"]
    values, facts = read_tif(tmp_path / "uncertainty.tif")
    assert np.array_equal(values, np.asarray(unmixing.uncertainty), equal_nan=True)
    assert facts["descriptions"] == unmixing.endmember_names
    assert np.array_equal(np.load(tmp_path / "uncertainty.npy"), np.asarray(unmixing.uncertainty), equal_nan=True)


def test_no_model_no_file(tmp_path: Path) -> None:
    cube = scene()
    assert "model.onnx" not in written(tmp_path, unmixing_of(cube), cube)


@pytest.mark.parametrize("place", [None, PLACE, replace(PLACE, crs_wkt=None)])
def test_the_map_is_a_cog_in_its_place(tmp_path: Path, place: Georeference | None) -> None:
    cube = scene(georeference=place)
    unmixing = unmixing_of(cube)
    written(tmp_path, unmixing, cube)
    values, facts = read_tif(tmp_path / "abundances.tif")
    assert np.array_equal(values, unmixing.abundances, equal_nan=True)
    assert facts["descriptions"] == unmixing.endmember_names
    assert facts["nodata"] == -9999
    if place is None:
        assert facts["crs"] is None
        assert facts["transform"].is_identity
    else:
        assert facts["transform"] == pytest.approx(ROTATED)
        assert facts["crs"] == (CRS.from_epsg(32613) if place.crs_wkt else None)


def test_overviews_keep_the_sum(tmp_path: Path) -> None:
    cube = scene(600, 700, 9, georeference=PLACE, wavelengths_nm=None)
    unmixing = unmixing_of(cube, 4)
    written(tmp_path, unmixing, cube)
    _, facts = read_tif(tmp_path / "abundances.tif")
    assert facts["overviews"] == [2]
    assert facts["profile"]["compress"] == "deflate"
    assert (facts["profile"]["blockxsize"], facts["profile"]["blockysize"]) == (512, 512)
    assert np.allclose(facts["overview"].sum(axis=0), 1, atol=1e-5)


def test_endmembers_as_a_table(tmp_path: Path) -> None:
    cube = scene()
    unmixing = unmixing_of(cube)
    written(tmp_path, unmixing, cube)
    with (tmp_path / "endmembers.csv").open(newline="") as file:
        table = list(csv.reader(file))
    assert table[0] == ["wavelength_nm", "soil, dry", "Wasser", "$green$"]
    assert [float(row[0]) for row in table[1:]] == cube.wavelengths_nm.tolist()
    assert table[8][1:] == ["", "", ""], "band 7 was dropped"
    values = np.array([[float(cell or "nan") for cell in row[1:]] for row in table[1:]], "f4")
    assert np.array_equal(values.T, unmixing.endmembers, equal_nan=True)


def test_in_shape_maps_say_so_and_spectra_are_as_bright_as_the_materials(tmp_path: Path) -> None:
    cube = scene(georeference=PLACE)
    area = unmixing_of(cube)
    unit = (area.endmembers / area.endmember_norms[:, None]).astype(np.float32)
    written(tmp_path, replace(area, endmembers=unit, abundances_of="shape", uncertainty=0.1 * area.abundances), cube)
    for name in ("abundances.tif", "uncertainty.tif"):
        with rasterio.open(tmp_path / name) as file:
            assert [file.tags(band)["ABUNDANCES_OF"] for band in range(4)] == ["shape"] * 4
    values = np.genfromtxt(tmp_path / "endmembers.csv", delimiter=",", skip_header=1)[:, 1:]
    np.testing.assert_allclose(values.T, area.endmembers, rtol=1e-5)


def test_without_wavelengths_bands_are_counted(tmp_path: Path) -> None:
    cube = scene(wavelengths_nm=None)
    written(tmp_path, unmixing_of(cube), cube)
    lines = (tmp_path / "endmembers.csv").read_text().splitlines()
    assert lines[0].startswith("band,")
    assert [line.split(",")[0] for line in lines[1:]] == [str(band) for band in range(20)]


@pytest.mark.parametrize(
    ("n_endmembers", "shape"),
    [(2, (20, 20)), (7, (20, 20)), (12, (20, 20)), (32, (20, 20)), (3, (200, 4)), (3, (4, 200)), (2, (2, 2))],
)
def test_a_picture_of_everything(tmp_path: Path, n_endmembers: int, shape: tuple[int, int]) -> None:
    cube = cube_from_array(small_cube(*shape, 9))
    write_quicklook(tmp_path / "a.png", result_of(unmixing_of(cube, n_endmembers), cube))
    picture = imread(tmp_path / "a.png")
    assert 300 < picture.shape[0] < 4000
    assert 300 < picture.shape[1] < 2000


def test_false_colour_shows_the_infrared_as_red() -> None:
    cube = scene(wavelengths_nm=np.linspace(400, 2400, 20))
    bands, words = false_colour_bands(cube)
    picture = stretched(cube.values[:, :, bands], cube.valid_pixels)
    assert picture.shape == (30, 40, 3)
    assert picture.min() >= 0
    assert picture.max() <= 1
    assert words == "821, 611, 505 nm"
    _, words = false_colour_bands(scene(wavelengths_nm=np.linspace(8000, 12000, 20)))
    assert words.startswith("11")


def test_the_picture_of_the_image_is_a_file_of_its_own(tmp_path: Path) -> None:
    cube = scene(1000, 12)
    assert written(tmp_path, unmixing_of(cube), cube)["false_colour.png"] == "image/png"
    picture = read_png((tmp_path / "false_colour.png").read_bytes())
    assert picture.shape == (500, 6, 3), "of large images every so many pixels"
    expected: Any = result_of(unmixing_of(cube), cube).picture
    assert np.abs(picture - expected).max() <= 1 / 255
    with pytest.raises(SceneFormatError):
        read_png(png(picture)[:20])


def test_lines_are_broken_where_bands_are_missing() -> None:
    order, breaks = runs(np.array([400.0, 410, 420, 430, 900, 910, 920, 905, 915, 925, 935, 945, 955]))
    assert order.tolist() == list(range(13))
    assert breaks.tolist() == [4, 7]
    order, breaks = runs(np.array([900.0, 800, 700, 600]))
    assert (order.tolist(), breaks.tolist()) == ([0, 1, 2, 3], [])
    order, _ = runs(np.array([3.0, 1, 4, 2, 5]))
    assert order.tolist() == [1, 3, 0, 2, 4]
