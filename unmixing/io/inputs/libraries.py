"""Spectral libraries: ENVI's ``.sli`` with its header, and CSV either way round."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unmixing.errors import LibraryFormatError, SceneFormatError
from unmixing.io.formats.detection import choose_scene
from unmixing.io.formats.envi import layout_of, require_size
from unmixing.io.formats.envi_header import number, numbers, read_envi_header
from unmixing.io.formats.envi_pairs import with_partner
from unmixing.io.formats.table import ENVI, TABLE, format_of
from unmixing.io.formats.text_tables import is_number
from unmixing.io.formats.wavelengths import unit_in_title, wavelengths_in_nm
from unmixing.types import Float64, SpectralLibrary

MAX_BYTES = 64 * 2**20
"""Libraries are read whole; the largest public ones, resampled to a sensor, have a few MiB."""

MAX_NAME_LENGTH = 200
WITHOUT_WAVELENGTHS = "band"
"""First word of the header where rows are counted instead of having a wavelength, as in our endmembers.csv."""


def read_library(paths: Sequence[Path]) -> SpectralLibrary:
    """The library in a CSV file, or in an ENVI header and its binary (one is enough when the other lies beside it).

    CSV has a header row: of wavelengths, then a spectrum per row with its name first; or of names, then a band per row
    with its wavelength first. Empty cells are missing values. Without a stated unit, wavelengths below 100 are
    micrometres. Raises LibraryFormatError.
    """
    files = [Path(path) for path in paths]
    for path in files:
        if not path.is_file():
            raise LibraryFormatError(f"{path.name} is not a file")
        if path.stat().st_size > MAX_BYTES:
            raise LibraryFormatError(f"{path.name} has {path.stat().st_size} bytes; a library may have {MAX_BYTES}")
    try:
        if len(files) == 1 and format_of(files[0]) is TABLE:
            return _read_csv(files[0])
        return _read_envi(files)
    except SceneFormatError as error:
        raise LibraryFormatError(f"no spectral library: {error}") from error


def known_library(
    source: SpectralLibrary | str | Path | Sequence[str | Path] | None,
) -> SpectralLibrary | None:
    """A library as it is, or from the path or paths of its files. Raises LibraryFormatError."""
    if source is None or isinstance(source, SpectralLibrary):
        return source
    return read_library([Path(source)] if isinstance(source, str | Path) else [Path(path) for path in source])


def _read_envi(files: list[Path]) -> SpectralLibrary:
    files = with_partner(files)
    if not any(format_of(path) is ENVI for path in files):
        given = ", ".join(path.name for path in files)
        raise LibraryFormatError(f"{given} is no spectral library: give one .csv file, or an ENVI .sli with its .hdr")
    pair = choose_scene(files)
    if len(pair) != 2:
        raise LibraryFormatError(f"{pair[0].name} is no ENVI binary")
    header, binary = pair
    fields = read_envi_header(header)
    contents = fields.get("file type", "")
    if "spectral library" not in contents.lower():
        raise LibraryFormatError(f"{header.name} describes {contents or 'a scene'!r}, not a spectral library")
    layout = layout_of(fields, header.name)
    n_spectra, n_bands, depth = layout.shape
    if depth != 1:
        raise LibraryFormatError(f"{header.name}: a spectral library has 1 band of lines and samples, not {depth}")
    require_size(layout, header, binary)
    stored = np.fromfile(binary, dtype=layout.dtype, offset=layout.offset).reshape(n_spectra, n_bands)
    spectra = stored.astype(np.float64)
    nodata = number(fields, "data ignore value", header.name)
    if nodata is not None:
        spectra[stored == nodata] = np.nan
    wavelengths = None
    if "wavelength" in fields:
        listed = numbers(fields["wavelength"], "wavelength", header.name, n_bands)
        wavelengths, _ = wavelengths_in_nm(listed, fields.get("wavelength units"))
    factor = number(fields, "reflectance scale factor", header.name)
    factor = 1.0 if factor is None else factor
    if not (np.isfinite(factor) and factor > 0):
        raise LibraryFormatError(f"{header.name}: reflectance scale factor must be positive, it is {factor:g}")
    names = fields["spectra names"].split(",") if fields.get("spectra names") else [""] * n_spectra
    return _library(header.name, names, wavelengths, spectra / factor)


def _read_csv(path: Path) -> SpectralLibrary:
    rows = _rows(path)
    header, body = rows[0], rows[1:]
    for index, row in enumerate(body, start=2):
        if len(row) != len(header):
            raise LibraryFormatError(f"{path.name}: row {index} has {len(row)} cells, the header has {len(header)}")
    if all(is_number(cell) for cell in header[1:]):
        listed = numbers(" ".join(header[1:]), "header", path.name)
        wavelengths, _ = wavelengths_in_nm(listed, None)
        return _library(path.name, [row[0] for row in body], wavelengths, _values(path.name, body))
    spectra = _values(path.name, body).T
    if header[0].strip().lower() == WITHOUT_WAVELENGTHS:
        return _library(path.name, header[1:], None, spectra)
    listed = numbers(" ".join(row[0] or "?" for row in body), header[0], path.name, len(body))
    wavelengths, _ = wavelengths_in_nm(listed, unit_in_title(header[0]))
    return _library(path.name, header[1:], wavelengths, spectra)


def _rows(path: Path) -> list[list[str]]:
    """The cells, two rows and two columns at least; the separator is the likeliest of comma, semicolon and tab."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        first = text.partition("\n")[0]
        separator = max(",;\t", key=first.count)
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise LibraryFormatError(f"{path.name} is no CSV in UTF-8: {error}") from error
    if len(rows) < 2 or len(rows[0]) < 2:
        columns = len(rows[0]) if rows else 0
        raise LibraryFormatError(f"{path.name} has {len(rows)} rows and {columns} columns; a library has at least 2")
    return rows


def _values(name: str, body: list[list[str]]) -> Float64:
    """All columns but the first, NaN for empty cells."""
    try:
        return np.array([[float(cell) if cell.strip() else np.nan for cell in row[1:]] for row in body])
    except ValueError as error:
        raise LibraryFormatError(f"{name} has a value that is no number: {error}") from error


def _library(file_name: str, names: Sequence[str], wavelengths: Float64 | None, spectra: Float64) -> SpectralLibrary:
    """Checked once for all formats."""
    if len(names) != len(spectra):
        raise LibraryFormatError(f"{file_name} has {len(names)} names for {len(spectra)} spectra")
    if spectra.shape[1] < 2:
        raise LibraryFormatError(f"{file_name}: a spectrum needs at least 2 bands, these have {spectra.shape[1]}")
    clean = tuple(" ".join(name.split()) or f"spectrum {index}" for index, name in enumerate(names, start=1))
    for name, spectrum in zip(clean, spectra, strict=True):
        if len(name) > MAX_NAME_LENGTH or not name.isprintable():
            raise LibraryFormatError(f"{file_name}: the name {name[:40]!r} is too long or not printable")
        if np.isinf(spectrum).any() or not np.isfinite(spectrum).any():
            band = int(np.flatnonzero(~np.isfinite(spectrum))[0])
            raise LibraryFormatError(
                f"{file_name}: the spectrum {name!r} is not finite (band {band} from 0 is {spectrum[band]})"
            )
    return SpectralLibrary(clean, wavelengths, spectra)
