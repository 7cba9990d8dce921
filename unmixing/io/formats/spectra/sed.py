"""Spectral Evolution's ``.sed``: a header of ``key: value``, the line ``Data:``, titles between tabs, numbers."""

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
from unmixing.types import Float64

WAVELENGTH = "wvl"
FRACTION_OF = {"reflect. %": 100.0, "tgt./ref. %": 100.0, "reflect. [1.0]": 1.0, "reflect. [1]": 1.0}
"""By which a column is divided to be a reflectance of 0 to 1, the preferred first."""

TARGETS = {"rad. (target)": "rad. (ref.)", "norm. dn (target)": "norm. dn (ref.)"}
"""Columns whose quotient is the reflectance where the file has none."""


def is_sed(content: Content) -> bool:
    """Whether a file is called ``.sed`` or has the first keys of one."""
    start = content.data[:2048].decode("latin-1")
    return content.suffix == ".sed" or (
        "\nInstrument:" in start and "\nVersion:" in "\n" + start and "Comment:" in start
    )


def read_sed(contents: Sequence[Content]) -> list[Spectrum]:
    """A spectrum per file, reflectance as a fraction, called by its comment or the file's name in its header. Raises
    LibraryFormatError."""
    return [_read(content) for content in contents]


def _read(content: Content) -> Spectrum:
    lines = content.lines()
    start = next((index for index, line in enumerate(lines) if line.strip().lower() == "data:"), None)
    if start is None or start + 1 >= len(lines):
        raise LibraryFormatError(f"{content.name} has no line 'Data:' with the titles of its columns below it")
    fields = header_fields(lines[:start])
    require_reflectance(content.name, fields.get("measurement", ""))
    titles = [title.strip().lower() for title in lines[start + 1].split("\t")]
    columns = dict(zip(titles, np.array(number_rows(content.name, lines[start + 2 :], len(titles))).T, strict=True))
    if WAVELENGTH not in columns:
        raise LibraryFormatError(f"{content.name} has the columns {', '.join(titles)}; 'Wvl' is missing")
    values = _reflectance(content.name, columns)
    stated = fields.get("channels", "")
    if stated.isdigit() and len(values) < int(stated):
        raise LibraryFormatError(f"{content.name} has {len(values)} values, its header says {stated}: it is cut off")
    named = fields.get("file name", "").replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".sed")
    return Spectrum(shown_name(fields.get("comment", ""), named, content.stem), content.name, columns["wvl"], values)


def _reflectance(name: str, columns: dict[str, Float64]) -> Float64:
    for title, divisor in FRACTION_OF.items():
        if title in columns:
            return columns[title] / divisor
    for target, reference in TARGETS.items():
        if target in columns and reference in columns:
            known = np.where(columns[reference] > 0, columns[reference], np.nan)
            return columns[target] / known
    raise LibraryFormatError(f"{name} has the columns {', '.join(columns)}; none is a reflectance, as 'Reflect. %'")
