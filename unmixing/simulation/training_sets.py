"""Synthetic training sets made from the image's own bundles, abundances, brightness and residuals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from unmixing.algorithms.abundances import nnls, split_brightness
from unmixing.algorithms.bundles import Bundles
from unmixing.algorithms.conventions import shape_of_area
from unmixing.algorithms.endmembers import unit_norm
from unmixing.simulation.brightness import BrightnessModel, fit_brightness
from unmixing.simulation.dirichlet import DirichletMixture, fit_dirichlet_mixture
from unmixing.types import Float64

KNOT_SPACING = 16
GAIN_DEVIATION = 0.02
REFERENCE_PIXELS = 4_000
RESIDUAL_NEIGHBOURS = 5


@dataclass(frozen=True, eq=False)
class SceneModel:
    """The model of a scene by its own bundles, from which synthetic sets are drawn.

    bundles: of endmembers. brightness_model: how bright each of them is. mixture: fitted to the reference abundances.
    abundances (n, n_endmembers), brightness (n,) and residuals (n, n_bands): of a sample of pixels fitted with the
    bundles' reference spectra, brightness near 1 as the brightness model has it.
    """

    bundles: Bundles
    brightness_model: BrightnessModel
    mixture: DirichletMixture
    abundances: Float64
    brightness: Float64
    residuals: Float64


@dataclass(frozen=True, eq=False)
class SyntheticSets:
    """Images whose truth is known.

    pixels: (n_sets, n_pixels, n_bands); endmembers: (n_sets, n_endmembers, n_bands), unit norm; norms: (n_sets,
    n_endmembers) of the endmembers that were mixed; abundances: (n_sets, n_pixels, n_endmembers), of ``area``, summing
    to one; brightness: (n_sets, n_pixels).
    """

    pixels: Float64
    endmembers: Float64
    norms: Float64
    abundances: Float64
    brightness: Float64

    @property
    def shape_abundances(self) -> Float64:
        """The same truth as shares of ``shape``, (n_sets, n_pixels, n_endmembers)."""
        return np.stack([shape_of_area(*each)[0] for each in zip(self.abundances, self.norms, strict=True)])


def model_scene(
    pixels: NDArray[np.floating], bundles: Bundles, rng: np.random.Generator, *, n_dirichlets: int = 1
) -> SceneModel:
    """Reference abundances by constrained least squares, and the mixture of at most ``n_dirichlets`` Dirichlet
    distributions most likely to have drawn them.

    pixels: (n_pixels, n_bands), raw.
    """
    chosen = rng.choice(len(pixels), size=min(len(pixels), REFERENCE_PIXELS), replace=False)
    sample = np.asarray(pixels[chosen], dtype=np.float64)
    contributions = nnls(sample, bundles.reference)
    residuals = sample - contributions @ bundles.reference
    fitted = fit_brightness(contributions, bundles.reference, residuals, bundles.given_norms)
    brightness_model = fitted.checked(sample, bundles.reference)
    contributions = brightness_model.contributions(sample, bundles.reference)
    residuals = sample - contributions @ bundles.reference
    abundances, brightness = split_brightness(contributions / brightness_model.norms)
    lit = brightness > 0
    mixture = fit_dirichlet_mixture(abundances[lit], brightness[lit], rng, max_components=n_dirichlets)
    return SceneModel(bundles, brightness_model, mixture, abundances[lit], brightness[lit], residuals[lit])


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
    drawn = draw_members(bundles, n_sets, rng)
    n_endmembers, n_bands = drawn.shape[1:]
    gains = piecewise_linear_gain(n_sets * n_endmembers, n_bands, rng).reshape(drawn.shape)
    return unit_norm(drawn * gains)


def draw_members(bundles: Bundles, n_sets: int, rng: np.random.Generator) -> Float64:
    """Convex combinations of the bundles' members, (n_sets, n_endmembers, n_bands)."""
    n_runs, n_endmembers, _ = bundles.spectra.shape
    # Convex weights over the runs, not one run: the truth lies among the members, seldom on one of them.
    weights = rng.dirichlet(np.ones(n_runs), size=(n_sets, n_endmembers))
    drawn: Float64 = np.einsum("spr,rpb->spb", weights, bundles.spectra)
    return drawn


def synthesise(scene: SceneModel, n_sets: int, n_pixels: int, rng: np.random.Generator) -> SyntheticSets:
    """Draw mixing matrices, abundances and brightness, mix them, and disturb them as the scene is disturbed."""
    endmembers = draw_mixing_matrices(scene.bundles, n_sets, rng)
    abundances, brightness = scene.mixture.sample(n_sets * n_pixels, rng)
    norms = np.tile(scene.brightness_model.norms, (n_sets, 1))
    mixed = (brightness[:, None] * abundances).reshape(n_sets, n_pixels, -1)
    spectra = endmembers * norms[:, :, None]
    pixels = disturbances(scene, abundances, brightness, n_sets, rng)
    pixels += mixed @ spectra
    return SyntheticSets(
        pixels, endmembers, norms, abundances.reshape(n_sets, n_pixels, -1), brightness.reshape(n_sets, n_pixels)
    )


def disturbances(
    scene: SceneModel, abundances: Float64, brightness: Float64, n_sets: int, rng: np.random.Generator
) -> Float64:
    """The errors to add to synthetic pixels of these abundances (n_sets * n_pixels, n_endmembers) and brightness
    (n_sets * n_pixels,), (n_sets, n_pixels, n_bands).

    The disturbance of a synthetic pixel is the residual of a real pixel of similar abundances and brightness. It
    carries the sensor's noise and what the linear model misses; a network trained with the sensor's noise alone
    believes every model error and ruins real scenes.
    """
    n_pixels = len(brightness) // n_sets
    signs = _signs(n_sets, n_pixels, rng)
    disturbed = _similar_residuals(scene, abundances, brightness, rng).reshape(n_sets, n_pixels, -1)
    disturbed *= signs  # in place: these are the largest arrays of all
    return disturbed


def _signs(n_sets: int, n_pixels: int, rng: np.random.Generator) -> Float64:
    """Signs of the disturbance, drawn once for each set: what the model misses is the same all over a scene."""
    return rng.choice([-1.0, 1.0], size=(n_sets, 1, 1))


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
