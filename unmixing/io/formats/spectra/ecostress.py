"""The ECOSTRESS and ASTER spectral libraries (Meerdink et al. 2019): a header of ``key: value``, an empty line, two
columns, in files called ``.spectrum.txt``."""

import re
from collections.abc import Sequence

import numpy as np

from unmixing.errors import LibraryFormatError
from unmixing.io.formats.spectra.spectrum import (
    Content,
    Spectrum,
    header_fields,
    number_rows,
    require_reflectance,
    shown_name,
)
from unmixing.io.formats.wavelengths import unit_in_title, wavelengths_in_nm

MARK = re.compile(r"(x units|y units|first column|wavelength range)\s*:", re.IGNORECASE)


def is_ecostress(content: Content) -> bool:
    """Whether a file starts with ``Name:`` and names the units of its axes further down."""
    start = content.data[:16384].removeprefix(b"\xef\xbb\xbf").decode("latin-1").lstrip()
    return start.lower().startswith("name:") and MARK.search(start) is not None


def read_ecostress(contents: Sequence[Content]) -> list[Spectrum]:
    """A spectrum per file, reflectance as a fraction, called by its ``Name``. Raises LibraryFormatError."""
    return [_read(content) for content in contents]


def _read(content: Content) -> Spectrum:
    lines = content.lines()
    first = next((index for index, line in enumerate(lines) if ":" not in line and _starts_with_number(line)), None)
    if first is None:
        raise LibraryFormatError(f"{content.name} has no value below its header")
    fields = header_fields(lines[:first])
    unit_x, unit_y = fields.get("x units", ""), fields.get("y units", "")
    require_reflectance(content.name, re.sub(r"\(.*", "", unit_y).strip())
    rows = np.array(number_rows(content.name, lines[first:], 2))
    stated = re.match(r"\d+", fields.get("number of x values", ""))
    if stated and len(rows) < int(stated[0]):
        raise LibraryFormatError(
            f"{content.name} has {len(rows)} values, its header says {stated[0]}: the file is cut off"
        )
    rows = rows[rows[:, 0] > 0]  # some files of the library end in rows of zeros
    unit = unit_in_title(unit_x)
    if unit is None:
        raise LibraryFormatError(f"{content.name}: the unit of its wavelengths is {unit_x!r}, which is none known")
    wavelengths, _ = wavelengths_in_nm(rows[:, 0].tolist(), unit)
    percent = re.search(r"percent|%", unit_y, re.IGNORECASE) is not None
    return Spectrum(
        shown_name(fields.get("name", ""), content.stem),
        content.name,
        wavelengths,
        rows[:, 1] / (100.0 if percent else 1.0),
    )


def _starts_with_number(line: str) -> bool:
    return re.match(r"\s*[-+.\d]", line) is not None
