"""``apply_model``: a stored model on labelled arrays, block by block, equal to the whole image at once."""

import pickle
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import small_scene
from unmixing import apply_model, unmix
from unmixing.errors import BandMismatchError, MissingExtraError, ModelFormatError, SpecError
from unmixing.inference.runtime import ModelRunner
from unmixing.io.apply.blocks import _opened, model_source
from unmixing.specs import AbundancesOf, UnmixSpec
from unmixing.types import Compute, TrainedModel, Unmixing

xarray = pytest.importorskip("xarray", reason="labelled arrays need xarray")
dask_array = pytest.importorskip("dask.array", reason="chunked arrays need dask")
cloudpickle = pytest.importorskip("cloudpickle", reason="comes with dask")

ROWS, COLUMNS, BANDS = 120, 100, 30
MAPS = ("abundances", "brightness", "uncertainty")
CHUNKS = [(10, 100, 30), (37, 41, 30), (1, 1, 30), (120, 100, 30), (60, 50, 7)]


def image() -> np.ndarray:
    """With pixels without data, a frame of zeros, and a fill value nobody mentions."""
    cube = small_scene(rows=ROWS, columns=COLUMNS, bands=BANDS)
    cube[5, 5, 3], cube[20:22, :40], cube[90:, 70:] = np.nan, 0.0, -9999.0
    return cube


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    made = unmix(small_scene(), UnmixSpec(method="lista", n_endmembers=3, max_training_seconds=0.01)).model
    assert made is not None
    return made


@pytest.fixture
def path(model: TrainedModel, tmp_path: Path) -> Path:
    (tmp_path / "model.onnx").write_bytes(model.onnx)
    return tmp_path / "model.onnx"


def labelled(chunks: tuple[int, int, int] | None, cube: np.ndarray | None = None, **attributes: Any) -> Any:
    cube = image() if cube is None else cube
    values = cube if chunks is None else dask_array.from_array(cube, chunks=chunks)
    wavelength = ("band", np.linspace(400.0, 2400.0, cube.shape[2]), {"units": "nm"})
    coordinates = {"y": 10.0 * np.arange(len(cube)), "wavelength": wavelength}
    return xarray.DataArray(values, coordinates, ("y", "x", "band"), attrs=attributes)


def assert_equal(found: Any, expected: Unmixing) -> None:
    for name in (*MAPS, "endmembers"):
        np.testing.assert_array_equal(found[name].values, getattr(expected, name), err_msg=name)


@pytest.mark.parametrize("abundances_of", ["area", "shape"])
def test_every_division_into_blocks_gives_the_answer_of_the_whole_image_to_the_last_bit(
    model: TrainedModel, path: Path, abundances_of: AbundancesOf
) -> None:
    expected = unmix(image(), UnmixSpec(abundances_of=abundances_of), model=model)
    assert 0 < np.isnan(expected.brightness).sum() < expected.brightness.size
    for chunks in [None, *CHUNKS[: 2 if abundances_of == "shape" else None]]:
        if chunks == (1, 1, 30):  # a task per pixel, of a corner
            corner = apply_model(path, labelled((20, 25, 30)), abundances_of=abundances_of)
            single = corner.abundances[:3, :3].chunk({"y": 1, "x": 1})
            np.testing.assert_array_equal(single, expected.abundances[:3, :3])
            continue
        assert_equal(apply_model(path, labelled(chunks), abundances_of=abundances_of).compute(), expected)


@pytest.mark.parametrize("bands", [25, 90])
def test_an_image_of_other_bands_is_resampled_block_by_block_to_the_same_bits(bands: int) -> None:
    spec = UnmixSpec(method="lista", n_endmembers=3, max_training_seconds=0.01)
    known = unmix(labelled(None, small_scene()), spec).model
    assert known is not None
    cube = small_scene(rows=ROWS, columns=COLUMNS, bands=bands)
    cube[5, 5, 3], cube[20:22, :40], cube[90:, 70:] = np.nan, 0.0, -9999.0
    expected = unmix(labelled(None, cube), model=known)
    assert expected.endmembers.shape[1] == BANDS
    assert np.isnan(expected.brightness).sum() == 1 + 80 + 900
    for chunks in (None, (10, 100, bands), (60, 50, 7)):
        found = apply_model(known, labelled(chunks, cube)).compute()
        assert_equal(found, expected)
    assert "were resampled to the model's 30" in found.attrs["warnings"]
    assert len(found.wavelength) == BANDS


def test_a_pixel_has_one_answer_whatever_lies_beside_it(model: TrainedModel) -> None:
    pixels = small_scene(rows=10, columns=10).reshape(-1, BANDS)
    prepared = ModelRunner(model.onnx, Compute()).prepare(pixels)
    whole = prepared.run(pixels)
    for first, last in ((0, 1), (3, 20), (50, 99), (37, 38)):
        part = prepared.run(pixels[first:last])
        np.testing.assert_array_equal(part.abundances, whole.abundances[first:last])
        np.testing.assert_array_equal(part.brightness, whole.brightness[first:last])


