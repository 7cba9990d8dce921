"""Which axis of an array behaves as bands: spectra are smooth, and of one family all over an image."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.types import Float64

WINDOW = 128
"""How much of each axis is looked at."""

N_PROFILES = 1500
"""How many profiles along each axis are looked at."""

TAILS = (0.5, 99.5)
"""Percentiles to which numbers are clipped: wild values in a few bands or pixels hide all others."""

FILL_SHARE = 0.01
"""The smallest, or the largest number is no measurement where so many are equal to it."""

LARGEST = 1e30
"""Numbers above it stand for no data."""

MOST_FILLS = 4

PLACES, ENOUGH_DATA = (0.5, 0.25, 0.75, 0.0), 0.1
"""Where a part is taken, of all that may be taken, and the share of it that has to be data."""

NOISE_RANK = 0.8
"""Profiles that spread over more than this share of all directions are noise."""

NOISE_FLOOR = 2.2
"""Times the lower quartile of the variances along principal directions: what white noise alone stays below."""


def a_part_with_data(array: NDArray[Any]) -> Float64:
    """A part of an array, the middle if there is data, at most ``WINDOW`` along each axis and clipped to ``TAILS``; NaN
    where there is no data."""
    for place in PLACES:
        block = _window(array, place)
        if np.isfinite(block).mean() > ENOUGH_DATA:
            break
    finite = block[np.isfinite(block)]
    return np.clip(block, *np.percentile(finite, TAILS)) if finite.size else block


def _window(array: NDArray[Any], place: float) -> Float64:
    """A part of an array that lies so far along each axis, NaN for what is no measurement."""
    starts = [int(max(0, length - WINDOW) * place) for length in array.shape]
    block = np.array(array[tuple(slice(start, start + WINDOW) for start in starts)], np.float64)
    block[~(np.abs(block) < LARGEST)] = np.nan
    for _ in range(MOST_FILLS):
        finite = block[np.isfinite(block)]
        fills = [edge for edge in _edges(finite) if (finite == edge).mean() > FILL_SHARE]
        if not fills:
            break
        block[np.isin(block, fills)] = np.nan
    return block


def _edges(values: Float64) -> list[float]:
    return [float(values.min()), float(values.max())] if values.size else []


def badness_of_axes(array: NDArray[Any]) -> Float64:
    """How badly each of three axes does as bands, (3,); all infinite where the numbers do not say.

    An axis is the worse the more directions its profiles need, and the rougher these are: exp(H(e)) r^(1/4), with
    e the shares of variance along the principal directions v of the profiles (less their own means and the noise), H
    the entropy, and r = sum_k e_k |diff(v_k)|^2 / 2, which is 1 for noise.
    """
    block, rng = a_part_with_data(array), np.random.default_rng(0)
    measured = [_spread_rank_and_roughness(_profiles(block, axis, rng)) for axis in range(3)]
    if all(spread >= NOISE_RANK * (length - 1) for (spread, _, _), length in zip(measured, block.shape, strict=True)):
        return np.full(3, np.inf)
    return np.array([rank * roughness**0.25 for _, rank, roughness in measured])


def _profiles(block: Float64, axis: int, rng: np.random.Generator) -> Float64:
    """Some of the lines of numbers along an axis, those of mostly gaps left out, (n_profiles, length)."""
    lines = np.moveaxis(block, axis, -1).reshape(-1, block.shape[axis])
    lines = lines[np.isfinite(lines).mean(axis=1) > 0.5]
    chosen: Float64 = lines[rng.permutation(len(lines))[:N_PROFILES]]
    return chosen


def _spread_rank_and_roughness(profiles: Float64) -> tuple[float, float, float]:
    """Effective number of directions with and without noise, and the roughness of the latter; infinite where nothing
    varies. Gaps count as the profile's own mean. profiles: (n_profiles, length)."""
    if min(profiles.shape) < 2:
        return np.inf, np.inf, np.inf
    known = np.isfinite(profiles)
    means = np.where(known, profiles, 0).sum(axis=1) / known.sum(axis=1)
    centred = np.where(known, profiles - means[:, None], 0)
    variances, directions = np.linalg.eigh(centred.T @ centred)
    signal = (variances - NOISE_FLOOR * max(0.0, np.percentile(variances, 25))).clip(min=0)
    if signal.sum() <= 0:
        return _effective_number(variances.clip(min=0)), np.inf, np.inf
    steps = (np.diff(directions, axis=0) ** 2).sum(axis=0) / 2
    roughness = float(signal @ steps / signal.sum())
    return _effective_number(variances.clip(min=0)), _effective_number(signal), roughness


def _effective_number(variances: Float64) -> float:
    """exp of the entropy of their shares: as many as are alike; infinite where all are zero."""
    if variances.sum() <= 0:
        return np.inf
    shares = variances[variances > 0] / variances.sum()
    return float(np.exp(-np.sum(shares * np.log(shares))))
