"""Laws of every row of FORMATS, and of all that reads the table."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.bodies import FILE_NAMES
from service.openapi import upload_body
from tests.conftest import REPOSITORY
from tests.io.scene_files import small_cube, write_envi
from tests.service.bombs import geotiff_of
from unmixing.errors import LibraryFormatError, SceneFormatError
from unmixing.io.formats.format import Format
from unmixing.io.formats.table import FORMATS, IMAGE_FORMATS, MIXING_LIBRARY_FORMATS, TABLE, ZIP, format_of
from unmixing.io.formats.variables import MAX_BANDS
from unmixing.io.inputs.input_kind import decide_kind
from unmixing.io.inputs.mixtures import choose_mixtures, read_mixing_library, read_mixtures
from unmixing.io.inputs.scenes import open_scene

HEAVY = ("numpy", "h5py", "rasterio", "scipy")


def labels(row: Format) -> str:
    return "+".join((row.label, *row.suffixes))


each_format = pytest.mark.parametrize("row", FORMATS, ids=labels)


@each_format
def test_what_a_row_names_exists(row: Format) -> None:
    assert row.scene is None or callable(row.open_scene)
    assert row.array is None or callable(row.read_array)
    assert row is ZIP or row.holds_image or row.array is not None
    assert row.suffixes
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in row.suffixes)


@each_format
def test_the_service_takes_every_content_type_of_a_row(row: Format) -> None:
    content = upload_body()["requestBody"]["content"]
    for media_type in row.media_types:
        assert FILE_NAMES[media_type].endswith(row.suffixes[0])
        assert media_type in content
    assert row is ZIP or row.label in json.dumps(content)


def test_no_content_type_stands_for_two_formats() -> None:
    media_types = [media_type for row in FORMATS for media_type in row.media_types]
    assert len(media_types) == len(set(media_types))


def test_the_table_is_there_without_the_libraries_that_read_files() -> None:
    code = f"import sys, unmixing.io.formats.detection; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".mat", ".csv"])
def test_one_matrix_from_every_format_that_holds_one(tmp_path: Path, suffix: str) -> None:
    import scipy.io

    matrix = small_cube(bands=1, dtype="f4")[..., 0]
    path = tmp_path / f"a{suffix}"
    if suffix == ".npz":
        np.savez(path, mixtures=matrix, other=matrix[:2])
    elif suffix == ".npy":
        np.save(path, np.asfortranarray(matrix))
    elif suffix == ".mat":
        scipy.io.savemat(path, {"mixtures": matrix, "other": matrix[:2]})
    else:
        np.savetxt(path, matrix, delimiter=",")
    assert choose_mixtures([path]) == [path]
    values, source = read_mixtures([path])
    assert np.array_equal(values, matrix)
    assert source["files"] == [path.name]


def test_a_table_is_no_image_and_no_mixing_library(tmp_path: Path) -> None:
    path = tmp_path / "A.TXT"
    path.write_text("1,2\n3,4\n")
    assert format_of(path) is TABLE
    assert decide_kind(None, None, (), [path]) == ("mixtures", "format")
    with pytest.raises(SceneFormatError, match=re.escape(f"no scene: send {IMAGE_FORMATS}")):
        open_scene([path])
    with pytest.raises(LibraryFormatError, match=re.escape(f"one {MIXING_LIBRARY_FORMATS} file; it is A.TXT")):
        read_mixing_library([path])


def test_a_header_is_not_paired_with_a_text_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.hdr").write_text("ENVI\nlines = 1\nsamples = 1\nbands = 1\ndata type = 4\n")
    (tmp_path / "readme.txt").write_text("hello")
    with pytest.raises(SceneFormatError, match="without its binary"):
        open_scene([tmp_path / "a.hdr", tmp_path / "readme.txt"])


def test_a_note_beside_an_envi_pair_is_not_taken_for_its_binary(tmp_path: Path) -> None:
    header, _ = write_envi(tmp_path, np.ones((2, 2, 3), np.uint8))
    note = header.with_suffix(".json")
    note.write_text("{}")
    with pytest.raises(SceneFormatError, match=f"{note.name} starts with.*no scene"):
        open_scene([note])


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".mat", ".hdr", ".tif"])
def test_a_cube_of_more_bands_than_any_sensor_has_is_refused(tmp_path: Path, suffix: str) -> None:
    import scipy.io

    cube, path = np.ones((2, 2, MAX_BANDS + 1), np.uint8), tmp_path / f"a{suffix}"
    match suffix:
        case ".npy":
            np.save(path, cube)
        case ".npz":
            np.savez(path, cube=cube)
        case ".mat":
            scipy.io.savemat(path, {"cube": cube})
        case ".hdr":
            path, _ = write_envi(tmp_path, cube)
        case _:
            path.write_bytes(geotiff_of(MAX_BANDS + 1))
    with pytest.raises(SceneFormatError, match=f"{MAX_BANDS + 1} bands, and at most {MAX_BANDS} are read") as error:
        open_scene([path])
    assert ("say axes=" in str(error.value)) == (suffix in (".npy", ".npz", ".mat"))  # elsewhere axes is refused


def test_a_npz_of_very_many_arrays_is_refused(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {f"a{number}": np.zeros(1) for number in range(1001)}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(SceneFormatError, match="1001 arrays; 1000 are allowed"):
        open_scene([tmp_path / "a.npz"])


def test_an_array_without_a_name_in_a_npz_is_no_array(tmp_path: Path) -> None:
    import zipfile

    np.save(tmp_path / "a.npy", small_cube())
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.write(tmp_path / "a.npy", ".npy")
    with pytest.raises(SceneFormatError, match="it has no arrays"):
        open_scene([tmp_path / "a.npz"])