def test_nothing_but_the_sample_is_computed_before_it_is_asked_for(path: Path) -> None:
    reads: list[tuple[int, ...]] = []

    def read(block: np.ndarray) -> np.ndarray:
        reads.append(block.shape)
        return block

    values = dask_array.from_array(image(), chunks=(30, 100, 30)).map_blocks(read, dtype=np.float32)
    found = apply_model(path, labelled(None).copy(data=values))
    seen = len(reads)
    assert found.abundances.chunks is not None
    found.abundances[:10].compute()
    assert len(reads) == seen + 1, "only the block that was asked for"


def test_the_graph_has_the_path_of_the_model_and_no_session(path: Path, model: TrainedModel) -> None:
    carried = pickle.dumps(model_source(path))
    assert str(path).encode() in carried
    assert len(carried) < 1_000
    made = labelled(None).copy(data=dask_array.random.random((ROWS, COLUMNS, BANDS), chunks=CHUNKS[0]))
    graph = cloudpickle.dumps(dict(apply_model(path, made).abundances.data.__dask_graph__()))
    assert str(path).encode() in graph
    assert model.onnx[:500] not in graph
    assert_equal(apply_model(model, labelled(CHUNKS[0])).compute(), unmix(image(), model=model))


def test_axes_coordinates_names_and_attributes(path: Path, model: TrainedModel) -> None:
    for scene in (labelled(CHUNKS[0]), labelled(CHUNKS[0]).transpose("band", "x", "y").rename(band="wl")):
        found = apply_model(path.parent, scene)
        assert found.abundances.transpose("y", "x", "endmember").shape == (ROWS, COLUMNS, 3)
        np.testing.assert_array_equal(found.y, 10.0 * np.arange(ROWS))
        np.testing.assert_allclose(found.wavelength, np.linspace(400.0, 2400.0, BANDS))
        assert found.endmember.values.tolist() == list(model.manifest.endmember_names)
        assert found.attrs["abundances_of"] == "area"
        assert found.attrs["method"] == "lista"
        assert found.attrs["model_sha256"] == model_source(model).sha256


def test_brightness_of_shape_is_no_share(path: Path) -> None:
    found = {of: apply_model(path, labelled(None), abundances_of=of) for of in ("area", "shape")}
    assert {of: maps.brightness.attrs.get("units") for of, maps in found.items()} == {"area": "1", "shape": None}
    assert found["shape"].abundances.attrs["units"] == "1"


def test_nodata_is_that_of_the_array(path: Path, model: TrainedModel) -> None:
    cube = image()
    cube[50:53, 10:20] = 7.5
    found = apply_model(path, labelled(CHUNKS[1], cube, nodata=7.5)).compute()
    assert np.isnan(found.brightness[50:53, 10:20]).all()
    assert_equal(found, unmix(labelled(None, cube, nodata=7.5), model=model))


def test_an_answer_that_does_not_fit_the_scene_says_so(path: Path) -> None:
    rng = np.random.default_rng(0)
    strange = rng.random((30, 30, BANDS)).astype(np.float32)
    assert "is not explained" in apply_model(path, labelled((10, 30, 30), strange)).attrs["warnings"]


def test_what_cannot_be_done_is_refused(path: Path, model: TrainedModel, tmp_path: Path) -> None:
    with pytest.raises(BandMismatchError, match=r"20 bands.*30 bands"):
        apply_model(path, labelled(None, small_scene(bands=20)))
    with pytest.raises(ModelFormatError, match="cannot be read"):
        apply_model(tmp_path / "nothing.onnx", labelled(None))
    unnamed = labelled((10, 100, 30)).drop_vars("wavelength").rename(y="a", x="b", band="c")
    with pytest.raises(BandMismatchError, match="100 bands"):
        apply_model(path, unnamed.transpose("c", "a", "b"))
    found = apply_model(path, labelled(CHUNKS[0]))
    path.write_bytes(model.onnx + b"\0")
    _opened.cache_clear()
    with pytest.raises(ModelFormatError, match="SHA-256"):
        found.compute()


def test_a_model_that_looks_at_neighbours_is_refused(model: TrainedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    around = replace(model, manifest=model.manifest.model_copy(update={"neighbourhood": 11}))
    monkeypatch.setattr("unmixing.io.apply.blocks.read_model", lambda onnx, name: around)
    _opened.cache_clear()
    with pytest.raises(SpecError, match=r"11 x 11 pixels around"):
        apply_model(model, labelled(None))
    _opened.cache_clear()


def test_without_xarray_the_error_says_what_to_install(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = labelled(None)
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(MissingExtraError, match=r"unmixing-service\[xarray\]"):
        apply_model(path, scene)


def test_two_processes_of_a_cluster_give_the_same_answer(path: Path, model: TrainedModel) -> None:
    distributed = pytest.importorskip("distributed", reason="a cluster needs dask.distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(processes=True, **options) as cluster, distributed.Client(cluster) as client:
        found = apply_model(path, labelled((20, 50, 30)))
        futures = client.persist(found.abundances)
        distributed.wait(futures)
        assert len({worker for where in client.who_has().values() for worker in where}) == 2
        computed = found.compute()
    assert_equal(computed, unmix(image(), model=model))
