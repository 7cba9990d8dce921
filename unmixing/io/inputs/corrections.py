"""An opened scene read as was asked: a part of it, other wavelengths, bands left out, another scale or nodata."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.cubes import per_band
from unmixing.errors import SpecError
from unmixing.io.formats.lookup import Range, part_of_grid
from unmixing.io.formats.reader import SceneReader
from unmixing.io.formats.rows import CalibratedRows, Rows
from unmixing.io.formats.wavelengths import NANOMETRES_PER_UNIT, wavelengths_in_nm
from unmixing.io.inputs.masks import read_mask
from unmixing.specs import InputSpec
from unmixing.types import Bool, Float64, Georeference, SceneFacts


def chosen_range(text: str, n_there: int, what: str) -> Range:
    """The rows or columns that ``first:one-after-last`` means where there are ``n_there``; either end may be left
    open, and an end beyond the last means the last. what: "rows" or "columns". Raises SpecError that names those
    there are.

    >>> chosen_range("0:1000", 2500, "rows"), chosen_range("2000:3000", 2500, "rows"), chosen_range(":", 2500, "rows")
    ((0, 1000), (2000, 2500), (0, 2500))
    """
    there = f"the scene has the {what} 0:{n_there}"
    first, colon, last = text.partition(":")
    if not colon or not all(end.strip().isdecimal() or not end.strip() for end in (first, last)):
        raise SpecError(f"{what} is {text!r}; say first:one-after-last, counted from 0, as in 0:1000 ({there})")
    found = int(first or 0), min(int(last or n_there), n_there)
    if found[0] >= found[1]:
        raise SpecError(f"{what} is {text!r}, which holds no {what.removesuffix('s')}; {there}")
    return found


class SubsetRows:
    """Some rows and columns of a scene. inner: all of it. rows, columns: the first, and the one after the last."""

    def __init__(self, inner: Rows, rows: Range, columns: Range) -> None:
        self.shape = (rows[1] - rows[0], columns[1] - columns[0], inner.shape[2])
        self.dtype = inner.dtype
        self.rows_per_block = min(inner.rows_per_block, self.shape[0])
        self._inner, self._top, self._columns = inner, rows[0], slice(*columns)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        return self._inner.read(self._top + start, self._top + stop)[:, self._columns]

    def close(self) -> None:
        self._inner.close()


class MaskedRows:
    """Rows of a scene of which only some pixels are used: float32, NaN elsewhere and where there is no data.

    used: (rows, columns).
    """

    def __init__(self, inner: Rows, used: Bool, nodata: float | None) -> None:
        self.shape, self.dtype = inner.shape, np.dtype(np.float32)
        self.rows_per_block = inner.rows_per_block
        self._inner, self._used, self._nodata = inner, used, nodata

    def read(self, start: int, stop: int) -> NDArray[Any]:
        raw = self._inner.read(start, stop)
        with np.errstate(over="ignore", invalid="ignore"):
            values = raw.astype(np.float32)
        if self._nodata is not None:
            values[raw == self._nodata] = np.nan
        values[~self._used[start:stop]] = np.nan
        return values

    def close(self) -> None:
        self._inner.close()


class CorrectedReader(SceneReader):
    """A scene that is read otherwise than its file says. opened: as it says."""

    def __init__(self, opened: SceneReader, rows: Rows, facts: SceneFacts) -> None:
        super().__init__(rows, facts)
        self._opened = opened

    @property
    def in_memory(self) -> bool:
        return self._opened.in_memory

    @property
    def in_place(self) -> bool:
        return self._opened.in_place

    def _forget(self) -> None:
        self._opened._forget()


def corrected(opened: SceneReader, asked: InputSpec) -> SceneReader:
    """The scene as was asked for: the reader itself when nothing was. variable and axes are the format's business.

    Raises SpecError for what does not fit the scene, BandMismatchError for wavelengths of another number of bands.
    """
    if not asked.given().keys() - {"variable", "axes"}:
        return opened
    rows = _chosen(asked.rows, opened.shape[0], "rows")
    columns = _chosen(asked.columns, opened.shape[1], "columns")
    inner, facts = _recalibrated(opened._rows, opened._facts, asked)
    facts = _corrected_facts(facts, asked, opened.shape[2])
    if asked.mask is not None:
        used = read_mask(Path(asked.mask), opened.shape[:2], opened.georeference, opened.grid)
        inner = MaskedRows(inner, used, facts.nodata)
        outside = int((~used[slice(*rows), slice(*columns)]).sum())
        facts = replace(facts, source={**facts.source, "pixels_outside_mask": outside})
    if (rows, columns) != ((0, opened.shape[0]), (0, opened.shape[1])):
        inner = SubsetRows(inner, rows, columns)
        grid = None if facts.grid is None else part_of_grid(facts.grid, rows, columns)
        facts = replace(facts, georeference=_moved(facts, rows[0], columns[0]), grid=grid)
    return CorrectedReader(opened, inner, facts)


def _recalibrated(rows: Rows, facts: SceneFacts, asked: InputSpec) -> tuple[Rows, SceneFacts]:
    """Rows and facts with the nodata and scale that were asked for, both of the numbers in the file: where each band
    has a gain of its own, nodata is looked for before it, and a scale takes the place of all gains and offsets."""
    if isinstance(rows, CalibratedRows):
        nodata = rows.nodata if asked.nodata is None else asked.nodata
        if asked.scale is None:
            return CalibratedRows(rows.raw, rows.gains, rows.offsets, nodata), facts
        rows, facts = rows.raw, replace(facts, nodata=nodata)
    if asked.nodata is not None:
        facts = replace(facts, nodata=asked.nodata)
    if asked.scale is not None:
        facts = replace(facts, scale=asked.scale, source={**facts.source, "scale_stated": "asked for"})
    return rows, facts


def _chosen(text: str | None, n_there: int, what: str) -> Range:
    """A number alone is the size that the file does not name; a format that needs it has looked at it already."""
    if text is None:
        return 0, n_there
    if ":" in text:
        return chosen_range(text, n_there, what)
    if int(text) != n_there:
        raise SpecError(
            f"{what} is {text}, but the scene has the {what} 0:{n_there}; to take only so many say 0:{text}"
        )
    return 0, n_there


def _moved(facts: SceneFacts, row: int, column: int) -> Georeference | None:
    place = facts.georeference
    if place is None:
        return None
    a, b, c, d, e, f = place.transform
    return replace(place, transform=(a, b, c + a * column + b * row, d, e, f + d * column + e * row))


def _corrected_facts(facts: SceneFacts, asked: InputSpec, n_bands: int) -> SceneFacts:
    said = {"acquired": asked.acquired, "derived_from": asked.derived_from}
    source = {**facts.source, **{name: value for name, value in said.items() if value is not None}}
    if asked.wavelengths is not None:
        listed, unit = wavelengths_in_nm(asked.wavelengths, None)
        facts = replace(facts, wavelengths_nm=per_band(listed, n_bands, "wavelengths", np.float64))
        source["wavelength_units"] = f"asked for, {unit}"
    bad, chosen = _bad_bands(facts, asked, n_bands), asked.keep_bands is not None
    return replace(facts, bad_bands=bad, bands_chosen=chosen, source=source)


def _bad_bands(facts: SceneFacts, asked: InputSpec, n_bands: int) -> Bool | None:
    """Bands that the file marks and those asked to be left out; with ``keep_bands`` all but those."""
    bad = None if asked.bad_bands is None else chosen_bands(asked.bad_bands, n_bands, facts.wavelengths_nm, "bad_bands")
    if asked.keep_bands is None:
        return facts.bad_bands if bad is None else bad if facts.bad_bands is None else bad | facts.bad_bands
    kept = chosen_bands(asked.keep_bands, n_bands, facts.wavelengths_nm, "keep_bands")
    if bad is not None and (both := np.flatnonzero(bad & kept)).size:
        raise SpecError(
            f"bad_bands is {asked.bad_bands!r} and keep_bands {asked.keep_bands!r}: band {both[0]} (counted from 0) is "
            "in both; take it out of one"
        )
    return ~kept


_ENTRY = re.compile(r"(\d+(?:\.\d+)?)(?:(?:-|–|\.\.|:)(\d+(?:\.\d+)?))?([a-zµμ]*)", re.I)


def chosen_bands(text: str, n_bands: int, wavelengths_nm: Float64 | None, what: str) -> Bool:
    """Which bands a list of them means, (n_bands,): with a unit of length a range of wavelengths, without one
    numbers counted from 0; both ends of a range belong to it. what: the field. Raises SpecError.

    >>> chosen_bands("0,3-4", 6, None, "bad_bands").nonzero()[0]
    array([0, 3, 4])
    >>> chosen_bands("450-650nm", 3, np.array([400.0, 500.0, 600.0]), "bad_bands").nonzero()[0]
    array([1, 2])
    """
    chosen = np.zeros(n_bands, dtype=bool)
    for entry in _entries(text):
        parts = _ENTRY.fullmatch(entry)
        if parts is None:
            raise SpecError(f"{what} has {entry!r}; say ranges as 1350-1430nm, or numbers from 0 as 0,5,100-120")
        first, last = float(parts[1]), float(parts[2] or parts[1])
        if first > last:
            raise SpecError(f"{what} has {entry!r}, which ends before it begins")
        unit = parts[3].lower()
        if unit:
            chosen |= _within(entry, (first, last), unit, wavelengths_nm, what)
        elif not (first.is_integer() and last.is_integer()) or last >= n_bands:
            raise SpecError(
                f"{what} has {entry!r}, but the scene has the bands 0 to {n_bands - 1}; for wavelengths give the unit, "
                "as in 1350-1430nm"
            )
        else:
            chosen[int(first) : int(last) + 1] = True
    return chosen


def _entries(text: str) -> Iterable[str]:
    return (entry for part in re.split(r"[,;]", text) if (entry := re.sub(r"\s+", "", part)))


def _within(entry: str, ends: tuple[float, float], unit: str, wavelengths: Float64 | None, what: str) -> Bool:
    if unit not in NANOMETRES_PER_UNIT:
        raise SpecError(f"{what} has {entry!r}, and {unit!r} is no unit of length; say nm or um")
    if wavelengths is None:
        raise SpecError(
            f"{what} has {entry!r}, but the scene's wavelengths are not known; give wavelengths, or numbers"
        )
    first, last = (end * NANOMETRES_PER_UNIT[unit] for end in ends)
    found: Bool = (wavelengths >= first) & (wavelengths <= last)
    if not found.any():
        raise SpecError(
            f"{what} has {entry!r}, but no band lies there: the scene's go from {wavelengths.min():g} to "
            f"{wavelengths.max():g} nm"
        )
    return found
