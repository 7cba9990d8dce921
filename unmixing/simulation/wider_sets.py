"""Synthetic sets whose library is wrong, as those of scenes may be: what an uncertainty is learned from, and, where no
pixel is pure, LPALM itself."""

from dataclasses import dataclass, replace

import numpy as np

from unmixing.algorithms.endmembers import unit_norm
from unmixing.simulation.brightness import BrightnessModel
from unmixing.simulation.training_sets import (
    GAIN_DEVIATION,
    SceneModel,
    SyntheticSets,
    disturbances,
    draw_members,
    piecewise_linear_gain,
)
from unmixing.types import Float64

LEAST_OF_IMPURITY = 0.7
"""Of a set's share, that of its purest endmember at least: how pure pixels are depends on their size most of all."""


@dataclass(frozen=True)
class LibraryErrors:
    """How wrong a library may be. least_impurity, largest_impurity: how far on the way to the mean of all endmembers
    those of the library lie, drawn between these for every set. shrinkage: by which the impurities of a set are
    multiplied, again and again, until the endmembers behind them are spectra. gain_deviation: of the gains over the
    bands, drawn up to this for every endmember. excess_of_purity: share of the other endmembers, drawn up to this, that
    the truth holds and the library does not, which was made from extremes."""

    least_impurity: float
    largest_impurity: float
    shrinkage: float
    gain_deviation: float
    excess_of_purity: float


POSSIBLE = LibraryErrors(0.0, 0.9, 0.7, 0.25, 0.1)
"""All that may be, where there are pure pixels as far as anyone knows: for intervals."""

OF_MIXTURES = LibraryErrors(0.3, 0.9, 0.9, 0.1, 0.05)
"""Where no pixel is pure, endmembers lie far from the library, as far mostly as spectra that are not negative can: to
train on."""

OF_MIXTURES_AND_MORE = replace(OF_MIXTURES, gain_deviation=POSSIBLE.gain_deviation)
"""The same for intervals."""

LARGEST_NEGATIVE = 0.02
"""Of a set's largest value; an endmember more negative than this is no spectrum, one less so may be noise."""


def synthesise_wider(
    scene: SceneModel, n_sets: int, n_pixels: int, rng: np.random.Generator, errors: LibraryErrors = POSSIBLE
) -> SyntheticSets:
    """Sets for how far an answer may be off: their truth strays further from the library than training's.

    ``synthesise`` trusts the library as far as its runs agree, but all runs can err alike. Each of these sets draws
    how wrong the library is. Some errors show in the pixels: gains over the bands, norms anywhere between the own ones
    and those of nearly pure pixels and as far off as ``norm_deviations`` says, light that varies for every material by
    itself. One does not: where no pixel is pure the library L holds mixtures, L = M E, and pixels that are A L are just
    as well (A M) E. Those sets keep their pixels, and their truth is A M (``_impurities``).
    """
    spectra = _strayed(scene, n_sets, rng, errors)
    mixing, endmembers = _impurities(spectra, len(scene.bundles.given_norms), rng, errors)
    seen, brightness = scene.mixture.sample(n_sets * n_pixels, rng)
    mixed = (brightness[:, None] * seen).reshape(n_sets, n_pixels, -1)
    deviations = scene.brightness_model.own_deviation * rng.random((n_sets, 1, 1))
    pixels = (mixed * np.exp(deviations * rng.standard_normal(mixed.shape))) @ spectra
    return SyntheticSets(
        pixels + disturbances(scene, seen, brightness, n_sets, rng),
        unit_norm(endmembers),
        np.linalg.norm(endmembers, axis=2),
        seen.reshape(n_sets, n_pixels, -1) @ mixing,
        brightness.reshape(n_sets, n_pixels),
    )


def _strayed(scene: SceneModel, n_sets: int, rng: np.random.Generator, errors: LibraryErrors) -> Float64:
    """Spectra with their norms, further from the library than its runs, (n_sets, n_endmembers, n_bands)."""
    members = draw_members(scene.bundles, n_sets, rng)
    n_endmembers, n_bands = members.shape[1:]
    deviations = rng.uniform(0, errors.gain_deviation, size=(n_sets, n_endmembers, 1))
    # A given endmember is known, but for what its material varies.
    n_given = len(scene.bundles.given_norms)
    deviations[:, :n_given] = GAIN_DEVIATION
    gains = piecewise_linear_gain(n_sets * n_endmembers, n_bands, rng, 1.0).reshape(members.shape)
    members = unit_norm(np.maximum(members * (1 + deviations * (gains - 1)), 0))
    spectra = members * _norms(scene.brightness_model, n_sets, rng)[:, :, None]
    excess = rng.uniform(0, errors.excess_of_purity, size=(n_sets, n_endmembers, 1))
    excess[:, :n_given] = 0.0
    strayed: Float64 = _mixing(excess, rng) @ spectra
    return strayed


def _norms(model: BrightnessModel, n_sets: int, rng: np.random.Generator) -> Float64:
    """Norms that may be the true ones, (n_sets, n_endmembers)."""
    between = rng.random((n_sets, 1))
    off = rng.random((n_sets, 1)) * model.norm_deviations * rng.standard_normal((n_sets, len(model.norms)))
    norms: Float64 = model.norms ** (1 - between) * model.own_norms**between * np.exp(off)
    return norms


def _impurities(
    spectra: Float64, n_given: int, rng: np.random.Generator, errors: LibraryErrors
) -> tuple[Float64, Float64]:
    """How the true endmembers may be mixed in these spectra, M (n_sets, n_endmembers, n_endmembers), rows summing to
    one, and they themselves, E = M^-1 L (n_sets, n_endmembers, n_bands).

    The scene's own evidence of purity: no spectrum is negative. Where one of the library is nearly 0 in bands in which
    others are bright, it holds little of them, and since the pixels are as large for every material, neither do others.
    n_given: how many of the first are given, and so pure.
    """
    n_sets, n_endmembers, _ = spectra.shape
    shares = rng.uniform(LEAST_OF_IMPURITY, 1, size=(n_sets, n_endmembers, 1))
    mean_of_all = 1 - 1 / n_endmembers
    shares *= rng.uniform(
        errors.least_impurity * mean_of_all, errors.largest_impurity * mean_of_all, size=(n_sets, 1, 1)
    )
    shares[:, :n_given] = 0.0
    others = _mixing(np.ones_like(shares), rng)
    least = -LARGEST_NEGATIVE * spectra.max(axis=(1, 2))
    impossible = np.ones(n_sets, dtype=bool)
    while impossible.any():
        mixing = (1 - shares) * np.eye(n_endmembers) + shares * others
        endmembers = np.linalg.solve(mixing, spectra)
        impossible = endmembers.min(axis=(1, 2)) < least
        shares[impossible] *= errors.shrinkage
    return mixing, np.maximum(endmembers, 0)


def _mixing(shares: Float64, rng: np.random.Generator) -> Float64:
    """Matrices (n_sets, n_endmembers, n_endmembers) that mix ``shares`` (n_sets, n_endmembers, 1) of the others into
    every endmember; rows sum to one."""
    n_sets, n_endmembers, _ = shares.shape
    others = rng.dirichlet(np.ones(n_endmembers), size=(n_sets, n_endmembers)) * (1 - np.eye(n_endmembers))
    others /= others.sum(axis=2, keepdims=True)
    mixing: Float64 = (1 - shares) * np.eye(n_endmembers) + shares * others
    return mixing
