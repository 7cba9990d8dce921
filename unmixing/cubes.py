"""Which bands and pixels of an image can be used: decided here, once, for every source of numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unmixing.errors import BandMismatchError, SceneContentError, SceneFormatError
from unmixing.types import Bool, Cube, DroppedBand, Float32, Georeference

MIN_FINITE_SHARE = 0.5
"""A band with less data than this, among the pixels that have any, is dropped; with more, its gaps mask pixels."""

WILD_FACTOR = 20.0
"""A band whose largest magnitudes exceed the median band's by this factor carries no reflectance."""

SMALLEST_NORM = 1e-15
"""Norms below this are computed from squares that are not float32."""


def cube_from_array(
    values: NDArray[Any],
    *,
    wavelengths_nm: ArrayLike | None = None,
    bad_bands: ArrayLike | None = None,
    scale: float = 1.0,
    nodata: float | None = None,
    georeference: Georeference | None = None,
    source: Mapping[str, Any] | None = None,
) -> Cube:
    """Scale an image once and decide which of its bands and pixels can be used.

    values: (rows, columns, bands), any real dtype; ``nodata``, NaN and infinity mean no data.
    bad_bands: (bands,) true where the provider marks a band bad.

    Raises SceneFormatError for anything but a 3-D real array, BandMismatchError when a list per band has
    another length, SceneContentError when nothing can be unmixed (one band, all NaN, constant).
    """
    if values.ndim != 3 or values.dtype.kind not in "iuf":
        raise SceneFormatError(
            f"a cube is a 3-D array of real numbers (rows, columns, bands); got shape {values.shape} of {values.dtype}"
        )
    n_bands = values.shape[2]
    if n_bands < 2:
        raise SceneContentError(f"unmixing needs at least 2 bands; the cube has {n_bands}")
    wavelengths = _per_band(wavelengths_nm, n_bands, "wavelengths_nm", np.float64)
    bad = _per_band(bad_bands, n_bands, "bad_bands", np.bool_)
    scaled = scaled_values(values, scale, nodata)
    dropped = _dropped_bands(scaled, np.zeros(n_bands, dtype=bool) if bad is None else bad)
    used = np.ones(n_bands, dtype=bool)
    used[[band.index for band in dropped]] = False
    valid = np.isfinite(scaled[:, :, used]).all(axis=2) & (scaled[:, :, used] != 0).any(axis=2)
    cube = Cube(scaled, used, valid, dropped, wavelengths, float(scale), nodata, georeference, dict(source or {}))
    _require_content(cube)
    return cube


def _per_band(values: ArrayLike | None, n_bands: int, name: str, dtype: type) -> NDArray[Any] | None:
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


def _dropped_bands(scaled: Float32, bad: Bool) -> tuple[DroppedBand, ...]:
    reasons = {int(index): "marked bad in the header" for index in np.flatnonzero(bad)}
    finite = np.isfinite(scaled)
    has_data = (finite[:, :, ~bad] & (scaled[:, :, ~bad] != 0)).any(axis=2)
    candidates = np.where(finite[has_data], scaled[has_data], np.nan)
    n_candidates = max(1, candidates.shape[0])
    counts = np.isfinite(candidates).sum(axis=0)
    filled = np.nan_to_num(candidates, nan=0.0)
    magnitude = np.abs(filled).max(axis=0, initial=0.0)
    typical = np.median(magnitude[~bad & (magnitude > 0)]) if (~bad & (magnitude > 0)).any() else 0.0
    lowest = np.where(np.isfinite(candidates), candidates, np.inf).min(axis=0, initial=np.inf)
    highest = np.where(np.isfinite(candidates), candidates, -np.inf).max(axis=0, initial=-np.inf)
    for index in np.flatnonzero(~bad):
        if counts[index] == 0:
            reasons[int(index)] = "no pixel has data"
        elif counts[index] < MIN_FINITE_SHARE * n_candidates:
            reasons[int(index)] = f"only {counts[index]} of {n_candidates} pixels have data"
        elif lowest[index] == highest[index] and n_candidates > 1:
            reasons[int(index)] = f"constant ({lowest[index]:g})"
        elif magnitude[index] > WILD_FACTOR * typical:
            reasons[int(index)] = f"values up to {magnitude[index]:g} where bands typically reach {typical:g}"
    return tuple(DroppedBand(index, reasons[index]) for index in sorted(reasons))


def _require_content(cube: Cube) -> None:
    rows, columns, n_bands = cube.shape
    n_used, n_valid = int(cube.used_bands.sum()), int(cube.valid_pixels.sum())
    if not np.isfinite(cube.values).any():
        raise SceneContentError(f"the cube has no data: all {rows * columns} pixels are NaN, infinite or nodata")
    if n_used == 0 and all(band.reason.startswith("constant") for band in cube.dropped_bands):
        raise SceneContentError(f"the cube is constant: each of its {n_bands} bands has one value everywhere")
    if n_used < 2:
        reasons = sorted({band.reason for band in cube.dropped_bands})
        raise SceneContentError(f"only {n_used} of {n_bands} bands can be used ({'; '.join(reasons[:3])})")
    if not (cube.values > 0).any():
        raise SceneContentError("no number of the cube is above 0; spectra of reflectance or radiance are expected")
    if n_valid == 0:
        raise SceneContentError(f"none of {rows * columns} pixels has data in all of the {n_used} used bands")


def input_report(cube: Cube) -> dict[str, Any]:
    """What was read and what was left out, JSON-able, for the ``input`` section of the results."""
    rows, columns, bands = cube.shape
    wavelengths = cube.wavelengths_nm
    place = cube.georeference
    return {
        **cube.source,
        "rows": rows,
        "columns": columns,
        "bands": bands,
        "bands_used": int(cube.used_bands.sum()),
        "dropped_bands": [
            {
                "index": band.index,
                "wavelength_nm": None if wavelengths is None else float(wavelengths[band.index]),
                "reason": band.reason,
            }
            for band in cube.dropped_bands
        ],
        "pixels_masked": int((~cube.valid_pixels).sum()),
        "scale": cube.scale,
        "nodata": cube.nodata,
        "crs": None if place is None else place.crs_wkt,
        "transform": None if place is None else list(place.transform),
    }
