"""LPALM for mixture matrices (Fahes et al. 2022): signed sparse sources, columns like those of a library."""

import numpy as np
import torch
from torch import Tensor, nn

from unmixing.mixtures.networks.library_start import library_start, spd_inverse
from unmixing.mixtures.specs import SeparationNetworkSpec
from unmixing.types import Float64

START_THRESHOLD = 5e-3
START_STEP = 0.5
START_SOURCE_RIDGE = 1e-3
START_MATRIX_RIDGE = 0.04
UNCERTAIN_VARIANCE = 1e-5
"""Variance along a principal component that is as small as the first layers' errors."""


class Separator(nn.Module):
    """A network for mixtures: coordinates in the library's subspace, a start, layers.

    library: (n_matrices, n_sources, n_channels), rows of unit norm. Mixtures in coordinates have mean power 1.
    nonnegative: sources and mixing matrix are kept from falling below 0.
    """

    basis: Tensor
    library: Tensor
    mean: Tensor

    def __init__(self, library: Float64, n_dimensions: int, n_layers: int, *, nonnegative: bool = False) -> None:
        super().__init__()
        self.n_layers, self.nonnegative = n_layers, nonnegative
        basis = shared_basis(library, n_dimensions)
        coordinates = library @ basis.T
        for name, array in (("basis", basis), ("library", coordinates), ("mean", coordinates.mean(axis=0))):
            self.register_buffer(name, torch.tensor(array, dtype=torch.float32))

    def start(self, mixtures: Tensor, library: Tensor) -> Tensor:
        """A first mixing matrix, given the library to look in: its mean."""
        return library.mean(dim=0).expand(*mixtures.shape[:-2], *library.shape[1:])

    def source_step(self, layer: int, mixtures: Tensor, sources: Tensor | None, matrix: Tensor) -> Tensor:
        """The layer's update of the sources, sample by sample; None stands for no sources yet."""
        raise NotImplementedError

    def matrix_step(self, layer: int, mixtures: Tensor, sources: Tensor, matrix: Tensor) -> Tensor:
        """The layer's update of the mixing matrix from all the samples at once."""
        raise NotImplementedError

    def shrunk(self, sources: Tensor, thresholds: Tensor) -> Tensor:
        """Soft thresholding: sources drawn towards 0 by ``thresholds``, and clipped there when nothing is negative."""
        if self.nonnegative:
            return torch.relu(sources - thresholds)
        return torch.sign(sources) * torch.relu(sources.abs() - thresholds)

    def feasible(self, matrix: Tensor) -> Tensor:
        """Rows of norm at most 1, without negative channels when nothing is negative."""
        if self.nonnegative:
            matrix = torch.relu(matrix @ self.basis) @ self.basis.T
        return unit_ball(matrix)

    def trajectory(self, mixtures: Tensor, start: Tensor, n_seen: int | None = None) -> list[tuple[Tensor, Tensor]]:
        """Sources and mixing matrix after every layer. Only the first ``n_seen`` samples move the mixing matrix, all of
        them when None."""
        matrix, sources, states = start, None, []
        for layer in range(self.n_layers):
            sources = self.source_step(layer, mixtures, sources, matrix)
            matrix = self.matrix_step(layer, mixtures[..., :n_seen, :], sources[..., :n_seen, :], matrix)
            states.append((sources, matrix))
        return states


def shared_basis(library: Float64, n_dimensions: int) -> Float64:
    """Leading right singular vectors of all columns of the library (n_matrices, n_sources, n_channels)."""
    columns = library.reshape(-1, library.shape[-1])
    basis: Float64 = np.linalg.svd(columns, full_matrices=False)[2][:n_dimensions]
    return basis


