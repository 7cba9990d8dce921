"""Mixture matrices and libraries of mixing matrices: tables (CSV) and arrays (.npy, .npz, .mat)."""

import csv
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import LibraryFormatError, SceneFormatError
from unmixing.io.formats.arrays import read_array
from unmixing.io.formats.detection import SCENES, Kind, is_npz, kind_of
from unmixing.io.formats.variables import ArrayKind
from unmixing.types import Float32

TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
MAX_TABLE_BYTES = 512 * 2**20
"""Numbers as text are read whole; as .npy they take a fifth of the space."""

MIXTURES = ArrayKind("samples, channels", ("mixtures",), 2)
MIXING_LIBRARY = ArrayKind("matrices, channels, sources", ("mixing_library", "mixing_matrices"), 3)
ACCEPTED = ".csv, .npy, .npz or .mat"


def is_table(path: Path) -> bool:
    """Whether a file is text with numbers, which is never an image."""
    return path.suffix.lower() in TABLE_SUFFIXES and kind_of(path) is Kind.OTHER


def choose_mixtures(files: Sequence[Path]) -> list[Path]:
    """The one file among ``files`` that can hold a matrix. Raises SceneFormatError when there is none, or several."""
    found = [path for path in files if is_table(path) or _holds_arrays(path)]
    names = ", ".join(path.name for path in (found or list(files))[:10]) or "no file"
    if not found:
        raise SceneFormatError(f"no mixture matrix among {names}: send {ACCEPTED}")
    if len(found) > 1:
        raise SceneFormatError(f"one mixture matrix at a time: found {len(found)} ({names})")
    return found


def read_mixtures(paths: Sequence[Path], variable: str | None = None) -> tuple[NDArray[Any], dict[str, Any]]:
    """The mixtures in the one file of ``paths`` that can hold some, (n_samples, n_channels), and how they were read.

    A table has one row per sample and one column per channel, with or without a header; the separator is the likeliest
    of comma, semicolon and tab, or a space. Raises SceneFormatError, AmbiguousSceneError.
    """
    path = choose_mixtures(paths)[0]
    return _read_table(path) if is_table(path) else read_array(path, variable, MIXTURES)


def read_mixing_library(paths: Sequence[Path]) -> NDArray[Any] | None:
    """Example mixing matrices of a .npy, .npz or .mat file that holds (n_matrices, n_channels, n_sources), as
    (n_matrices, n_sources, n_channels); None when there is no file.

    Raises LibraryFormatError.
    """
    if not paths:
        return None
    if len(paths) > 1 or not _holds_arrays(paths[0]):
        names = ", ".join(path.name for path in paths[:10])
        raise LibraryFormatError(f"mixing_library has to be one .npy, .npz or .mat file; it is {names}")
    try:
        return read_array(paths[0], None, MIXING_LIBRARY)[0].transpose(0, 2, 1)
    except SceneFormatError as error:
        raise LibraryFormatError(f"mixing_library: {error}") from error


def _holds_arrays(path: Path) -> bool:
    kind = kind_of(path)
    return (kind in SCENES and kind is not Kind.TIFF) or (kind is Kind.ZIP and is_npz(path))


def _read_table(path: Path) -> tuple[Float32, dict[str, Any]]:
    size = path.stat().st_size
    if size > MAX_TABLE_BYTES:
        raise SceneFormatError(
            f"{path.name} has {size} bytes; a table may have {MAX_TABLE_BYTES}, send larger ones as .npy"
        )
    header: list[str] | None = None
    numbers = array("f")  # an array for each row would take far more than the numbers of short rows
    width = first_line = 0
    for line, cells in _lines(path):
        if not numbers and header is None:
            width, first_line = len(cells), line
            if not any(_is_number(cell) for cell in cells):
                header = cells
                continue
        if len(cells) != width:
            raise SceneFormatError(
                f"{path.name}: line {line} has {len(cells)} cells, line {first_line} has {width}; all need as many"
            )
        numbers.extend(_numbers(path.name, line, cells))
    if not numbers:
        raise SceneFormatError(f"{path.name} has no row of numbers")
    source = {"format": "csv", "files": [path.name], "header": header is not None}
    return np.frombuffer(numbers, dtype=np.float32).reshape(-1, width), source


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number, counted from 1, and cells of each line that is not empty."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            start = file.readline()
            file.seek(0)
            separator = max(",;\t", key=start.count)
            separator = separator if separator in start else " "
            reader = csv.reader(file, delimiter=separator, skipinitialspace=True)
            for cells in reader:
                stripped = [cell.strip() for cell in cells]
                if separator == " " and stripped and not stripped[-1]:
                    stripped.pop()
                if any(stripped):
                    yield reader.line_num, stripped
    except (UnicodeDecodeError, csv.Error) as error:
        raise SceneFormatError(f"{path.name} is no table in UTF-8: {error}") from error


def _numbers(name: str, line: int, cells: Sequence[str]) -> list[float]:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        column = next(index for index, cell in enumerate(cells) if not _is_number(cell))
        raise SceneFormatError(
            f"{name}: line {line}, column {column + 1} holds {cells[column][:40]!r}, which is no number"
        ) from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
