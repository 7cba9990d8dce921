"""Which bands and pixels of an image can be used: decided here, once, for every source of numbers."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unmixing.errors import BandMismatchError, SceneContentError, SceneFormatError
from unmixing.screening.fill import FillSearch, blank
from unmixing.screening.noise import noise_bands
from unmixing.types import Bool, Cube, DroppedBand, Float32, Float64, SceneFacts
from unmixing.warnings.reading import reading_warnings

MIN_FINITE_SHARE = 0.5
"""A band with less data than this, among the pixels that have any, is dropped; with more, its gaps mask pixels."""

WILD_FACTOR = 20.0
"""A band whose largest magnitudes exceed the median band's by this factor carries no reflectance."""

LOOKED_AT = 16_384
"""Pixels that are looked at for noise and for warnings, at most."""

SMALLEST_NORM = 1e-15
"""Norms below this are computed from squares that are not float32."""


def cube_from_array(values: NDArray[Any], facts: SceneFacts | None = None) -> Cube:
    """Scale an image once and decide which of its bands and pixels can be used.

    values: (rows, columns, bands), any real dtype; ``facts.nodata``, NaN and infinity mean no data.

    Raises SceneFormatError for anything but a 3-D real array, BandMismatchError when a list per band has
    another length, SceneContentError when nothing can be unmixed (one band, all NaN, constant).
    """
    facts = facts or SceneFacts()
    if values.ndim != 3 or values.dtype.kind not in "iuf":
        raise SceneFormatError(
            f"a cube is a 3-D array of real numbers (rows, columns, bands); got shape {values.shape} of {values.dtype}"
        )
    n_bands = values.shape[2]
    if n_bands < 2:
        raise SceneContentError(f"unmixing needs at least 2 bands; the cube has {n_bands}")
    wavelengths = per_band(facts.wavelengths_nm, n_bands, "wavelengths_nm", np.float64)
    bad = per_band(facts.bad_bands, n_bands, "bad_bands", np.bool_)
    scaled = scaled_values(values, facts.scale, facts.nodata)
    search = FillSearch(n_bands, facts.scale)
    search.add(scaled)
    blank(scaled, search.found())
    flat = scaled.reshape(-1, n_bands)
    dropped, valid = _decided(flat, bad, wavelengths, look_for_noise=not facts.bands_chosen)
    used = without(n_bands, dropped)
    return Cube(
        shape=scaled.shape, used_bands=used, dropped_bands=dropped, fill_values=search.found(), grid=facts.grid,
        wavelengths_nm=wavelengths,
        scale=float(facts.scale), nodata=facts.nodata, georeference=facts.georeference, source=dict(facts.source),
        warnings=reading_warnings(_sampled(flat, valid, used), np.flatnonzero(used), wavelengths),
        values=scaled, valid_pixels=valid.reshape(scaled.shape[:2]),
    )  # fmt: skip


def _decided(
    flat: Float32, bad: Bool | None, wavelengths_nm: Float64 | None, *, look_for_noise: bool
) -> tuple[tuple[DroppedBand, ...], Bool]:
    """The bands that are dropped and the pixels that are valid, (n_pixels,). flat: (n_pixels, n_bands)."""
    n_bands = flat.shape[1]
    statistics = BandStatistics(n_bands, bad)
    statistics.add(flat)
    dropped = statistics.dropped_bands()
    used = without(n_bands, dropped)
    statistics.require_content()
    valid = usable(flat, np.flatnonzero(used))
    require_valid_pixels(int(valid.sum()), valid.size, int(used.sum()))
    noisy = look_for_noise and noise_bands(_sampled(flat, valid, used), np.flatnonzero(used), wavelengths_nm)
    if not noisy:
        return dropped, valid
    dropped = in_order(dropped, noisy)
    return dropped, usable(flat, np.flatnonzero(without(n_bands, dropped)))


def without(n_bands: int, dropped: tuple[DroppedBand, ...]) -> Bool:
    """Which bands are used when these are dropped, (n_bands,)."""
    used = np.ones(n_bands, dtype=bool)
    used[[band.index for band in dropped]] = False
    return used


