"""A scene in the geometry of its sensor: rasters come out on the grid of its lookup table, arrays as it was seen."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import rasterio

from tests.io.sensor_files import EMIT_GRID, EMIT_PLACE, emit_lookup, write_emit
from unmixing import unmix
from unmixing.errors import PartFormatError, SceneFormatError, SpecError
from unmixing.inference.quality import QualityFlag
from unmixing.io.apply.joining import join_parts
from unmixing.io.apply.run import run_part, run_task
from unmixing.io.formats.gdal import georeference_optional
from unmixing.io.inputs.scenes import open_scene
from unmixing.io.inputs.tasks import UnmixingTask
from unmixing.progress import silent
from unmixing.specs import InputSpec, UnmixSpec
from unmixing.types import Compute

SPEC = UnmixSpec(n_endmembers=3, method="vca_fcls")
TRANSFORM = (0.0005, 0.0, 10.0, 0.0, -0.0005, 45.0)
SHAPE = (14, 11)


def unmixed(folder: Path, scene: Path, asked: InputSpec | None = None) -> dict[str, Any]:
    folder.mkdir()
    task = UnmixingTask([scene], SPEC, asked or InputSpec(), scratch=folder.parent)
    return run_task(task, folder, Compute(), silent, lambda model: None).document


def raster(path: Path) -> Any:
    """(rows, columns, bands), masked where there is none; the place is checked on the way."""
    with rasterio.open(path) as file:
        assert file.crs.to_epsg() == 4326
        assert tuple(file.transform)[:6] == pytest.approx(TRANSFORM)
        return file.read(masked=True).transpose(1, 2, 0)


def orthorectified(values: Any) -> tuple[Any, Any]:
    """Values pixel by pixel as the table says, and where there are none."""
    glt_x, glt_y = emit_lookup(*SHAPE)
    found, missing = np.zeros((*EMIT_GRID, values.shape[2])), np.ones(EMIT_GRID, bool)
    for row, column in np.ndindex(EMIT_GRID):
        if glt_x[row, column]:
            found[row, column] = values[glt_y[row, column] - 1, glt_x[row, column] - 1]
            missing[row, column] = np.isnan(found[row, column, 0])
    return found, missing


def test_rasters_lie_on_the_grid_and_arrays_on_the_sensors_pixels(tmp_path: Path) -> None:
    document = unmixed(tmp_path / "out", write_emit(tmp_path))
    for name in ("abundances", "brightness", "residual"):
        values = np.load(tmp_path / "out" / f"{name}.npy").reshape(*SHAPE, -1)
        expected, missing = orthorectified(values)
        found = raster(tmp_path / "out" / f"{name}.tif")
        assert np.array_equal(found.mask[..., 0], missing)
        assert np.array_equal(found.data[~missing], expected[~missing].astype("f4"))
    flags = raster(tmp_path / "out" / "quality.tif")[..., 0]
    assert (flags[emit_lookup(*SHAPE)[0] == 0] == QualityFlag.MASKED).all()
    grid = document["input"]["grid"]
    assert (grid["rows"], grid["columns"], grid["transform"]) == (*EMIT_GRID, pytest.approx(list(TRANSFORM)))
    assert (document["input"]["crs"], document["input"]["transform"]) == (None, None), "the sensor's pixels lie nowhere"


def test_a_part_of_the_scene_is_shown_where_it_lies(tmp_path: Path) -> None:
    path = write_emit(tmp_path)
    unmixed(tmp_path / "out", path, InputSpec(rows="3:12", columns="2:9"))
    inner = np.load(tmp_path / "out" / "abundances.npy")
    whole = np.full((*SHAPE, 3), np.nan)
    whole[3:12, 2:9] = inner
    expected, missing = orthorectified(whole)
    found = raster(tmp_path / "out" / "abundances.tif")
    assert np.array_equal(found.mask[..., 0], missing)
    assert np.array_equal(found.data[~missing], expected[~missing].astype("f4"))


@pytest.mark.parametrize("kind", ["polygon", "raster of the grid", "raster of the sensor"])
def test_masks_may_be_drawn_on_the_grid(tmp_path: Path, kind: str) -> None:
    west, width, _, north, _, height = EMIT_PLACE
    glt_x, glt_y = emit_lookup(*SHAPE)
    on_grid = np.zeros(EMIT_GRID, bool)
    on_grid[5:11, 4:12] = True
    expected = np.zeros(SHAPE, bool)
    for row, column in np.argwhere(on_grid & (glt_x > 0)):
        expected[glt_y[row, column] - 1, glt_x[row, column] - 1] = True
    mask = tmp_path / "mask.npy"
    if kind == "polygon":
        mask = tmp_path / "mask.json"
        left, right, top, bottom = west + 4 * width, west + 12 * width, north + 5 * height, north + 11 * height
        ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
        mask.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    else:
        np.save(mask, on_grid if kind == "raster of the grid" else expected)
    with open_scene([write_emit(tmp_path)], InputSpec(mask=str(mask)), scratch=tmp_path) as scene:
        assert np.array_equal(scene.read().valid_pixels, expected)
    np.save(tmp_path / "other.npy", np.ones((9, 9)))
    with pytest.raises(SpecError, match="9 x 9 pixels"):
        open_scene([write_emit(tmp_path)], InputSpec(mask=str(tmp_path / "other.npy")), scratch=tmp_path)


def put(name: str, values: Any) -> Any:
    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = values

    return change


def attribute(name: str, value: Any) -> Any:
    return lambda file: file.attrs.__setitem__(name, value)


TOO_FAR, NEGATIVE = emit_lookup(*SHAPE)[0], emit_lookup(*SHAPE)[1]
TOO_FAR[9, 9], NEGATIVE[9, 9] = 12, -1
LIES = {
    "beyond the columns": (put("location/glt_x", TOO_FAR), "glt_x of the lookup table holds 12; the scene has 1 to 11"),
    "negative": (put("location/glt_y", NEGATIVE), "glt_y of the lookup table holds -1"),
    "not a number": (put("location/glt_x", np.full(EMIT_GRID, np.nan)), "glt_x of the lookup table holds nan"),
    "two sizes": (put("location/glt_y", np.ones((3, 3), "i4")), "of one size"),
    "a line": (put("location/glt_x", np.ones(5, "i4")), "of one size"),
    "empty": (put("location/glt_x", np.zeros(EMIT_GRID, "i4")), "shows no pixel"),
    "words": (put("location/glt_x", np.full(EMIT_GRID, b"far")), "numbers"),
    "place of words": (attribute("geotransform", "here"), "geotransform must be 6 finite"),
    "place of NaN": (attribute("geotransform", np.full(6, np.nan)), "geotransform must be 6 finite"),
    "no size": (attribute("geotransform", np.zeros(6)), "have no size"),
    "a CRS that is a file": (attribute("spatial_ref", "/etc/passwd"), "is no CRS"),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_a_lookup_table_that_lies_is_refused(tmp_path: Path, name: str) -> None:
    change, said = LIES[name]
    with pytest.raises(SceneFormatError, match=said):
        open_scene([write_emit(tmp_path, change=change)], scratch=tmp_path)


def test_a_scene_that_names_no_place_has_no_grid(tmp_path: Path) -> None:
    def without_place(file: h5py.File) -> None:
        del file.attrs["geotransform"]

    document = unmixed(tmp_path / "out", write_emit(tmp_path, change=without_place))
    assert document["input"]["grid"] is None
    with georeference_optional(), rasterio.open(tmp_path / "out" / "abundances.tif") as file:
        assert (file.crs, file.shape) == (None, SHAPE)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two parts of the scene by a model that was trained on it."""
    folder = tmp_path_factory.mktemp("parts")
    path = write_emit(folder)
    model = unmix(path, UnmixSpec(n_endmembers=3, max_training_seconds=0.1)).model
    task = UnmixingTask([path], UnmixSpec(n_endmembers=3), model=model, scratch=folder)
    found = []
    for rows in ("0:6", "6:14"):
        found.append(folder / rows.replace(":", "-"))
        found[-1].mkdir()
        run_part(task, rows, found[-1], Compute(), silent)
    return found


def test_parts_carry_the_grid_to_the_result(parts: list[Path], tmp_path: Path) -> None:
    joined = tmp_path / "joined"
    joined.mkdir()
    join_parts(parts, joined, Compute(), silent, lambda model: None)
    expected, missing = orthorectified(np.load(joined / "abundances.npy"))
    found = raster(joined / "abundances.tif")
    assert np.array_equal(found.mask[..., 0], missing)
    assert np.array_equal(found.data[~missing], expected[~missing].astype("f4"))


def test_a_part_whose_grid_shows_pixels_that_there_are_not_is_refused(parts: list[Path], tmp_path: Path) -> None:
    with np.load(parts[0] / "fitted.npz") as stored:
        arrays = dict(stored)
    arrays["grid_rows"][0, 0] = 99
    kept = (parts[0] / "fitted.npz").read_bytes()
    np.savez(parts[0] / "fitted.npz", **arrays)
    try:
        with pytest.raises(PartFormatError, match="pixels that the image does not have"):
            join_parts(parts, tmp_path, Compute(), silent, lambda model: None)
    finally:
        (parts[0] / "fitted.npz").write_bytes(kept)
