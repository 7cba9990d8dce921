"""Baselines of LPALM on mixture matrices: LISTA, LISTA-CP and DNMF for signed sources."""

import torch
from torch import Tensor, nn

from unmixing.mixtures.networks.library_start import spd_inverse
from unmixing.mixtures.networks.separators import START_SOURCE_RIDGE, START_THRESHOLD, Separator, unit_ball
from unmixing.mixtures.specs import SeparationNetworkSpec
from unmixing.types import Float64

MATRIX_RIDGE = 1e-4


def fitted_matrix(mixtures: Tensor, sources: Tensor) -> Tensor:
    """The mixing matrix that explains the mixtures with these sources best, the answer of
    methods that estimate sources alone."""
    gram = sources.transpose(-1, -2) @ sources
    identity = torch.eye(gram.shape[-1], device=gram.device)
    power = (gram * identity).sum(dim=(-1, -2), keepdim=True) + 1e-12
    return spd_inverse(gram / power + MATRIX_RIDGE * identity) @ (sources.transpose(-1, -2) @ mixtures / power)


class _SourcesAlone(Separator):
    """Sources by learned layers, which know no mixing matrix; that is fitted to the sources."""

    def matrix_step(self, layer: int, mixtures: Tensor, sources: Tensor, matrix: Tensor) -> Tensor:
        return self.feasible(fitted_matrix(mixtures, sources))

    def _inverse_of_mean(self, n_layers: int) -> Tensor:
        gram = self.mean @ self.mean.T
        return (spd_inverse(gram + START_SOURCE_RIDGE * torch.eye(len(gram))) @ self.mean).repeat(n_layers, 1, 1)

    def _thresholds(self, n_layers: int) -> nn.Parameter:
        return nn.Parameter(torch.full((n_layers, len(self.mean)), START_THRESHOLD))


class SeparationLISTA(_SourcesAlone):
    """S <- soft(S W1 + X W2, threshold) (Gregor and LeCun 2010), every layer with its own W1, W2; started as
    LISTA-CP is."""

    def __init__(self, library: Float64, spec: SeparationNetworkSpec, *, nonnegative: bool = False) -> None:
        super().__init__(library, spec.n_dimensions, spec.n_layers, nonnegative=nonnegative)
        inverse = self._inverse_of_mean(spec.n_layers)
        self.mixture_weights = nn.Parameter(inverse.transpose(-1, -2).clone())
        self.source_weights = nn.Parameter(torch.eye(len(self.mean)) - self.mean @ inverse.transpose(-1, -2))
        self.thresholds = self._thresholds(spec.n_layers)

    def source_step(self, layer: int, mixtures: Tensor, sources: Tensor | None, matrix: Tensor) -> Tensor:
        stepped = mixtures @ self.mixture_weights[layer]
        if sources is not None:
            stepped = stepped + sources @ self.source_weights[layer]
        return self.shrunk(stepped, self.thresholds[layer])


class SeparationLISTACP(_SourcesAlone):
    """S <- soft(S + (X - S A) W^T, threshold) (Chen et al. 2018) with A the library's mean."""

    def __init__(self, library: Float64, spec: SeparationNetworkSpec, *, nonnegative: bool = False) -> None:
        super().__init__(library, spec.n_dimensions, spec.n_layers, nonnegative=nonnegative)
        self.weights = nn.Parameter(self._inverse_of_mean(spec.n_layers))
        self.thresholds = self._thresholds(spec.n_layers)

    def source_step(self, layer: int, mixtures: Tensor, sources: Tensor | None, matrix: Tensor) -> Tensor:
        residual = mixtures if sources is None else mixtures - sources @ self.mean
        stepped = residual @ self.weights[layer].T
        return self.shrunk(stepped if sources is None else sources + stepped, self.thresholds[layer])


class SeparationDNMF(Separator):
    """Unrolled multiplicative updates of the mixing matrix (deep NMF, Nasser et al. 2022), for signed sources in the
    form of semi-NMF (Ding, Li and Jordan 2010):
        S <- S + (X - S A) W^T
        A <- A * (((S^T X)+ + (S^T S)- A) / ((S^T X)- + (S^T S)+ A))^exponent
    with learned W and exponents (1/2 in semi-NMF); + and - are positive and negative parts. Columns are non-negative.
    Trained on the reconstruction alone. It works on all channels: a sign has no meaning in a subspace.
    """

    def __init__(self, library: Float64, spec: SeparationNetworkSpec, *, nonnegative: bool = False) -> None:
        super().__init__(library, library.shape[-1], spec.n_layers, nonnegative=nonnegative)
        gram = self.mean @ self.mean.T
        inverse = spd_inverse(gram + START_SOURCE_RIDGE * torch.eye(len(gram))) @ self.mean
        self.weights = nn.Parameter(inverse.repeat(spec.n_layers, 1, 1))
        self.exponents = nn.Parameter(torch.full((spec.n_layers, len(self.mean)), 0.5))

    def source_step(self, layer: int, mixtures: Tensor, sources: Tensor | None, matrix: Tensor) -> Tensor:
        stepped = mixtures @ self.weights[layer].T
        if sources is not None:
            stepped = sources + stepped - sources @ matrix @ self.weights[layer].T
        return torch.relu(stepped) if self.nonnegative else stepped

    def matrix_step(self, layer: int, mixtures: Tensor, sources: Tensor, matrix: Tensor) -> Tensor:
        channels = torch.relu(matrix @ self.basis) + 1e-6
        correlation = sources.transpose(-1, -2) @ mixtures @ self.basis
        gram = sources.transpose(-1, -2) @ sources
        power = gram.abs().mean(dim=(-1, -2), keepdim=True) + 1e-12
        rising = (torch.relu(correlation) + torch.relu(-gram) @ channels) / power + 1e-6
        falling = (torch.relu(-correlation) + torch.relu(gram) @ channels) / power + 1e-6
        rows = channels * (self.exponents[layer][:, None] * (rising.log() - falling.log())).exp()
        return unit_ball(rows) @ self.basis.T
