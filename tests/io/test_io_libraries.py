"""Spectral libraries: the formats, their traps, and what is wrong with a bad one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.io.scene_files import braces, real_scene, small_cube, write_envi
from unmixing.errors import LibraryFormatError
from unmixing.io.inputs.libraries import read_library

SPECTRA = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
ROWS = "\ufeffClass,0.4,0.5,0.6\nsoil,1,2,3\nsoil,4,,6\n"
COLUMNS = "wavelength_nm;soil;grass\n400;1;4\n500;2;5\n600;3;6\n"


def write_csv(folder: Path, text: str) -> Path:
    path = folder / "library.csv"
    path.write_text(text, encoding="utf-8")
    return path


def write_sli(folder: Path, **changes: str) -> list[Path]:
    """Two spectra of three bands; ENVI keeps them as lines and samples of one band."""
    fields: dict[str, Any] = {
        "file_type": "ENVI Spectral Library",
        "wavelength_units": "Micrometers",
        "wavelength": braces([0.4, 0.5, 0.6]),
        "spectra_names": braces(["soil", "grass"]),
        "reflectance_scale_factor": "10",
        "data_ignore_value": "40",
    } | changes
    return write_envi(folder, (10 * SPECTRA)[:, :, None], names=("library.hdr", "library.sli"), **fields)


def test_spectra_as_rows(tmp_path: Path) -> None:
    library = read_library([write_csv(tmp_path, ROWS)])
    assert library.names == ("soil", "soil")
    np.testing.assert_allclose(np.asarray(library.wavelengths_nm), [400, 500, 600])
    np.testing.assert_array_equal(library.spectra, [[1, 2, 3], [4, np.nan, 6]])


def test_spectra_as_columns(tmp_path: Path) -> None:
    library = read_library([write_csv(tmp_path, COLUMNS)])
    assert library.names == ("soil", "grass")
    np.testing.assert_allclose(np.asarray(library.wavelengths_nm), [400, 500, 600])
    np.testing.assert_array_equal(library.spectra, SPECTRA)


def test_wavenumbers_in_the_title_of_a_column_are_no_centimetres(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Wavenumber (cm-1),soil\n25000,0.1\n20000,0.2\n")
    library = read_library([tmp_path / "a.csv"])
    assert library.wavelengths_nm is not None
    assert library.wavelengths_nm.tolist() == [400, 500]


def test_bands_counted_instead_of_wavelengths(tmp_path: Path) -> None:
    library = read_library([write_csv(tmp_path, "band,soil,grass\n0,1,4\n1,2,5\n2,3,6\n")])
    assert library.wavelengths_nm is None
    np.testing.assert_array_equal(library.spectra, SPECTRA)


@pytest.mark.parametrize("given", [slice(0, 2), slice(0, 1), slice(1, 2)], ids=["both", "header", "binary"])
def test_envi(tmp_path: Path, given: slice) -> None:
    library = read_library(write_sli(tmp_path)[given])
    assert library.names == ("soil", "grass")
    np.testing.assert_allclose(np.asarray(library.wavelengths_nm), [400, 500, 600])
    np.testing.assert_array_equal(library.spectra, [[1, 2, 3], [np.nan, 5, 6]])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "0 rows"),
        ("Class,400,500\n", "1 rows"),
        ("Class,400,500\nsoil,1\n", "row 2 has 2 cells, the header has 3"),
        ("Class,400,500\nsoil,1,wet\n", "wet"),
        ("Class,400,500\nsoil,1,inf\n", "'soil' is not finite .*inf"),
        ("Class,400,500\nsoil,,\n", "'soil' is not finite"),
        ("Class,400\nsoil,1\n", "at least 2 bands, these have 1"),
        ("Class,-400,500\nsoil,1,2\n", "not negative"),
        ("wavelength,soil\nred,1\n600,2\n", "red"),
        ('Class,400,500\n"so\x07il",1,2\n', "not printable"),
    ],
)
def test_bad_csv(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(LibraryFormatError, match=words):
        read_library([write_csv(tmp_path, text)])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"spectra_names": "{soil}"}, "1 names for 2 spectra"),
        ({"wavelength": "{0.4, 0.5}"}, "2 entries, 3 are needed"),
        ({"lines": "3"}, "72 bytes, the file has 48"),
        ({"file_type": "ENVI Standard"}, "'ENVI Standard', not a spectral library"),
        ({"reflectance_scale_factor": "0"}, "must be positive"),
    ],
)
def test_bad_envi(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(LibraryFormatError, match=words):
        read_library(write_sli(tmp_path, **changes))


def test_what_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    np.save(tmp_path / "scene.npy", small_cube())
    for path, words in (
        ("bytes.csv", "UTF-8"),
        ("scene.npy", "scene.npy is no spectral library"),
        ("missing.csv", "not a file"),
    ):
        with pytest.raises(LibraryFormatError, match=words):
            read_library([tmp_path / path])


def test_berlin() -> None:
    for name in ("library_berlin.sli", "library_berlin.hdr"):
        library = read_library([real_scene(name)])
        assert library.spectra.shape == (75, 177)
        assert (library.names[0], library.names[-1]) == ("red clay tile 1", "water 2")
        assert library.wavelengths_nm is not None
        assert (library.wavelengths_nm[0], library.wavelengths_nm[-1]) == pytest.approx((460, 2409))


def test_emit() -> None:
    library = read_library([real_scene("emit_basic_endmember_library.csv")])
    assert library.names == ("SOIL", "SOIL", "SOIL", "PV", "NPV")
    assert library.spectra.shape == (5, 224)
    assert library.wavelengths_nm is not None
    assert (library.wavelengths_nm[0], library.wavelengths_nm[-1]) == pytest.approx((365.92981, 2495.335938))
