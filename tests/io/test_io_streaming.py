"""A stored model on a scene read by blocks says what it says on the scene as a whole."""

import threading

import h5py
import numpy as np
import pytest
import rasterio

from unmixing import unmix
from unmixing.errors import BandMismatchError, Cancelled, SceneContentError
from unmixing.io.apply.image import unmix_to_files
from unmixing.io.formats import rows
from unmixing.io.formats.gdal import georeference_optional
from unmixing.io.inputs.scenes import open_scene
from unmixing.progress import silent
from unmixing.specs import UnmixSpec
from unmixing.types import Compute

ROWS, COLUMNS, BANDS, N_ENDMEMBERS = 90, 70, 24, 3


def scene(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    bands = np.linspace(0, 1, BANDS)
    spectra = np.stack([0.2 + 0.6 * bands, 0.8 - 0.5 * bands, 0.2 + 0.7 * np.exp(-(((bands - 0.5) / 0.15) ** 2))])
    shares = rng.dirichlet(np.full(N_ENDMEMBERS, 0.6), size=(ROWS, COLUMNS))
    cube = (shares @ spectra + 0.004 * rng.normal(size=(ROWS, COLUMNS, BANDS))).astype(np.float32)
    cube[3, 4, 5] = np.nan
    cube[10:12] = 0
    return cube


@pytest.fixture(scope="module")
def model():
    cube = scene()[:40]
    cube[:, :, 7] = np.nan
    return unmix(cube, UnmixSpec(n_endmembers=N_ENDMEMBERS, max_training_seconds=0.01)).model


@pytest.fixture(scope="module")
def whole(model):
    return unmix(scene(1), model=model)


def as_npy(folder, cube):
    np.save(folder / "scene.npy", cube)
    return [folder / "scene.npy"]


def as_tiff(folder, cube):
    with rasterio.open(
        folder / "scene.tif", "w", driver="GTiff", height=ROWS, width=COLUMNS, count=BANDS, dtype="float32",
        tiled=True, blockxsize=16, blockysize=16, crs="EPSG:32632", transform=rasterio.Affine(30, 0, 5e5, 0, -30, 5e6),
    ) as file:  # fmt: skip
        file.write(cube.transpose(2, 0, 1))
    return [folder / "scene.tif"]


def as_envi(folder, cube):
    (folder / "scene.hdr").write_text(
        f"ENVI\nlines = {ROWS}\nsamples = {COLUMNS}\nbands = {BANDS}\ndata type = 4\ninterleave = bsq\n"
    )
    cube.transpose(2, 0, 1).tofile(folder / "scene.img")
    return [folder / "scene.hdr", folder / "scene.img"]


def as_hdf5(folder, cube):
    with h5py.File(folder / "scene.mat", "w", userblock_size=512) as file:
        file["cube"] = cube.T
    with (folder / "scene.mat").open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return [folder / "scene.mat"]


def stream(paths, model, out, progress=silent):
    with open_scene(paths) as opened:
        return unmix_to_files(opened, UnmixSpec(), out, Compute(), progress, model=model)


@pytest.mark.parametrize("write", [as_npy, as_tiff, as_envi, as_hdf5])
def test_blocks_of_every_format_say_what_the_whole_says(write, tmp_path, model, whole, monkeypatch):
    monkeypatch.setattr(rows, "BLOCK_BYTES", 16 * COLUMNS * BANDS * 4)
    out = tmp_path / "out"
    out.mkdir()
    found, products = stream(write(tmp_path, scene(1)), model, out)
    result = found.unmixing
    np.testing.assert_allclose(result.abundances, whole.abundances, atol=1e-4)
    np.testing.assert_allclose(result.brightness, whole.brightness, atol=1e-4)
    np.testing.assert_allclose(result.uncertainty, whole.uncertainty, atol=1e-4)
    np.testing.assert_allclose(result.endmembers, whole.endmembers, atol=1e-4)
    for name in ("reconstruction_rmse", "reconstruction_sam_radians"):
        assert result.metrics[name] == pytest.approx(whole.metrics[name], rel=1e-3)
    assert set(products) == {path.name for path in out.iterdir()}
    assert found.n_masked() == 1 + 2 * COLUMNS
    for name in ("abundances", "uncertainty"):
        with georeference_optional(), rasterio.open(out / f"{name}.tif") as file:
            stored = file.read(masked=True).filled(np.nan).transpose(1, 2, 0)
        np.testing.assert_array_equal(stored, getattr(result, name))


def test_no_read_is_larger_than_a_block(tmp_path, model, monkeypatch):
    rows_at_most = 7
    monkeypatch.setattr(rows, "BLOCK_BYTES", rows_at_most * COLUMNS * BANDS * 4)
    sizes, read = [], rows.ArrayRows.read

    def recorded(self, start, stop):
        sizes.append(stop - start)
        return read(self, start, stop)

    monkeypatch.setattr(rows.ArrayRows, "read", recorded)
    (tmp_path / "out").mkdir()
    stream(as_npy(tmp_path, scene(1)), model, tmp_path / "out")
    assert max(sizes) == rows_at_most


def test_whoever_cancels_gets_his_threads_back(tmp_path, model, monkeypatch):
    monkeypatch.setattr(rows, "BLOCK_BYTES", COLUMNS * BANDS * 4)

    def stop(share, stage, detail=""):
        if share > 0.4:
            raise Cancelled("stopped by the test")

    (tmp_path / "out").mkdir()
    with pytest.raises(Cancelled):
        stream(as_npy(tmp_path, scene(1)), model, tmp_path / "out", stop)
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"scene-reader", "product-writer"}
    assert not (tmp_path / "out" / "abundances.tif").exists()


def test_a_scene_that_does_not_fit_is_refused(tmp_path, model):
    with pytest.raises(BandMismatchError, match="23 bands.*24"):
        stream(as_npy(tmp_path, scene(1)[:, :, 1:]), model, tmp_path)
    with pytest.raises(SceneContentError, match="no pixel"):
        stream(as_npy(tmp_path, np.full((4, 5, BANDS), np.nan, dtype=np.float32)), model, tmp_path)