def in_order(*dropped: tuple[DroppedBand, ...]) -> tuple[DroppedBand, ...]:
    """All of these bands, in the order of their indices."""
    return tuple(sorted((band for some in dropped for band in some), key=lambda band: band.index))


def _sampled(flat: Float32, valid: Bool, used: Bool) -> Float32:
    """Evenly chosen valid pixels over the used bands. flat: (n_pixels, n_bands)."""
    chosen = np.flatnonzero(valid)
    return flat[chosen[:: -(-len(chosen) // LOOKED_AT)]][:, used]


def per_band(values: ArrayLike | None, n_bands: int, name: str, dtype: type) -> NDArray[Any] | None:
    if values is None:
        return None
    array: NDArray[Any] = np.asarray(values, dtype=dtype).ravel()
    if array.size != n_bands:
        raise BandMismatchError(f"{name} has {array.size} entries, the cube has {n_bands} bands")
    return array


def scaled_values(values: NDArray[Any], scale: float, nodata: float | None) -> Float32:
    """The numbers of a file as float32, scaled; NaN where there is no data."""
    scaled = values.astype(np.float32)
    if nodata is not None and np.isfinite(nodata):
        scaled[values == nodata] = np.nan
    # One fast pass says that nothing is infinite or NaN; only otherwise is every number asked.
    flat = scaled.ravel(order="K")
    with np.errstate(over="ignore", invalid="ignore"):
        if not np.isfinite(np.dot(flat, flat)):
            scaled[np.isinf(scaled)] = np.nan
    if scale != 1.0:
        scaled *= np.float32(scale)
    return scaled


def typical_norm(pixels: Float32) -> float:
    """The median norm of pixels (n_pixels, n_bands), by which they are divided so that no method depends on their unit.

    Raises SceneContentError when it is no float32: then neither are the pixels.
    """
    with np.errstate(over="ignore", under="ignore"):
        norm = float(np.median(np.linalg.norm(pixels, axis=1)))
        if not SMALLEST_NORM < norm < np.inf:  # squares of such numbers are not float32
            norm = float(np.median(np.linalg.norm(pixels.astype(np.float64), axis=1)))
    limits = np.finfo(np.float32)
    if not limits.tiny <= norm <= limits.max:
        raise SceneContentError(f"the pixels' median norm is {norm:g}; divide the numbers by about that much")
    return norm


def scaled_pixels(cube: Cube) -> tuple[Float32, float]:
    """The valid pixels over the used bands divided by their ``typical_norm``, and that norm."""
    pixels = cube.pixels()
    scale = typical_norm(pixels)
    return pixels / np.float32(scale), scale


class BandStatistics:
    """Statistics of the bands of an image, gathered block by block.

    bad_bands: (n_bands,) true where the provider marks a band bad. Pixels without any data in the other bands, or
    with zeros alone, are the frame around a scene and say nothing. n_with_data: all other pixels so far.
    """

    def __init__(self, n_bands: int, bad_bands: Bool | None) -> None:
        self._bad = np.zeros(n_bands, dtype=bool) if bad_bands is None else bad_bands
        self._lowest, self._highest = np.full(n_bands, np.inf), np.full(n_bands, -np.inf)
        self._counts = np.zeros(n_bands, dtype=np.int64)
        self._n_pixels = self.n_with_data = 0
        self._any_finite = False

    def add(self, values: Float32) -> None:
        """Take in pixels (..., n_bands), scaled, NaN where there is no data."""
        flat = values.reshape(-1, values.shape[-1])
        self._n_pixels += len(flat)
        good = flat if not self._bad.any() else flat[:, ~self._bad]
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            squares = np.einsum("nb,nb->n", good, good)
        if np.isfinite(squares).all() and (squares > 0).all():  # nothing is missing: three passes say it all
            self.n_with_data += len(flat)
            self._counts += len(flat)
            self._any_finite = True
            lowest, highest = flat.min(axis=0, initial=np.inf), flat.max(axis=0, initial=-np.inf)
        else:
            finite = np.isfinite(flat)
            self._any_finite |= bool(finite.any())
            chosen = (finite[:, ~self._bad] & (good != 0)).any(axis=1)
            flat, finite = flat[chosen], finite[chosen]
            self.n_with_data += len(flat)
            self._counts += finite.sum(axis=0)
            lowest = np.where(finite, flat, np.inf).min(axis=0, initial=np.inf)
            highest = np.where(finite, flat, -np.inf).max(axis=0, initial=-np.inf)
        self._lowest = np.fmin(self._lowest, lowest)
        self._highest = np.fmax(self._highest, highest)

    def dropped_bands(self) -> tuple[DroppedBand, ...]:
        """The bands that are marked bad, hold too little data, are constant, or hold wild values; in order."""
        magnitudes = np.where(self._counts > 0, np.maximum(np.abs(self._lowest), np.abs(self._highest)), 0.0)
        counted = magnitudes[~self._bad & (magnitudes > 0)]
        typical = float(np.median(counted)) if counted.size else 0.0
        reasons = [self._reason(index, float(magnitudes[index]), typical) for index in range(len(self._bad))]
        return tuple(DroppedBand(index, reason) for index, reason in enumerate(reasons) if reason is not None)

    @property
    def n_used_bands(self) -> int:
        """The number of bands that are not dropped."""
        return len(self._bad) - len(self.dropped_bands())

    def require_content(self) -> None:
        """Raises SceneContentError when nothing can be unmixed; see ``lack_of_content``."""
        if lack := self.lack_of_content():
            raise SceneContentError(lack)

    def lack_of_content(self) -> str | None:
        """Why nothing can be unmixed: no data, constant, fewer than two usable bands, nowhere positive; else None."""
        dropped = self.dropped_bands()
        n_bands = len(self._bad)
        n_used = n_bands - len(dropped)
        if not self._any_finite:
            return f"the cube has no data: all {self._n_pixels} pixels are NaN, infinite or nodata"
        if n_used == 0 and all(band.reason.startswith("constant") for band in dropped):
            return f"the cube is constant: each of its {n_bands} bands has one value everywhere"
        if n_used < 2:
            reasons = sorted({band.reason for band in dropped})
            return f"only {n_used} of {n_bands} bands can be used ({'; '.join(reasons[:3])})"
        brightest = float(np.delete(self._highest, [band.index for band in dropped]).max())
        if brightest <= 0:
            return f"the cube is nowhere positive: {brightest:g} is its largest value; reflectance and radiance are"
        return None

    def _reason(self, index: int, magnitude: float, typical: float) -> str | None:
        count, lowest = self._counts[index], self._lowest[index]
        if self._bad[index]:
            return "marked bad in the header, or asked to be left out"
        if count == 0:
            return "no pixel has data"
        if count < MIN_FINITE_SHARE * self.n_with_data:
            return f"only {count} of {self.n_with_data} pixels have data"
        if lowest == self._highest[index] and self.n_with_data > 1:
            return f"constant ({lowest:g})"
        if magnitude > WILD_FACTOR * typical:
            return f"values up to {magnitude:g} where bands typically reach {typical:g}"
        return None


def usable(pixels: Float32, used_bands: NDArray[np.intp]) -> Bool:
    """Which pixels (n_pixels, n_bands) have data in all used bands, and are not the zeros of a frame: (n_pixels,).

    used_bands: their indices.
    """
    used = pixels if len(used_bands) == pixels.shape[1] else pixels[:, used_bands]
    # The sum of squares says it in one pass, but for numbers whose squares are too large or too small.
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        squares = np.einsum("nb,nb->n", used, used)
    valid: Bool = np.isfinite(squares) & (squares > 0)
    unsure = np.flatnonzero(~valid)
    valid[unsure] = np.isfinite(used[unsure]).all(axis=1) & (used[unsure] != 0).any(axis=1)
    return valid


def require_valid_pixels(n_valid: int, n_pixels: int, n_used_bands: int) -> None:
    """Raises SceneContentError when no pixel can be used."""
    if n_valid == 0:
        raise SceneContentError(f"none of {n_pixels} pixels has data in all of the {n_used_bands} used bands")
