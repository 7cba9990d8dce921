"""The base of the unrolled networks: the walk through the layers, and how an answer is counted."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from unmixing.types import Float64

START_RIDGE = 1e-3


class State(NamedTuple):
    """After one layer: contributions (..., n_pixels, n_endmembers) of unit-norm endmembers, the endmembers
    (..., n_endmembers, n_inputs) they were estimated with, and the layer's own new endmembers, of unit norm."""

    contributions: Tensor
    used: Tensor
    endmembers: Tensor


class Unrolled(nn.Module, ABC):
    """Layers that update contributions S (abundances times brightness), then endmembers E, on pixels Y ~ S E.

    A network says in which coordinates it sees spectra, where S starts, and what a layer does; endmembers start at
    ``reference``. S depends on its own pixel alone once the layers' endmembers are known, so they are estimated on
    a sample and any number of pixels can follow.
    norms: (n_endmembers,) what abundances are counted in. reference: (n_endmembers, n_inputs), unit norm.
    """

    norms: Tensor
    reference: Tensor
    row_weight: float = 0.0
    """Weight of the prior that brightness is near 1, as one more band of value 1; 0 without it."""

    def __init__(self, norms: Float64) -> None:
        super().__init__()
        self.register_buffer("norms", torch.tensor(norms, dtype=torch.float32))

    @property
    @abstractmethod
    def n_layers(self) -> int: ...

    @abstractmethod
    def coordinates(self, spectra: Tensor) -> Tensor:
        """Pixels (..., n_bands) as the layers take them, (..., n_inputs), in the precision they come in."""

    def sensor_coordinates(self, pixels: Tensor, used_bands: Tensor, scale: Tensor) -> Tensor:
        """``coordinates`` of raw pixels over all bands of the sensor (n_pixels, n_sensor_bands), of which the network
        sees those with the indices ``used_bands``, divided by ``scale``."""
        return self.coordinates(torch.index_select(pixels, 1, used_bands) / scale)

    def endmember_coordinates(self, endmembers: Tensor) -> Tensor:
        """Unit-norm endmembers (..., n_endmembers, n_bands) as the layers take them, (..., n_endmembers, n_inputs)."""
        return self.coordinates(endmembers)

    @abstractmethod
    def lift(self, endmembers: Tensor) -> Tensor:
        """Endmembers (..., n_endmembers, n_inputs) over all bands, non-negative with unit norm."""

    @abstractmethod
    def start(self, pixels: Tensor) -> Tensor:
        """The first contributions, (..., n_pixels, n_endmembers)."""

    @abstractmethod
    def contribution_step(self, layer: int, pixels: Tensor, contributions: Tensor, endmembers: Tensor) -> Tensor:
        """The layer's update of S, pixel by pixel."""

    def endmember_step(self, layer: int, pixels: Tensor, contributions: Tensor, endmembers: Tensor) -> Tensor:
        """The layer's update of E from all the pixels at once; none where endmembers are given."""
        return endmembers

    def states(self, sample: Tensor) -> Iterator[State]:
        """Unmix pixels (..., n_pixels, n_inputs), layer by layer."""
        endmembers = self.reference.expand(*sample.shape[:-2], *self.reference.shape)
        contributions = self.start(sample)
        for layer in range(self.n_layers):
            used = endmembers
            contributions = self.contribution_step(layer, sample, contributions, used)
            endmembers = self.endmember_step(layer, sample, contributions, used)
            yield State(contributions, used, endmembers)

    def forward(self, sample: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Unmix pixels (..., n_pixels, n_inputs).

        Returns the contributions (..., n_pixels, n_endmembers), the endmembers (..., n_endmembers, n_inputs) and
        the endmembers each layer worked with.
        """
        states = list(self.states(sample))
        return states[-1].contributions, states[-1].endmembers, [state.used for state in states]

    def answers(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Contributions and endmembers of many samples (n_samples, n_pixels, n_inputs), as ``forward`` has them: what
        training computes again and again, so that a network may have a faster way."""
        contributions, endmembers, _ = self(samples)
        return contributions, endmembers

    def contributions(self, pixels: Tensor, used: Sequence[Tensor]) -> Tensor:
        """Contributions of any pixels, given the endmembers each layer worked with on a sample of the image."""
        contributions = self.start(pixels)
        for layer, endmembers in enumerate(used):
            contributions = self.contribution_step(layer, pixels, contributions, endmembers)
        return contributions

    def sensor_contributions(
        self, pixels: Tensor, used_bands: Tensor, scale: Tensor, used: Sequence[Tensor], spectra: Tensor
    ) -> tuple[Tensor, Tensor]:
        """``contributions`` of raw pixels as ``sensor_coordinates`` takes them, and the products of the same pixels, in
        the same bands and scale, with ``spectra`` (n_endmembers, n_used). Both (n_endmembers, n_pixels)."""
        scaled = torch.index_select(pixels, 1, used_bands) / scale
        return self.contributions(self.coordinates(scaled), used).T, spectra @ scaled.T

    def abundances(self, contributions: Tensor, axis: int = -1) -> tuple[Tensor, Tensor]:
        """Abundances that sum to one, of the shape of ``contributions``, whose endmembers lie along ``axis`` (0 or -1),
        and brightness, their sum. A dark pixel gets equal shares."""
        norms = self.norms if axis == -1 else self.norms[:, None]
        guarded = contributions / norms + 1e-9
        total = guarded.sum(dim=axis, keepdim=True)
        return guarded / total, (total - len(self.norms) * 1e-9).squeeze(axis).clamp_min(0.0)


def unit(spectra: Tensor) -> Tensor:
    """Rows divided by their Euclidean norm."""
    scaled: Tensor = spectra / (torch.linalg.vector_norm(spectra, dim=-1, keepdim=True) + 1e-9)
    return scaled


def ridge_inverse(reference: Tensor) -> Tensor:
    """Weights (n_endmembers, n_inputs) whose product with a pixel is nearly its least squares fit."""
    n_endmembers = len(reference)
    gram = reference @ reference.T
    ridge = START_RIDGE * torch.trace(gram) / n_endmembers * torch.eye(n_endmembers)
    weights: Tensor = torch.linalg.solve(gram + ridge, reference)
    return weights
