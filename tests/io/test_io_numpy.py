"""NumPy's files: what was saved comes back; nothing is unpickled, or allocated on a header's word."""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.io.scene_files import small_cube
from unmixing.errors import AmbiguousSceneError, SceneFormatError
from unmixing.io.inputs.scenes import open_scene
from unmixing.specs import InputSpec


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<u2", "i1", "f2"])
def test_npy_comes_back(tmp_path: Path, order: str, dtype: str) -> None:
    cube = np.asarray(small_cube(dtype=dtype), order=order)
    np.save(tmp_path / "a.npy", cube)
    with open_scene([tmp_path / "a.npy"]) as scene:
        assert scene.shape == (5, 4, 6)
        assert np.array_equal(np.concatenate(list(scene.blocks())), cube)
        assert np.array_equal(scene.read().values, cube.astype(np.float32))


def test_the_format_is_told_by_content(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", small_cube())
    (tmp_path / "a.npy").rename(tmp_path / "upload.bin")
    with open_scene([tmp_path / "upload.bin"]) as scene:
        assert scene.source["format"] == "npy"


def npy_with_header(shape: str, numbers: int = 12, dtype: str = "<f4") -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * numbers


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (npy_with_header("(10000, 10000, 10000)"), "truncated"),
        (npy_with_header("(10**6, 2, 2)"), "header"),
        (npy_with_header("(1, 2, 1)"), "does not describe"),
        (npy_with_header("(-1, -3, 1)"), "negative"),
        (npy_with_header("(0, 3, 1)", 0), "empty"),
        (npy_with_header("(3,)"), "1 axes"),
        (npy_with_header("(3, 1)"), "matrix"),
        (npy_with_header("(3, 1, 1)", dtype="<c8"), "complex64"),
        (npy_with_header("(3, 1, 1)", dtype="<U1"), "real numbers"),
        (npy_with_header("(3, 1, 1)", dtype="|b1"), "real numbers"),
        (b"\x93NUMPY\x03\x00" + b"\0" * 20, "version"),
        (b"\x93NUMPY", "header"),
        (b"", "empty"),
        (b"hello, cube", "no scene"),
    ],
)
def test_npy_that_is_none(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(SceneFormatError, match=text):
        open_scene([tmp_path / "a.npy"])


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (pytest.fail, ("a pickle was loaded",))


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    array = np.empty((2, 2, 2), dtype=object)
    array[...] = Bomb()
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(SceneFormatError, match="pickled"):
        open_scene([tmp_path / "a.npy"])
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(SceneFormatError, match="no scene"):
        open_scene([tmp_path / "b.npy"])


@pytest.mark.filterwarnings("ignore:Data type alias")  # numpy's own, of a damaged type; an error in tests alone
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.data())
def test_damaged_npy_is_read_or_refused(tmp_path: Path, damage: st.DataObject) -> None:
    buffer = io.BytesIO()
    np.save(buffer, small_cube())
    content = bytearray(buffer.getvalue())
    for _ in range(damage.draw(st.integers(1, 4))):
        content[damage.draw(st.integers(0, 127))] = damage.draw(st.integers(0, 255))
    (tmp_path / "a.npy").write_bytes(content)
    try:
        with open_scene([tmp_path / "a.npy"]) as scene:
            list(scene.blocks())
    except SceneFormatError:
        pass


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_takes_the_cube_and_its_companions(tmp_path: Path, save: object) -> None:
    cube = small_cube(dtype="u2")
    objects = np.array([Bomb(), {}], dtype=object)
    save(
        tmp_path / "a.npz",
        other=cube[:2],
        cube=cube,
        wavelengths_nm=np.linspace(400, 900, 6),
        scale=np.float32(0.0002),
        names=objects,
    )
    with open_scene([tmp_path / "a.npz"], scratch=tmp_path) as scene:
        read = scene.read()
    assert scene.scale == 0.0002
    assert scene.source["variable"] == "cube"
    assert np.allclose(read.values, cube * 0.0002)
    assert np.array_equal(np.asarray(scene.wavelengths_nm), np.linspace(400, 900, 6))
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"], "nothing stays in the scratch folder"


def test_npz_without_a_cube(tmp_path: Path) -> None:
    cube = small_cube()
    np.savez(tmp_path / "one.npz", scene=cube, truth=cube[0], names=np.array(["a"], dtype=object))
    with open_scene([tmp_path / "one.npz"]) as scene:
        assert scene.source["variable"] == "scene"
    np.savez(tmp_path / "two.npz", scene=cube, second=cube[:2])
    with pytest.raises(AmbiguousSceneError, match=r"scene \(5, 4, 6\).*second \(2, 4, 6\).*`variable`"):
        open_scene([tmp_path / "two.npz"])
    with open_scene([tmp_path / "two.npz"], InputSpec(variable="second")) as scene:
        assert np.array_equal(scene.read().values, cube[:2])
    with pytest.raises(SceneFormatError, match="no array 'nothing'; it has scene"):
        open_scene([tmp_path / "two.npz"], InputSpec(variable="nothing"))
    np.savez(tmp_path / "none.npz", truth=cube[0])
    with pytest.raises(SceneFormatError, match="no 3-D array"):
        open_scene([tmp_path / "none.npz"])


@pytest.mark.parametrize(
    "companion",
    [
        {"wavelengths_nm": np.arange(1, 6)},
        {"wavelengths_nm": np.array([1, 2, 3, 4, 5, np.nan])},
        {"wavelengths_nm": np.array(["x"] * 6, dtype=object)},
        {"scale": np.ones(2)},
        {"scale": np.float32(0)},
        {"scale": np.array("0.5")},
    ],
)
def test_npz_with_impossible_companions(tmp_path: Path, companion: dict[str, Any]) -> None:
    np.savez(tmp_path / "a.npz", cube=small_cube(), **companion)
    with pytest.raises(SceneFormatError, match=next(iter(companion))):
        open_scene([tmp_path / "a.npz"])


def test_npz_whose_member_lies(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("cube.npy", npy_with_header("(10000, 10000, 10000)"))
    with pytest.raises(SceneFormatError, match="truncated"):
        open_scene([tmp_path / "a.npz"])


def test_npz_that_is_a_bomb(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", cube=np.zeros((1000, 100, 1000), dtype="u1"))
    with pytest.raises(SceneFormatError, match="200:1"):
        open_scene([tmp_path / "a.npz"])


def test_npz_cut_short_or_damaged(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", cube=small_cube(50, 40, 6))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    (tmp_path / "cut.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(SceneFormatError, match="truncated"):
        open_scene([tmp_path / "cut.npz"])
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "bad.npz").write_bytes(content)
    with (
        pytest.raises(SceneFormatError, match="cannot be unpacked"),
        open_scene([tmp_path / "bad.npz"]) as scene,
    ):
        scene.read()
