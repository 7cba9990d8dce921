"""Numbers that stand for no data although no header says so."""

from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from unmixing.types import Bool, FillValue, Float32

KNOWN = (
    *(-99.0, -999.0, -9999.0, -10_000.0, -32767.0, -32768.0, -99_999.0, -2147483648.0),
    *(32767.0, 65535.0, 2147483647.0, 4294967295.0),
)
"""Numbers that programs and sensors write where there is no data, or where a detector was saturated."""

GAP = 0.25
"""A fill value is as far from all other numbers as this share of itself: a scene that reaches it has it by right."""

OUTLIER = 1e3
"""Other numbers are fill when they are this many times the median magnitude, and one number many times."""

HUGE = 1e20
"""Beyond this once is enough, where the image as a whole is far below."""

REPEATS = 16
"""How often an unknown number must come."""

REPEATED_SHARE = 1e-3
"""Of the pixels that must have one and the same number in all bands, for that to be fill."""

MAX_SHARE = 0.9
"""With more pixels of one number than this the image is what it seems, constant."""

MIN_FLAT_BANDS = 10
"""A spectrum of fewer bands may be flat by chance."""

MAX_VALUES = 8
"""So many different numbers at either end are looked at."""

LOOKED_AT = 100_000
"""Numbers whose median magnitude is that of the image."""


class FillSearch:
    """Looks for fill values block by block. scale: by which the numbers of the file were multiplied.

    The rule: a number is fill when it lies beyond all others with a gap and is one of ``KNOWN``, or far beyond and
    repeated; or when the whole spectra of many pixels are this one number.

    >>> values = np.random.default_rng(0).uniform(0, 1, (500, 20)).astype(np.float32)
    >>> values[3:9, 4] = -9999
    >>> search = FillSearch(20, 1.0)
    >>> search.add(values)
    >>> search.found()
    (FillValue(value=-9999.0, whole_spectrum=False),)
    """

    def __init__(self, n_bands: int, scale: float) -> None:
        self._known = {float(np.float32(number) * np.float32(scale)) for number in KNOWN}
        self._n_bands, self._n_pixels = n_bands, 0
        self._typical = 0.0
        self._ends: Counter[float] = Counter()
        self._spectra: Counter[float] = Counter()
        self._lowest, self._highest = np.inf, -np.inf

    def add(self, values: Float32) -> None:
        """Take in pixels (..., n_bands), scaled, NaN where there is no data."""
        flat = values.reshape(-1, self._n_bands)
        if not len(flat):
            return
        self._n_pixels += len(flat)
        if not self._typical:
            looked = flat.reshape(-1)[:: -(-flat.size // LOOKED_AT)]
            looked = np.abs(looked[np.isfinite(looked) & (looked != 0)])
            self._typical = float(np.median(looked)) if looked.size else 0.0
        self._lowest = min(self._lowest, self._end(flat, np.fmin))
        self._highest = max(self._highest, self._end(flat, np.fmax))
        self._spectra.update(_flat_spectra(flat) if self._n_bands >= MIN_FLAT_BANDS else {})

    def found(self) -> tuple[FillValue, ...]:
        """The fill values of all that was added, in order."""
        ends = {value for value, count in self._ends.items() if self._is_fill(value, count)}
        least, most = max(REPEATS, REPEATED_SHARE * self._n_pixels), MAX_SHARE * self._n_pixels
        whole = {value for value, count in self._spectra.items() if least <= count <= most} - ends
        return tuple(
            [FillValue(value, whole_spectrum=False) for value in sorted(ends)]
            + [FillValue(value, whole_spectrum=True) for value in sorted(whole)]
        )

    def _end(self, flat: Float32, pick: "np.ufunc") -> float:
        """The last number at one end that is not suspicious; those beyond it are counted."""
        rest: Float32 = flat.reshape(-1)
        for _ in range(MAX_VALUES):
            end = float(_reduced(rest, pick))
            if end not in self._known and not abs(end) > OUTLIER * self._typical:
                return end
            there = rest == np.float32(end)
            self._ends[end] += int(there.sum())
            rest = rest[~there]
            if not rest.size:
                break
        return float(_reduced(rest, pick)) if rest.size else float("nan")

    def _is_fill(self, value: float, count: int) -> bool:
        nearest = self._lowest if value < 0 else self._highest
        beyond = nearest - value if value < 0 else value - nearest
        if not (np.isfinite(nearest) and beyond >= GAP * abs(value)):
            return False
        return value in self._known or count >= REPEATS or abs(value) >= HUGE > OUTLIER * self._typical


def _reduced(values: Float32, pick: "np.ufunc") -> float:
    """The least or the largest number; NaN, which is slower, only where there is any."""
    fast: Callable[[Float32], np.float32] = np.min if pick is np.fmin else np.max
    end = fast(values)
    return float(pick.reduce(values) if np.isnan(end) else end)


def _flat_spectra(flat: Float32) -> dict[float, int]:
    """How many pixels have one and the same number, not zero, in every band; by number."""
    first = flat[:, 0]
    maybe = np.flatnonzero((first == flat[:, -1]) & (first == flat[:, flat.shape[1] // 2]) & (first != 0))
    same = flat[maybe]
    numbers, counts = np.unique(same[(same == same[:, :1]).all(axis=1), 0], return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def blank(values: Float32, fills: tuple[FillValue, ...]) -> None:
    """Make every fill value in pixels (..., n_bands) NaN, in place."""
    for fill in fills:
        there: Bool | NDArray[np.bool_] = values == np.float32(fill.value)
        values[there.all(axis=-1) if fill.whole_spectrum else there] = np.nan
