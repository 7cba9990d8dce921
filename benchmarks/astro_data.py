"""Cassiopeia A, as the LPALM paper mixes it, and generated mixtures of the same kind."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from unmixing.algorithms.endmembers import unit_norm
from unmixing.mixtures.sources import MixtureSets, SourceModel, add_noise, mix
from unmixing.types import Float64

N_TEST = 150
SNR_DB = 30.0
PAPER_SOURCES = SourceModel(shapes=(0.3, 0.3, 0.3, 0.3), snr_db=SNR_DB)
PAPER_SAMPLES = 500


@dataclass(frozen=True, eq=False)
class CassiopeiaA:
    """training and test mixing matrices (n, n_sources, n_channels), rows of unit norm; the real sources (n_pixels,
    n_sources), each of norm 1."""

    training: Float64
    test: Float64
    sources: Float64

    def realistic(self, matrix: Float64, rng: np.random.Generator) -> Float64:
        """The real sources mixed, with noise, (n_pixels, n_channels)."""
        return add_noise(self.sources @ matrix, SNR_DB, rng)


def read_cassiopeia(path: Path, split: int | None = None) -> CassiopeiaA:
    """``mixing_matrices`` (n, n_channels, n_sources) and ``sources`` (n_sources, rows, columns) of an ``.npz``.

    The matrices least like the first one (sum of the cosines of their columns), or a random choice with the seed
    ``split``, are the test set, at most N_TEST of them and a sixth; the others train.
    """
    with np.load(path) as file:
        matrices = unit_norm(file["mixing_matrices"].transpose(0, 2, 1))
        images = file["sources"].astype(np.float64)
    likeness = np.einsum("msc,sc->m", matrices, matrices[0])
    order = np.argsort(likeness, kind="stable")
    if split is not None:
        order = np.random.default_rng(split).permutation(len(matrices))
    n_test = min(N_TEST, len(matrices) // 6)
    sources = unit_norm(images.reshape(len(images), -1)).T
    return CassiopeiaA(matrices[np.sort(order[n_test:])], matrices[order[:n_test]], sources)


def synthetic(matrices: Float64, seed: int) -> MixtureSets:
    """The paper's synthetic mixtures of these mixing matrices."""
    return mix(matrices, PAPER_SOURCES, PAPER_SAMPLES, np.random.default_rng(seed))


def smooth_mixtures(seed: int, *, n_samples: int = 1_000, n_channels: int = 65, n_sources: int = 4) -> MixtureSets:
    """One mixture of sparse signed sources by smooth random columns, without a library."""
    rng = np.random.default_rng(seed)
    matrix = unit_norm(gaussian_filter1d(rng.standard_normal((n_sources, n_channels)), 4, axis=1))
    return mix(matrix[None], SourceModel((0.3,) * n_sources, SNR_DB), n_samples, rng)
