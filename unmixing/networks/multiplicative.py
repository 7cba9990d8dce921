"""NALMU and ALMU: multiplicative updates unrolled, with learned masks on the endmember update."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from unmixing.algorithms.nmf import FLOOR, TINY
from unmixing.networks.unrolled import State, Unrolled, ridge_inverse, unit
from unmixing.simulation.training_sets import GAIN_DEVIATION
from unmixing.types import Float64

ENDMEMBER_FLOOR = 1e-4
"""Share of the mean below which no number of an endmember starts: a factor of zero stays zero for ever."""


class MultiplicativeNetwork(Unrolled):
    """An unrolled network of the multiplicative updates of ``unmixing.algorithms.nmf.nmf_step``.

    It works in all bands, since the updates need numbers that are not negative; what noise makes negative counts as
    zero. Inside, endmembers have the scale the updates give them, and S is counted in them.
    reference: (n_endmembers, n_bands) unit-norm endmembers. norms: (n_endmembers,) what abundances of them are
    counted in.
    """

    start_weights: Tensor

    def __init__(self, reference: Float64, norms: Float64) -> None:
        super().__init__(norms)
        floored = np.maximum(reference, ENDMEMBER_FLOOR * reference.mean(axis=1, keepdims=True))
        self.register_buffer("reference", unit(torch.tensor(floored, dtype=torch.float32)))
        self.register_buffer("start_weights", ridge_inverse(self.reference))

    def coordinates(self, spectra: Tensor) -> Tensor:
        return torch.relu(spectra)

    def lift(self, endmembers: Tensor) -> Tensor:
        return unit(endmembers)

    def start(self, pixels: Tensor) -> Tensor:
        fitted = torch.relu(pixels @ self.start_weights.T)
        return torch.maximum(fitted, FLOOR * fitted.mean(dim=-1, keepdim=True))

    def contribution_step(self, layer: int, pixels: Tensor, contributions: Tensor, endmembers: Tensor) -> Tensor:
        transposed = endmembers.transpose(-1, -2)
        return multiplied(contributions, pixels @ transposed, contributions @ (endmembers @ transposed))

    def endmember_step(self, layer: int, pixels: Tensor, contributions: Tensor, endmembers: Tensor) -> Tensor:
        """The unlearned update E * (S^T Y) / (S^T S E)."""
        transposed = contributions.transpose(-1, -2)
        return multiplied(endmembers, transposed @ pixels, transposed @ contributions @ endmembers)

    def contributions(self, pixels: Tensor, used: Sequence[Tensor]) -> Tensor:
        return super().contributions(pixels, used) * _norms(used[-1])

    def counted(self, contributions: Tensor, used: Tensor, endmembers: Tensor) -> State:
        """A layer's factors, S counted in ``used``, as contributions of unit-norm endmembers."""
        return State(contributions * _norms(used), used, unit(endmembers))


class MaskedNetwork(MultiplicativeNetwork):
    """Multiplicative updates with a mask per layer on that of the endmembers: what is learned acts on them alone.

        S <- S * (Y E^T) / (S E E^T)
        E <- mask * E * (S^T Y) / (S^T S E)

    Y (n_pixels, n_bands): pixels. S (n_pixels, n_endmembers): contributions. E and mask: (n_endmembers, n_bands). With
    masks of one the layer is ``unmixing.algorithms.nmf.nmf_step``.
    """

    @abstractmethod
    def masks(self, sample: Tensor) -> Tensor:
        """Positive factors, (n_layers, ..., n_endmembers, n_bands)."""

    def states(self, sample: Tensor) -> Iterator[State]:
        endmembers = self.reference.expand(*sample.shape[:-2], *self.reference.shape)
        contributions = self.start(sample)
        for layer, mask in enumerate(self.masks(sample).unbind(0)):
            used = endmembers
            contributions = self.contribution_step(layer, sample, contributions, used)
            endmembers = mask * self.endmember_step(layer, sample, contributions, used)
            yield self.counted(contributions, used, endmembers)


class NALMU(MaskedNetwork):
    """Non-adaptive learned multiplicative updates: the same masks for every image (Hadjeres, Kervazo, Tupin 2024).

    The layers of ``MaskedNetwork``; a mask is the exponential of what is learned, so that it is positive, and starts at
    one.

    >>> network = NALMU(np.array([[0.6, 0.8, 0.1], [0.1, 0.6, 0.8]]), np.ones(2), n_layers=3)
    >>> network.masks(torch.rand(5, 3)).shape, bool((network.masks(torch.rand(5, 3)) == 1).all())
    (torch.Size([3, 2, 3]), True)
    """

    def __init__(self, reference: Float64, norms: Float64, n_layers: int) -> None:
        super().__init__(reference, norms)
        self.log_masks = nn.Parameter(torch.zeros(n_layers, *reference.shape))

    @property
    def n_layers(self) -> int:
        return len(self.log_masks)

    def masks(self, sample: Tensor) -> Tensor:
        shape = self.log_masks.shape
        return self.log_masks.exp().reshape(shape[0], *(1,) * (sample.dim() - 2), *shape[1:])


class ALMU(MaskedNetwork):
    """Adaptive learned multiplicative updates: masks that follow the image (Hadjeres, Kervazo, Tupin 2024).

        log mask = log mask of NALMU + perceptron(log(E / reference) / GAIN_DEVIATION)

    E (n_endmembers, n_bands): the endmembers that ``nalmu`` found on this image. One small multilayer perceptron per
    layer; untrained it gives zero: then ALMU is NALMU. NALMU itself learns no more. n_hidden: hidden units of each.
    """

    def __init__(self, nalmu: NALMU, n_hidden: int, generator: torch.Generator) -> None:
        super().__init__(nalmu.reference.numpy().astype(np.float64), nalmu.norms.numpy().astype(np.float64))
        self.nalmu = nalmu.requires_grad_(False)
        size = self.reference.numel()
        self.perceptrons = nn.ModuleList(_perceptron(size, n_hidden, generator) for _ in range(nalmu.n_layers))

    @property
    def n_layers(self) -> int:
        return self.nalmu.n_layers

    def masks(self, sample: Tensor) -> Tensor:
        with torch.no_grad():
            _, found, _ = self.nalmu(sample)
        deviation = torch.log((found + TINY) / (self.reference + TINY)) / GAIN_DEVIATION
        flat = deviation.flatten(-2)
        logarithms = [perceptron(flat).reshape(deviation.shape) for perceptron in self.perceptrons]
        return self.nalmu.masks(sample) * torch.stack(logarithms).exp()


def _perceptron(size: int, n_hidden: int, generator: torch.Generator) -> nn.Sequential:
    """``size`` numbers in and out; what comes out is zero until it has learned."""
    first, last = nn.Linear(size, n_hidden), nn.Linear(n_hidden, size)
    nn.init.normal_(first.weight, std=size**-0.5, generator=generator)
    for zero in (first.bias, last.weight, last.bias):
        nn.init.zeros_(zero)
    return nn.Sequential(first, nn.Tanh(), last)


def multiplied(factor: Tensor, numerator: Tensor, denominator: Tensor) -> Tensor:
    """factor * numerator / denominator, where none is negative."""
    updated: Tensor = factor * numerator / denominator.clamp_min(TINY)
    return updated


def _norms(endmembers: Tensor) -> Tensor:
    """Norm of each endmember, the weight of one contribution, (..., 1, n_endmembers)."""
    norms: Tensor = torch.linalg.vector_norm(endmembers, dim=-1).unsqueeze(-2)
    return norms
