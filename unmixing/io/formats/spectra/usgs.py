"""The USGS spectral library 7 in ASCII (Kokaly et al. 2017, Data Series 1035): a file per spectrum, whose first line
names the record and whose others are the values, and one of that form per spectrometer with the wavelengths."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unmixing.errors import LibraryFormatError
from unmixing.io.formats.spectra.spectrum import Content, Spectrum, number_rows, require_reflectance, shown_name
from unmixing.io.formats.wavelengths import wavelengths_in_nm
from unmixing.types import Float64

HEADER = re.compile(r"\s*(?P<library>\w+)\s+Record=(?P<record>\d+):\s*(?P<title>.*)")
DELETED = -1.0e34
"""Deleted channels are -1.23e34; nothing measured is below this."""

WAVELENGTHS = re.compile(r"wavelength|\bwaves?\b|wavenumber", re.IGNORECASE)
WIDTHS = re.compile(r"bandpass|fwhm|bandwidth", re.IGNORECASE)
NO_SPECTRUM = re.compile(r"resolution|\bsrf\b|errorbar", re.IGNORECASE)
"""In the titles of files that come with the library beside its spectra."""

KIND = {"AREF": "reflectance", "RREF": "reflectance", "RTGC": "reflectance", "TRAN": "transmittance"}
"""By the last word of a title: absolute and relative reflectance, and that of an imaging spectrometer."""


@dataclass(frozen=True, eq=False)
class _Record:
    content: Content
    library: str
    title: str
    values: Float64


def is_usgs(content: Content) -> bool:
    """Whether the first line is that of a record, as ``splib07a Record=108: Actinolite HS116.1B  ASDFRb AREF``."""
    return HEADER.match(content.data[:400].decode("latin-1")) is not None


def read_usgs(contents: Sequence[Content]) -> list[Spectrum]:
    """A spectrum per file, called by its title without spectrometer and kind; deleted channels are NaN. Among the files
    have to be those of the wavelengths. Raises LibraryFormatError."""
    records = [_record(content) for content in contents]
    others = [record for record in records if _kind(record.title) is None]
    others = [record for record in others if not WIDTHS.search(record.title)]
    axes = [record for record in others if WAVELENGTHS.search(record.title)]
    untold = [record for record in others if record not in axes and not NO_SPECTRUM.search(record.title)]
    return [_spectrum(record, axes) for record in records if _kind(record.title) is not None or record in untold]


def _record(content: Content) -> _Record:
    lines = content.lines()
    header = HEADER.match(lines[0])
    assert header is not None  # by is_usgs
    values = np.array(number_rows(content.name, lines[1:], 1))[:, 0]
    return _Record(content, header["library"], header["title"].strip(), values)


def _kind(title: str) -> str | None:
    words = title.split()
    return KIND.get(words[-1].upper()) if words else None


def _spectrum(record: _Record, axes: Sequence[_Record]) -> Spectrum:
    kind = _kind(record.title)
    require_reflectance(record.content.name, kind or "")
    words = record.title.split()
    is_full = kind is not None and len(words) > 2
    named, instrument = (" ".join(words[:-2]), words[-2]) if is_full else (record.title, "")
    values = np.where(record.values < DELETED, np.nan, record.values)
    wavelengths = _wavelengths_nm(record, _axis(record, instrument, axes))
    return Spectrum(shown_name(named, record.content.stem), record.content.name, wavelengths, values)


def _axis(record: _Record, instrument: str, axes: Sequence[_Record]) -> _Record:
    """The wavelengths of a spectrum: as many as it has values, of its spectrometer where several have."""
    name, n_values = record.content.name, record.values.size
    fitting = [axis for axis in axes if axis.values.size == n_values]
    if not fitting:
        lengths = ", ".join(f"{axis.content.name} has {axis.values.size}" for axis in axes) or "there is no such file"
        raise LibraryFormatError(
            f"{name} has {n_values} values without wavelengths, which the library keeps in a file of their own, such "
            f"as splib07a_Wavelengths_ASD_0.35-2.5_microns_2151_ch.txt; send both, in one zip file ({lengths})"
        )
    of_library = [axis for axis in fitting if axis.library == record.library] or fitting
    letters = re.match(r"[A-Za-z]+", instrument)
    start = letters[0][:3].upper() if letters else ""
    named = [axis for axis in of_library if start and start in axis.title.upper()] or of_library
    if any(not np.array_equal(axis.values, named[0].values) for axis in named[1:]):
        found = ", ".join(axis.content.name for axis in named)
        raise LibraryFormatError(f"{name} could have the wavelengths of {found}; leave in those of its spectrometer")
    return named[0]


def _wavelengths_nm(record: _Record, axis: _Record) -> Float64:
    """Micrometres, unless the title says otherwise."""
    if re.search("wavenumber", axis.title, re.IGNORECASE):
        unit = "wavenumber"
    else:
        unit = "nm" if re.search(r"\bnm\b|nanometer", axis.title, re.IGNORECASE) else "um"
    values = np.where(axis.values < DELETED, np.nan, axis.values)
    if np.isnan(values).any():
        raise LibraryFormatError(f"{axis.content.name} has deleted channels among the wavelengths")
    found, _ = wavelengths_in_nm(values.tolist(), unit)
    assert found is not None  # a unit of length, or wavenumbers
    return found
