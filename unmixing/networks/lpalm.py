"""LPALM: PALM unrolled into a network of few layers with learned weights (Fahes et al. 2022)."""

import numpy as np
import torch
from torch import Tensor, nn

from unmixing.types import Float64

INITIAL_ENDMEMBER_STEP = 0.1
START_RIDGE = 1e-3


class LPALM(nn.Module):
    """Unrolled PALM on pixels in a subspace: each layer has its own weights, thresholds and endmember steps.

    With Y the pixels, S their contributions (abundances times brightness) and E the endmembers, a layer is
        S <- relu(S + (Y - S E) W^T - threshold)                      the LISTA-CP update, S >= 0
        E <- project(E + step * S^T (Y - S E) / rowsum(S^T S))        E >= 0 in all bands, unit norm
    and starts from the endmembers of the image's own library. With W = E / ||E E^T||, threshold 0 and step 1 the
    layer is ``unmixing.palm.palm_step``.

    reference: (n_endmembers, n_bands) unit-norm endmembers to start from. norms: (n_endmembers,) what abundances
    of them are counted in. basis: (n_dimensions, n_bands), orthonormal rows. n_layers: unrolled iterations.
    """

    basis: Tensor
    norms: Tensor
    reference: Tensor

    def __init__(self, reference: Float64, norms: Float64, basis: Float64, n_layers: int) -> None:
        super().__init__()
        self.register_buffer("norms", torch.tensor(norms, dtype=torch.float32))
        self.register_buffer("basis", torch.tensor(basis, dtype=torch.float32))
        self.register_buffer("reference", torch.tensor(reference @ basis.T, dtype=torch.float32))
        n_endmembers = len(reference)
        gram = self.reference @ self.reference.T
        ridge = START_RIDGE * torch.trace(gram) / n_endmembers * torch.eye(n_endmembers)
        gradient = self.reference / torch.linalg.matrix_norm(gram, 2)
        self.start_weights = nn.Parameter(torch.linalg.solve(gram + ridge, self.reference))
        self.weights = nn.Parameter(gradient.repeat(n_layers, 1, 1))
        self.thresholds = nn.Parameter(torch.zeros(n_layers, n_endmembers))
        self.steps = nn.Parameter(torch.full((n_layers, n_endmembers), INITIAL_ENDMEMBER_STEP))

    @property
    def n_layers(self) -> int:
        return len(self.weights)

    def project(self, endmembers: Tensor) -> Tensor:
        """The nearest non-negative spectra of unit norm, seen from the subspace: (..., n_endmembers, n_dim)."""
        spectra = self.lift(endmembers)
        return spectra @ self.basis.T

    def lift(self, endmembers: Tensor) -> Tensor:
        """Endmembers over all bands, non-negative with unit norm, (..., n_endmembers, n_bands)."""
        spectra = torch.relu(endmembers @ self.basis)
        unit: Tensor = spectra / (torch.linalg.vector_norm(spectra, dim=-1, keepdim=True) + 1e-9)
        return unit

    def start(self, pixels: Tensor) -> Tensor:
        """The first contributions, (..., n_pixels, n_endmembers)."""
        return torch.relu(pixels @ self.start_weights.T)

    def contribution_step(self, layer: int, pixels: Tensor, contributions: Tensor, endmembers: Tensor) -> Tensor:
        """The layer's update of S, pixel by pixel."""
        weights = self.weights[layer].T
        # S - (S E - Y) W^T, regrouped so that only arrays of n_endmembers columns are made per layer.
        mixing = torch.eye(endmembers.shape[-2], device=weights.device) - endmembers @ weights
        return torch.relu(contributions @ mixing + pixels @ weights - self.thresholds[layer])

    def endmember_step(self, layer: int, pixels: Tensor, contributions: Tensor, endmembers: Tensor) -> Tensor:
        """The layer's update of E from all the pixels at once."""
        transposed = contributions.transpose(-1, -2)
        gram = transposed @ contributions
        gradient = transposed @ pixels - gram @ endmembers
        step = self.steps[layer][:, None] / (gram.sum(dim=-1, keepdim=True) + 1e-6)
        return self.project(endmembers + step * gradient)

    def forward(self, sample: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Unmix pixels (..., n_pixels, n_dimensions).

        Returns the contributions (..., n_pixels, n_endmembers), the endmembers (..., n_endmembers, n_dimensions)
        and the endmembers each layer worked with.
        """
        endmembers = self.reference.expand(*sample.shape[:-2], *self.reference.shape)
        contributions = self.start(sample)
        used = []
        for layer in range(self.n_layers):
            used.append(endmembers)
            contributions = self.contribution_step(layer, sample, contributions, endmembers)
            endmembers = self.endmember_step(layer, sample, contributions, endmembers)
        return contributions, endmembers, used

    def abundances(self, contributions: Tensor) -> tuple[Tensor, Tensor]:
        """Abundances (..., n_pixels, n_endmembers) that sum to one, and brightness (..., n_pixels)."""
        return _normalise(contributions / self.norms)

    def contributions(self, pixels: Tensor, used: list[Tensor]) -> Tensor:
        """Contributions of any pixels, given the endmembers each layer worked with on a sample of the image."""
        contributions = self.start(pixels)
        for layer, endmembers in enumerate(used):
            contributions = self.contribution_step(layer, pixels, contributions, endmembers)
        return contributions


def _normalise(contributions: Tensor) -> tuple[Tensor, Tensor]:
    """Contributions as abundances that sum to one, and their sum: brightness. A dark pixel gets equal shares."""
    n_endmembers = contributions.shape[-1]
    guarded = contributions + 1e-9
    brightness = guarded.sum(dim=-1, keepdim=True)
    return guarded / brightness, (brightness - n_endmembers * 1e-9).squeeze(-1).clamp_min(0.0)


class UnmixingGraph(nn.Module):
    """What is exported: raw pixels over all bands of the sensor in, physical results out.

    All preprocessing is inside: the choice of bands, the scale, the subspace. ``sample`` is a sample of the
    image's pixels, from which the layers' endmembers are estimated; ``pixels`` are those to unmix, any number.
    used_bands: (n_used,) indices. scale: typical norm of a pixel, in the units of the pixels.
    """

    used_bands: Tensor
    scale: Tensor

    def __init__(self, network: LPALM, used_bands: np.ndarray, scale: float) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("used_bands", torch.tensor(used_bands, dtype=torch.int64))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))

    def _coordinates(self, pixels: Tensor) -> Tensor:
        return (torch.index_select(pixels, 1, self.used_bands) / self.scale) @ self.network.basis.T

    def forward(self, sample: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns endmembers (n_endmembers, n_used_bands) in the units of the pixels, abundances (n_pixels,
        n_endmembers) summing to one and brightness (n_pixels,), near 1 for a typical pixel."""
        _, endmembers, used = self.network(self._coordinates(sample))
        contributions = self.network.contributions(self._coordinates(pixels), used)
        abundances, brightness = self.network.abundances(contributions)
        return self.network.lift(endmembers) * self.network.norms[:, None] * self.scale, abundances, brightness
