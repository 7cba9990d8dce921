"""Synthetic training sets made from the image's own bundles, abundances, brightness and residuals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from unmixing.abundances import nnls, split_brightness
from unmixing.brightness import BrightnessModel, fit_brightness
from unmixing.dirichlet import DirichletMixture, fit_dirichlet_mixture
from unmixing.endmembers import Bundles, unit_norm
from unmixing.types import Float64

KNOT_SPACING = 16
GAIN_DEVIATION = 0.02
REFERENCE_PIXELS = 4_000
RESIDUAL_NEIGHBOURS = 5


@dataclass(frozen=True, eq=False)
class SceneModel:
    """What a scene looks like to its own bundles: the ground that synthetic sets are drawn from.

    bundles: of endmembers. light: how bright each of them is. mixture: fitted to the reference abundances.
    abundances (n, n_endmembers), brightness (n,) and residuals (n, n_bands): of a sample of pixels fitted with the
    bundles' reference spectra, brightness near 1 as the light has it.
    """

    bundles: Bundles
    light: BrightnessModel
    mixture: DirichletMixture
    abundances: Float64
    brightness: Float64
    residuals: Float64


@dataclass(frozen=True, eq=False)
class SyntheticSets:
    """Images whose truth is known.

    pixels: (n_sets, n_pixels, n_bands); endmembers: (n_sets, n_endmembers, n_bands), unit norm;
    abundances: (n_sets, n_pixels, n_endmembers), summing to one; brightness: (n_sets, n_pixels).
    """

    pixels: Float64
    endmembers: Float64
    abundances: Float64
    brightness: Float64


def model_scene(pixels: NDArray[np.floating], bundles: Bundles, rng: np.random.Generator) -> SceneModel:
    """Reference abundances by constrained least squares, and the Dirichlet mixture most likely to have drawn them.

    pixels: (n_pixels, n_bands), raw.
    """
    chosen = rng.choice(len(pixels), size=min(len(pixels), REFERENCE_PIXELS), replace=False)
    sample = np.asarray(pixels[chosen], dtype=np.float64)
    contributions = nnls(sample, bundles.reference)
    residuals = sample - contributions @ bundles.reference
    light = fit_brightness(contributions, bundles.reference, residuals)
    contributions = light.contributions(sample, bundles.reference)
    residuals = sample - contributions @ bundles.reference
    abundances, brightness = split_brightness(contributions / light.norms)
    lit = brightness > 0
    mixture = fit_dirichlet_mixture(abundances[lit], brightness[lit], rng)
    return SceneModel(bundles, light, mixture, abundances[lit], brightness[lit], residuals[lit])


def piecewise_linear_gain(
    n_spectra: int, n_bands: int, rng: np.random.Generator, deviation: float = GAIN_DEVIATION
) -> Float64:
    """Gains over the bands, 1 on average and linear between random knots (after Thouvenin et al. 2015).

    Returns (n_spectra, n_bands).
    """
    n_knots = max(2, n_bands // KNOT_SPACING)
    knots = np.sort(rng.uniform(0, n_bands - 1, size=(n_spectra, n_knots)), axis=1)
    knots[:, 0], knots[:, -1] = 0, n_bands - 1
    heights = 1 + deviation * rng.standard_normal((n_spectra, n_knots))
    bands = np.arange(n_bands)
    return np.stack([np.interp(bands, x, y) for x, y in zip(knots, heights, strict=True)])


def draw_mixing_matrices(bundles: Bundles, n_sets: int, rng: np.random.Generator) -> Float64:
    """Members of the bundles under random piecewise-linear gains, unit norm, (n_sets, n_endmembers, n_bands)."""
    n_runs, n_endmembers, n_bands = bundles.spectra.shape
    # Convex weights over the runs, not one run: the truth lies among the members, seldom on one of them.
    weights = rng.dirichlet(np.ones(n_runs), size=(n_sets, n_endmembers))
    drawn = np.einsum("spr,rpb->spb", weights, bundles.spectra)
    gains = piecewise_linear_gain(n_sets * n_endmembers, n_bands, rng).reshape(n_sets, n_endmembers, n_bands)
    return unit_norm(drawn * gains)


def synthesise(scene: SceneModel, n_sets: int, n_pixels: int, rng: np.random.Generator) -> SyntheticSets:
    """Draw mixing matrices, abundances and brightness, mix them, and disturb them as the scene is disturbed.

    The disturbance of a synthetic pixel is the residual of a real pixel of similar abundances and brightness. It
    carries the sensor's noise and what the linear model misses; a network trained with the sensor's noise alone
    believes every misfit and ruins real scenes. What the model misses is the same all over a scene, so that the sign
    is drawn once for each set.
    """
    endmembers = draw_mixing_matrices(scene.bundles, n_sets, rng)
    abundances, brightness = scene.mixture.sample(n_sets * n_pixels, rng)
    contributions = brightness[:, None] * abundances * scene.light.norms
    pixels = contributions.reshape(n_sets, n_pixels, -1) @ endmembers
    signs = rng.choice([-1.0, 1.0], size=(n_sets, 1, 1))
    pixels += signs * _similar_residuals(scene, abundances, brightness, rng).reshape(pixels.shape)
    return SyntheticSets(
        pixels, endmembers, abundances.reshape(n_sets, n_pixels, -1), brightness.reshape(n_sets, n_pixels)
    )


def _similar_residuals(
    scene: SceneModel, abundances: Float64, brightness: Float64, rng: np.random.Generator
) -> Float64:
    tree = cKDTree(np.column_stack([scene.abundances, np.log(scene.brightness)]))
    n_neighbours = min(RESIDUAL_NEIGHBOURS, len(scene.residuals))
    _, neighbours = tree.query(np.column_stack([abundances, np.log(brightness)]), k=n_neighbours)
    neighbours = np.reshape(neighbours, (len(abundances), n_neighbours))
    picked = neighbours[np.arange(len(neighbours)), rng.integers(n_neighbours, size=len(neighbours))]
    disturbance: Float64 = scene.residuals[picked]
    return disturbance
