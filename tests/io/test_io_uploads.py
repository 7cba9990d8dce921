"""Uploads: the scene is found among the files, and no zip file gets out of its folder or blows up."""

import io
import stat
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.io.scene_files import small_cube, write_envi, write_geotiff
from unmixing.errors import SceneFormatError
from unmixing.io.formats.detection import choose_scene
from unmixing.io.inputs.scenes import open_scene
from unmixing.io.inputs.uploads import unpack_files


def upload(folder: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(folder / "upload.zip", "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return folder


def unpack_upload(folder: Path, **limits: Any) -> list[Path]:
    """The files of the scene uploaded into ``folder``."""
    return choose_scene(unpack_files(folder, **limits))


def npy_bytes(cube: Any = None) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, small_cube() if cube is None else cube)
    return buffer.getvalue()


def test_a_pair_in_a_zip_with_the_usual_clutter(tmp_path: Path) -> None:
    (tmp_path / "pair").mkdir()
    pair = write_envi(tmp_path / "pair", small_cube())
    members = {f"flight 1/{path.name}": path.read_bytes() for path in pair}
    clutter = {"__MACOSX/flight 1/._scene.hdr": b"ENVI", ".DS_Store": b"", "flight 1/._scene.img": b"x"}
    (tmp_path / "upload").mkdir()
    paths = unpack_upload(upload(tmp_path / "upload", members | clutter | {"flight 1/readme.txt": b"hello"}))
    assert [path.name for path in paths] == ["scene.hdr", "scene.img"]
    with open_scene(paths) as scene:
        assert np.array_equal(scene.read().values, small_cube())
    assert unpack_upload(tmp_path / "upload") == paths, "doing it again gives the same"


def test_plain_files(tmp_path: Path) -> None:
    pair = write_envi(tmp_path, small_cube())
    (tmp_path / "notes.txt").write_text("hello")
    assert unpack_upload(tmp_path) == pair
    write_geotiff(tmp_path / "a.tif", small_cube())
    with pytest.raises(SceneFormatError, match=r"one scene at a time: found 2 \(scene.hdr \+ scene.img, a.tif\)"):
        unpack_upload(tmp_path)


def test_an_npz_is_a_scene_not_an_archive(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", cube=small_cube())
    assert unpack_upload(tmp_path) == [tmp_path / "a.npz"]


def test_one_file_of_any_name_in_a_zip(tmp_path: Path) -> None:
    assert unpack_upload(upload(tmp_path, {"a.npy": npy_bytes()})) == [tmp_path / "unpacked" / "a.npy"]


@pytest.mark.parametrize(
    "name", ["../a.npy", "/a.npy", "x/../../a.npy", "..\\a.npy", "C:\\a.npy", "C:a.npy", "\\\\host\\a.npy", "//a.npy"]
)
def test_members_that_would_leave_the_folder(tmp_path: Path, name: str) -> None:
    inner = tmp_path / "x" / "inner"
    inner.mkdir(parents=True)
    with pytest.raises(SceneFormatError, match="outside its folder"):
        unpack_upload(upload(inner, {"ok.npy": npy_bytes(), name: npy_bytes()}))
    assert [path.name for path in inner.rglob("*")] == ["upload.zip"], "nothing is written before all is checked"


def test_links(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "upload.zip", "w") as archive:
        info = zipfile.ZipInfo("scene.npy")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(SceneFormatError, match="link"):
        unpack_upload(tmp_path)


def test_a_thousand_to_one(tmp_path: Path) -> None:
    upload(tmp_path, {"a.npy": npy_bytes(np.zeros((100, 100, 200), "f4"))})
    assert 8_000_000 / (tmp_path / "upload.zip").stat().st_size > 900
    with pytest.raises(SceneFormatError, match="200:1 is allowed"):
        unpack_upload(tmp_path)


def test_overlapping_members_count_each(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, 1000, "u1").tobytes()
    with zipfile.ZipFile(tmp_path / "upload.zip", "w") as archive:
        archive.writestr("0", noise)
        first = archive.infolist()[0]
        for index in range(1, 900):
            twin = zipfile.ZipInfo(str(index))
            twin.CRC, twin.compress_size, twin.file_size, twin.header_offset = first.CRC, 10**6, 10**6, 0
            archive.filelist.append(twin)
    with pytest.raises(SceneFormatError, match="is allowed"):
        unpack_upload(tmp_path)


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"max_total_bytes": 100}, "100 are allowed"),
        ({"max_members": 1}, "1 are allowed"),
        ({"max_ratio": 0.1}, "0.1:1"),
    ],
)
def test_limits(tmp_path: Path, limits: dict[str, Any], text: str) -> None:
    with pytest.raises(SceneFormatError, match=text):
        unpack_upload(upload(tmp_path, {"a.npy": npy_bytes(), "b.txt": b""}), **limits)


def test_passwords_duplicates_collisions_and_long_names(tmp_path: Path) -> None:
    def refused(members: dict[str, bytes], text: str) -> None:
        with pytest.raises(SceneFormatError, match=text):
            unpack_upload(upload(tmp_path, members))

    refused({"a" * 250 + ".npy": npy_bytes()}, "too long")
    refused({"x/" * 30 + "a.npy": npy_bytes()}, "too long")
    refused({"a": b"", "a/b.npy": npy_bytes()}, "in another member's way")
    refused({"./a.npy": npy_bytes(), "a.npy": npy_bytes()}, "several members")
    upload(tmp_path, {"a.npy": npy_bytes()})
    content = bytearray((tmp_path / "upload.zip").read_bytes())
    for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        content[content.index(mark) + place] |= 1
    (tmp_path / "upload.zip").write_bytes(content)
    with pytest.raises(SceneFormatError, match="password"):
        unpack_upload(tmp_path)


def test_cut_short_damaged_or_empty(tmp_path: Path) -> None:
    upload(tmp_path, {"a.npy": npy_bytes()}, zipfile.ZIP_STORED)
    path = tmp_path / "upload.zip"
    content = bytearray(path.read_bytes())
    path.write_bytes(content[:-30])
    with pytest.raises(SceneFormatError, match="truncated"):
        unpack_upload(tmp_path)
    content[200] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(SceneFormatError, match="cannot be unpacked"):
        unpack_upload(tmp_path)
    upload(tmp_path, {})
    with pytest.raises(SceneFormatError, match="no scene among no file"):
        unpack_upload(tmp_path)


def test_no_scene_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "b.csv").write_text("1,2,3")
    with pytest.raises(SceneFormatError, match=r"no scene among a.txt, b.csv: send .npy"):
        unpack_upload(tmp_path)
    upload(tmp_path, {"inner.zip": (tmp_path / "a.txt").read_bytes(), "x": b"PK\x03\x04"})
    with pytest.raises(SceneFormatError, match="no scene"):
        unpack_upload(tmp_path)


def test_links_in_the_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "a.npy", small_cube())
    (tmp_path / "in" / "a.npy").symlink_to(tmp_path / "a.npy")
    with pytest.raises(SceneFormatError, match="no scene"):
        unpack_upload(tmp_path / "in")