class SeparationLPALM(Separator):
    """Unrolled PALM on mixtures in the library's subspace: every layer has its own weights, thresholds and steps.

    With X the mixtures, S the sources and A the mixing matrix, a layer is
        S <- soft(S + (X - S A) W^T, threshold),    W = gain ((A A^T + ridge I)^-1 A + correction)
        A <- project(A + step (S^T S + ridge I)^-1 S^T (X - S A))
    where ``project`` shrinks every row, by learned factors, along the principal components of its source's columns in
    the library, then puts it into the unit ball. It starts at ``library_start``. With ridges r -> infinity, gains r /
    ||A A^T||, steps r / ||S^T S||, corrections 0 and all components kept it is ``signed_palm_step``. Non-negative
    sources and columns are clipped at 0.

    """

    components: Tensor

    def __init__(self, library: Float64, spec: SeparationNetworkSpec, *, nonnegative: bool = False) -> None:
        super().__init__(library, spec.n_dimensions, spec.n_layers, nonnegative=nonnegative)
        coordinates = self.library.numpy().astype(np.float64)
        n_layers, (_, n_sources, n_dimensions) = spec.n_layers, coordinates.shape
        centred = coordinates - coordinates.mean(axis=0)
        axes, variances = _principal_components(centred, min(spec.n_components, n_dimensions))
        self.register_buffer("components", torch.tensor(axes, dtype=torch.float32))
        kept = np.clip(variances / (variances + UNCERTAIN_VARIANCE), 0.02, 0.998)
        logits = torch.tensor(np.log(kept / (1 - kept)), dtype=torch.float32)

        def per_source(value: float) -> nn.Parameter:
            return nn.Parameter(torch.full((n_layers, n_sources), value))

        self.corrections = nn.Parameter(torch.zeros(n_layers, n_sources, n_dimensions))
        self.gains = per_source(1.0)
        self.log_thresholds = per_source(float(np.log(START_THRESHOLD)))
        self.log_source_ridges = per_source(float(np.log(START_SOURCE_RIDGE)))
        self.steps = per_source(START_STEP)
        self.log_matrix_ridges = nn.Parameter(torch.full((n_layers,), float(np.log(START_MATRIX_RIDGE))))
        self.shrinkage_logits = nn.Parameter(logits.repeat(n_layers, 1, 1))

    def source_step(self, layer: int, mixtures: Tensor, sources: Tensor | None, matrix: Tensor) -> Tensor:
        identity = torch.eye(matrix.shape[-2], device=matrix.device)
        ridge = identity * self.log_source_ridges[layer].exp()
        inverse = spd_inverse(matrix @ matrix.transpose(-1, -2) + ridge)
        weights = (inverse @ matrix + self.corrections[layer]).transpose(-1, -2) * self.gains[layer]
        stepped = mixtures @ weights
        if sources is not None:
            # S + (X - S A) W^T, regrouped so that only arrays of n_sources columns are made per layer.
            stepped = stepped + sources @ (identity - matrix @ weights)
        return self.shrunk(stepped, self.log_thresholds[layer].exp())

    def matrix_step(self, layer: int, mixtures: Tensor, sources: Tensor, matrix: Tensor) -> Tensor:
        gram = sources.transpose(-1, -2) @ sources
        gradient = sources.transpose(-1, -2) @ mixtures - gram @ matrix
        identity = torch.eye(gram.shape[-1], device=gram.device)
        # Relative to the mean power of a source, so that the number of samples does not matter.
        power = (gram * identity).sum(dim=(-1, -2), keepdim=True) / gram.shape[-1] + 1e-12
        direction = spd_inverse(gram / power + self.log_matrix_ridges[layer].exp() * identity) @ (gradient / power)
        return self.project(layer, matrix + self.steps[layer][:, None] * direction)

    def project(self, layer: int, matrix: Tensor) -> Tensor:
        """Rows drawn towards the library's columns of their source, of norm at most 1."""
        coordinates = ((matrix - self.mean)[..., None, :] * self.components).sum(dim=-1)
        shrunk = coordinates * torch.sigmoid(self.shrinkage_logits[layer])
        return self.feasible(self.mean + (shrunk[..., None] * self.components).sum(dim=-2))

    def start(self, mixtures: Tensor, library: Tensor) -> Tensor:
        return library_start(mixtures, library)


def unit_ball(rows: Tensor) -> Tensor:
    """The nearest rows of norm at most 1."""
    nearest: Tensor = rows / torch.linalg.vector_norm(rows, dim=-1, keepdim=True).clamp_min(1.0)
    return nearest


def _principal_components(centred: Float64, n_kept: int) -> tuple[Float64, Float64]:
    """Per source the leading directions (n_sources, n_kept, n_dimensions) of ``centred`` (n_matrices, n_sources,
    n_dimensions), and the variance along each, (n_sources, n_kept)."""
    moments = np.einsum("msd,mse->sde", centred, centred) / len(centred)
    variances, vectors = np.linalg.eigh(moments)
    leading = vectors[:, :, ::-1][:, :, :n_kept].transpose(0, 2, 1).copy()
    return leading, np.maximum(variances[:, ::-1][:, :n_kept], 0.0)


class SeparationGraph(nn.Module):
    """The exported graph: raw mixtures over all channels in, sources and unit-norm columns out.

    All preprocessing is inside: the scale (mean power of a sample of ``sample`` is 1) and the subspace. The mixing
    matrices are estimated on ``sample``; ``mixtures`` are the samples to separate, any number.
    """

    def __init__(self, network: Separator) -> None:
        super().__init__()
        self.network = network

    def forward(self, sample: Tensor, mixtures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the mixing matrix (n_sources, n_channels) with rows of norm 1, the sources (n_samples, n_sources) in
        the units of the mixtures, and ones (n_samples,) in the place of an image's brightness."""
        scale = root_mean_power(sample)
        to_coordinates = self.network.basis.T / scale
        seen = sample @ to_coordinates
        start = self.network.start(seen, self.network.library)
        everything = torch.cat([seen, mixtures @ to_coordinates])
        sources, coordinates = self.network.trajectory(everything, start, n_seen=seen.shape[0])[-1]
        matrix = coordinates @ self.network.basis
        norms = torch.linalg.vector_norm(matrix, dim=-1)
        unit = matrix / norms[:, None].clamp_min(1e-12)
        return unit, sources[seen.shape[0] :] * (norms * scale), torch.ones_like(mixtures[:, 0])


def root_mean_power(mixtures: Tensor) -> Tensor:
    """Root of the mean squared norm of the samples of mixtures (..., n_samples, n_channels), (..., 1, 1)."""
    return mixtures.square().sum(dim=-1, keepdim=True).mean(dim=-2, keepdim=True).sqrt().clamp_min(1e-30)
