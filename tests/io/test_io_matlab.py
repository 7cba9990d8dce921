"""MATLAB's files, and the trap in them: pixels are counted down the columns."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io

from tests.io.scene_files import small_cube
from unmixing.errors import AmbiguousSceneError, SceneFormatError
from unmixing.io.inputs.scenes import open_scene
from unmixing.specs import InputSpec


def write_v5(path: Path, **arrays: Any) -> Path:
    scipy.io.savemat(path, arrays, do_compression=True)
    return path


def write_v73(path: Path, **arrays: Any) -> Path:
    """As MATLAB does: a user block with its text, and every array with its axes reversed, in chunks."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in arrays.items():
            matrix = np.atleast_2d(values).T
            file.create_dataset(name, data=matrix, chunks=True, compression="gzip" if matrix.size > 1 else None)
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


WRITERS = pytest.mark.parametrize("write", [write_v5, write_v73])


@WRITERS
@pytest.mark.parametrize("dtype", ["f8", "f4", "u2", "i2"])
def test_a_3d_cube_comes_back(tmp_path: Path, write: Any, dtype: str) -> None:
    cube = small_cube(dtype=dtype)
    path = write(tmp_path / "a.mat", cube=cube, wavelengths_nm=np.linspace(400, 900, 6), scale=0.5)
    with open_scene([path], scratch=tmp_path) as scene:
        read = scene.read()
        assert np.array_equal(np.concatenate(list(scene.blocks())), cube)
    assert np.array_equal(read.values, (cube * 0.5).astype("f4"))
    assert np.array_equal(np.asarray(scene.wavelengths_nm), np.linspace(400, 900, 6))
    assert scene.dtype == np.dtype(dtype)


@WRITERS
@pytest.mark.parametrize("names", [("Y", "nRow", "nCol"), ("V", "H", "W")])
def test_a_matrix_is_counted_down_the_columns(tmp_path: Path, write: Any, names: tuple[str, str, str]) -> None:
    cube = small_cube()
    # written pixel by pixel, so that no reshape can be wrong in the same way twice
    matrix = np.zeros((6, 20), dtype="f4")
    for column in range(4):
        for row in range(5):
            matrix[:, column * 5 + row] = cube[row, column]
    path = write(tmp_path / "a.mat", **dict(zip(names, (matrix, 5.0, 4.0), strict=True)))
    with open_scene([path]) as scene:
        assert scene.shape == (5, 4, 6)
        assert np.array_equal(scene.read().values, cube)
        assert scene.source["variable"] == names[0]


@WRITERS
def test_matrices_that_do_not_fit(tmp_path: Path, write: Any) -> None:
    matrix = small_cube().reshape(20, 6).T
    with pytest.raises(SceneFormatError, match="6 bands x 20 pixels, but 5 rows x 5 columns are 25 pixels"):
        open_scene([write(tmp_path / "a.mat", Y=matrix, nRow=5.0, nCol=5.0)])
    with pytest.raises(SceneFormatError, match="matrix"):
        open_scene([write(tmp_path / "b.mat", Y=matrix)])
    with pytest.raises(SceneFormatError, match="no 3-D array"):
        open_scene([write(tmp_path / "c.mat", M=matrix)])
    with pytest.raises(AmbiguousSceneError, match="`variable`"):
        open_scene([write(tmp_path / "d.mat", Y=matrix, V=matrix, nRow=5.0, nCol=4.0)])
    with open_scene([tmp_path / "d.mat"], InputSpec(variable="V")) as scene:
        assert scene.shape == (5, 4, 6)


@WRITERS
def test_several_cubes_need_a_variable(tmp_path: Path, write: Any) -> None:
    path = write(tmp_path / "a.mat", first=small_cube(), second=small_cube(seed=1))
    with pytest.raises(AmbiguousSceneError, match=r"first.*second.*`variable`"):
        open_scene([path])
    with open_scene([path], InputSpec(variable="second")) as scene:
        assert np.array_equal(scene.read().values, small_cube(seed=1))


def test_what_is_no_number_is_left_alone(tmp_path: Path) -> None:
    path = write_v5(tmp_path / "a.mat", data=small_cube(), names=np.array(["a", {}], dtype=object), text="x")
    with open_scene([path]) as scene:
        assert scene.source["variable"] == "data"
    with pytest.raises(SceneFormatError, match="no array 'cube'"):
        open_scene([path], InputSpec(variable="cube"))
    path = write_v5(tmp_path / "b.mat", cube=small_cube().astype("c8"))
    with pytest.raises(SceneFormatError, match="complex"), open_scene([path]) as scene:
        scene.read()


@WRITERS
def test_cut_short(tmp_path: Path, write: Any) -> None:
    rng = np.random.default_rng(0)
    path = write(tmp_path / "a.mat", cube=rng.random((30, 20, 10)))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(SceneFormatError), open_scene([path]) as scene:
        scene.read()


def test_garbage(tmp_path: Path) -> None:
    for start in (
        b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM",
        b"\x89HDF\r\n\x1a\n",
        b"",
        b"\x01\x02\x03",
    ):
        (tmp_path / "a.mat").write_bytes(start + bytes(range(256)))
        with pytest.raises(SceneFormatError):
            open_scene([tmp_path / "a.mat"])


def test_hdf5_that_points_elsewhere(tmp_path: Path) -> None:
    write_v73(tmp_path / "other.mat", secret=small_cube())
    (tmp_path / "raw.bin").write_bytes(small_cube().tobytes())
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["linked"] = h5py.ExternalLink(str(tmp_path / "other.mat"), "secret")
        file.create_dataset("raw", (6, 4, 5), "f4", external=[(str(tmp_path / "raw.bin"), 0, 480)])
        layout = h5py.VirtualLayout((6, 4, 5), "f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.mat"), "secret", shape=(6, 4, 5))
        file.create_virtual_dataset("virtual", layout)
    with pytest.raises(SceneFormatError, match="it has no arrays"):
        open_scene([tmp_path / "a.mat"])


def test_hdf5_that_holds_nothing(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file.create_dataset("cube", (100_000, 10_000, 200), "f4", chunks=(100, 100, 100))
    with pytest.raises(SceneFormatError, match="200:1"):
        open_scene([tmp_path / "a.mat"])
