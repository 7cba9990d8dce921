"""Synthetic mixtures whose truth is known: sparse sources, mixing matrices of a library, noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from unmixing.types import Float64

Real = NDArray[np.floating]

SMALLEST_SHAPE, LARGEST_SHAPE = 0.2, 8.0


@dataclass(frozen=True, eq=False)
class MixtureSets:
    """mixtures (n_sets, n_samples, n_channels) = sources (n_sets, n_samples, n_sources) @ mixing_matrices (n_sets,
    n_sources, n_channels) + noise."""

    mixtures: Float64
    mixing_matrices: Float64
    sources: Float64


@dataclass(frozen=True)
class SourceModel:
    """The distribution of training sources: independent generalised Gaussians of mean 0, one shape per source (2 is
    Gaussian, 1 Laplace, less is sparser), their absolute values when non-negative. Every source of a set is scaled to
    norm 1, or to its entry of ``norms``. ``snr_db``: power of the mixtures over that of the noise."""

    shapes: tuple[float, ...]
    snr_db: float
    nonnegative: bool = False
    norms: tuple[float, ...] | None = None

    def draw(self, n_sets: int, n_samples: int, rng: np.random.Generator) -> Float64:
        """Sources (n_sets, n_samples, n_sources)."""
        columns = [generalised_gaussian(shape, (n_sets, n_samples), rng) for shape in self.shapes]
        sources = np.stack(columns, axis=2)
        scaled: Float64 = sources / np.linalg.norm(sources, axis=1, keepdims=True)
        if self.norms is not None:
            scaled = scaled * np.asarray(self.norms)
        return np.abs(scaled) if self.nonnegative else scaled


@dataclass(frozen=True, eq=False)
class MixturePrior:
    """The prior of mixtures: a library of mixing matrices (n_matrices, n_sources, n_channels), rows of
    unit norm, and how sources are distributed."""

    library: Float64
    sources: SourceModel


def generalised_gaussian(shape: float, size: tuple[int, ...], rng: np.random.Generator) -> Float64:
    """Draws of density proportional to exp(-|x|^shape)."""
    magnitudes: Float64 = rng.gamma(1 / shape, size=size) ** (1 / shape)
    signs: Float64 = rng.choice(np.array([-1.0, 1.0]), size=size)
    return magnitudes * signs


def fit_shape(values: Real) -> float:
    """The shape of the generalised Gaussian whose mean absolute value over its root mean square is that of ``values``
    (Mallat 1989), between SMALLEST_SHAPE and LARGEST_SHAPE."""
    shapes = np.geomspace(SMALLEST_SHAPE, LARGEST_SHAPE, 400)
    ratios = np.exp(gammaln(2 / shapes) - 0.5 * (gammaln(1 / shapes) + gammaln(3 / shapes)))
    root_mean_square = max(float(np.sqrt(np.mean(np.square(values)))), 1e-300)
    return float(np.interp(float(np.abs(values).mean()) / root_mean_square, ratios, shapes))


def add_noise(mixtures: Float64, snr_db: float, rng: np.random.Generator) -> Float64:
    """White Gaussian noise, scaled in every mixture (..., n_samples, n_channels) to exactly ``snr_db``."""
    noise = rng.standard_normal(mixtures.shape)
    power = np.linalg.norm(mixtures, axis=(-2, -1), keepdims=True) / np.linalg.norm(noise, axis=(-2, -1), keepdims=True)
    noisy: Float64 = mixtures + noise * power * 10 ** (-snr_db / 20)
    return noisy


def mix(mixing_matrices: Float64, model: SourceModel, n_samples: int, rng: np.random.Generator) -> MixtureSets:
    """One mixture of freshly drawn sources per mixing matrix (n_sets, n_sources, n_channels)."""
    sources = model.draw(len(mixing_matrices), n_samples, rng)
    return MixtureSets(add_noise(sources @ mixing_matrices, model.snr_db, rng), mixing_matrices, sources)


def recombine(library: Float64, n_sets: int, rng: np.random.Generator) -> Float64:
    """Mixing matrices whose columns come from different members of the library (n_matrices, n_sources, n_channels):
    the columns of different sources vary independently. Returns (n_sets, n_sources, n_channels)."""
    n_matrices, n_sources, _ = library.shape
    return library[rng.integers(n_matrices, size=(n_sets, n_sources)), np.arange(n_sources)]
