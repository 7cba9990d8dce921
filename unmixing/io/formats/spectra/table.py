"""SPECTRUM_FORMATS: every format of single spectra and tables of them, one row each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from unmixing.io.formats.spectra.asd import is_asd, read_asd
from unmixing.io.formats.spectra.csv_tables import is_csv, read_csvs
from unmixing.io.formats.spectra.ecostress import is_ecostress, read_ecostress
from unmixing.io.formats.spectra.sed import is_sed, read_sed
from unmixing.io.formats.spectra.spectrum import Content, Spectrum
from unmixing.io.formats.spectra.usgs import is_usgs, read_usgs


@dataclass(frozen=True)
class SpectrumFormat:
    """A format: its name in errors and help, which files are of it, and what reads all of them that came together.

    read raises LibraryFormatError.
    """

    label: str
    recognise: Callable[[Content], bool]
    read: Callable[[Sequence[Content]], list[Spectrum]]


SPECTRUM_FORMATS = (
    SpectrumFormat("ASD .asd", is_asd, read_asd),
    SpectrumFormat("ECOSTRESS .spectrum.txt", is_ecostress, read_ecostress),
    SpectrumFormat("Spectral Evolution .sed", is_sed, read_sed),
    SpectrumFormat("USGS splib07 ASCII", is_usgs, read_usgs),
    SpectrumFormat(".csv", is_csv, read_csvs),
)
"""In the order in which a file is held against them: a table is what is called so."""


def spectrum_format(content: Content) -> SpectrumFormat | None:
    """The format of a file, None when it is of none."""
    return next((row for row in SPECTRUM_FORMATS if row.recognise(content)), None)


LISTED = ", ".join(row.label for row in SPECTRUM_FORMATS[:-1]) + f" or {SPECTRUM_FORMATS[-1].label}"
"""All of them in words."""
