"""Spectra in CSV: a spectrum per row or per column, and EcoSIS's export, whose rows start with columns of metadata."""

import csv
import io
import re
from collections.abc import Mapping, Sequence

import numpy as np

from unmixing.errors import LibraryFormatError
from unmixing.io.formats.envi_header import numbers
from unmixing.io.formats.spectra.spectrum import Content, Spectrum, require_reflectance, shown_name
from unmixing.io.formats.text_tables import is_number
from unmixing.io.formats.wavelengths import unit_in_title, wavelengths_in_nm
from unmixing.types import Float64

WITHOUT_WAVELENGTHS = "band"
"""First word of the header where rows are counted instead of having a wavelength, as in our endmembers.csv."""

NAME_TITLES = (
    r"(spectrum|spectra|sample|target|material|class|common|species|latin)?[ _]*names?",
    r"material|class|target|label|category",
    r"common[ _]names?|species|latin[ _]species|scientific[ _]name|genus|latin[ _]genus",
    r"(spectrum|spectra|sample|spec|samp)[ _]?(id|no|number)|id|sample|title",
)
"""Columns of metadata that name a spectrum, the likeliest first."""

MISSING = ("", "na", "n/a", "nan", "null", "none", "-")
QUANTITY, VALUE_UNIT, WAVELENGTH_UNIT = "measurement quantity", "measurement units", "wavelength units"
"""EcoSIS's columns that say what the values are and in which units."""


def is_csv(content: Content) -> bool:
    """By the name alone."""
    return content.suffix in (".csv", ".tsv", ".txt")


def read_csvs(contents: Sequence[Content]) -> list[Spectrum]:
    """All spectra of all files. A header row of wavelengths, then a spectrum per row with its name first; or of names,
    then a band per row with its wavelength first; or of metadata and then wavelengths, as EcoSIS has it. Empty cells
    are missing values. Raises LibraryFormatError."""
    return [spectrum for content in contents for spectrum in _read(content)]


def _read(content: Content) -> list[Spectrum]:
    rows = _rows(content)
    header, body = rows[0], rows[1:]
    for index, row in enumerate(body, start=2):
        if len(row) != len(header):
            raise LibraryFormatError(f"{content.name}: row {index} has {len(row)} cells, the header has {len(header)}")
    if all(is_number(cell) for cell in header[1:]):
        listed = numbers(" ".join(header[1:]), "header", content.name)
        wavelengths, _ = wavelengths_in_nm(listed, unit_in_title(header[0]))
        return _spectra(content, [row[0] for row in body], wavelengths, _values(content.name, [r[1:] for r in body]))
    if _has_metadata(header):
        return _read_ecosis(content, header, body)
    spectra = _values(content.name, [row[1:] for row in body]).T
    if header[0].strip().lower() == WITHOUT_WAVELENGTHS:
        return _spectra(content, header[1:], None, spectra)
    listed = numbers(" ".join(row[0] or "?" for row in body), header[0], content.name, len(body))
    wavelengths, _ = wavelengths_in_nm(listed, unit_in_title(header[0]))
    return _spectra(content, header[1:], wavelengths, spectra)


def _has_metadata(header: Sequence[str]) -> bool:
    """Whether some columns of many are wavelengths, and the first is none: bands have rows of their own otherwise."""
    first = header[0].strip().lower()
    is_axis = re.match(r"wave|wl|lambda|band", first) is not None
    return not is_axis and sum(is_number(cell) for cell in header) >= 2


def _read_ecosis(content: Content, header: Sequence[str], body: Sequence[Sequence[str]]) -> list[Spectrum]:
    bands = [index for index, title in enumerate(header) if is_number(title)]
    metadata = {title.strip().lower(): index for index, title in enumerate(header) if index not in bands}
    units = {_cell(row, metadata, WAVELENGTH_UNIT) for row in body}
    if len(units) > 1:
        raise LibraryFormatError(f"{content.name} has wavelengths in several units: {', '.join(sorted(units))}")
    wavelengths, _ = wavelengths_in_nm([float(header[index]) for index in bands], units.pop() or None)
    values = _values(content.name, [[row[index] for index in bands] for row in body])
    for index, row in enumerate(body):
        require_reflectance(content.name, _cell(row, metadata, QUANTITY))
        if re.search(r"percent|%", _cell(row, metadata, VALUE_UNIT), re.IGNORECASE):
            values[index] /= 100.0
    column = _name_column(metadata)
    return _spectra(content, [shown_name(row[column]) for row in body], wavelengths, values)


def _cell(row: Sequence[str], columns: Mapping[str, int], title: str) -> str:
    """The text of a row in the column of this title, empty where there is none."""
    cell = row[columns[title]].strip() if title in columns else ""
    return "" if cell.lower() in MISSING else cell


def _name_column(metadata: Mapping[str, int]) -> int:
    for pattern in NAME_TITLES:
        found = [index for title, index in metadata.items() if re.fullmatch(pattern, title)]
        if found:
            return found[0]
    return next(iter(metadata.values()))


def _rows(content: Content) -> list[list[str]]:
    """The cells, two rows and two columns at least; the separator is the likeliest of comma, semicolon and tab."""
    try:
        text = content.data.decode("utf-8-sig")
        first = text.partition("\n")[0]
        separator = max(",;\t", key=first.count)
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise LibraryFormatError(f"{content.name} is no CSV in UTF-8: {error}") from error
    if len(rows) < 2 or len(rows[0]) < 2:
        columns = len(rows[0]) if rows else 0
        raise LibraryFormatError(f"{content.name} has {len(rows)} rows and {columns} columns; a library has at least 2")
    return rows


def _values(name: str, cells: Sequence[Sequence[str]]) -> Float64:
    """(rows, columns), NaN for what is missing."""
    try:
        return np.array([[np.nan if cell.strip().lower() in MISSING else float(cell) for cell in row] for row in cells])
    except ValueError as error:
        raise LibraryFormatError(f"{name} has a value that is no number: {error}") from error


def _spectra(content: Content, names: Sequence[str], wavelengths: Float64 | None, values: Float64) -> list[Spectrum]:
    named = zip(names, values, strict=True)
    return [Spectrum(name, content.name, wavelengths, spectrum) for name, spectrum in named]
