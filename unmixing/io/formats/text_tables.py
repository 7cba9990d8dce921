"""Tables of numbers as text: a row per line, cells between commas, semicolons, tabs or spaces."""

import csv
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unmixing.errors import SceneFormatError
from unmixing.io.formats.variables import WantedArray
from unmixing.types import Float32

MAX_TABLE_BYTES = 512 * 2**20
"""Numbers as text are read whole; as .npy they take a fifth of the space."""


def read_table(path: Path, variable: str | None, wanted: WantedArray) -> tuple[Float32, dict[str, Any]]:
    """The numbers of a table, (n_rows, n_columns), and how they were read; ``variable`` means nothing here.

    A first line without any number is a header. The separator is the likeliest of comma, semicolon and tab, or a
    space. Raises SceneFormatError.
    """
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
            if not any(is_number(cell) for cell in cells):
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
        column = next(index for index, cell in enumerate(cells) if not is_number(cell))
        raise SceneFormatError(
            f"{name}: line {line}, column {column + 1} holds {cells[column][:40]!r}, which is no number; a mixture "
            "matrix is numbers alone below its header, and a spectral library goes into the field `library`"
        ) from None


def is_number(cell: str) -> bool:
    """Whether a cell of a table is a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
