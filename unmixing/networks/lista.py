"""LISTA and LISTA-CP: sparse coding with given endmembers, unrolled into a network of few layers."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from unmixing.networks.unrolled import Unrolled, ridge_inverse, unit
from unmixing.types import Float64


class SubspaceNetwork(Unrolled):
    """An unrolled network on pixels in a subspace, whose first contributions come from learned weights.

    reference: (n_endmembers, n_bands) unit-norm endmembers. norms: (n_endmembers,) what abundances of them are
    counted in. basis: (n_dimensions, n_bands), orthonormal rows. row_weight: with more than 0 there is one more
    input: row_weight for a pixel, row_weight / norm for an endmember (``brightness.nnls_near_one``).
    """

    basis: Tensor
    weights: nn.Parameter
    thresholds: nn.Parameter
    """(n_layers, n_endmembers, n_inputs) and (n_layers, n_endmembers), of each kind's own beginning."""

    def __init__(self, reference: Float64, norms: Float64, basis: Float64, row_weight: float = 0.0) -> None:
        super().__init__(norms)
        self.row_weight = row_weight
        self.register_buffer("basis", torch.tensor(basis, dtype=torch.float32))
        self.register_buffer("reference", self.endmember_coordinates(torch.tensor(reference)).float())
        self.start_weights = nn.Parameter(ridge_inverse(self.reference))

    def coordinates(self, spectra: Tensor) -> Tensor:
        projected = self._projected(spectra)
        return self._with_row(projected, torch.full_like(projected[..., :1], self.row_weight))

    def endmember_coordinates(self, endmembers: Tensor) -> Tensor:
        projected = self._projected(endmembers)
        row = (self.row_weight / self.norms)[:, None].to(projected.dtype)
        return self._with_row(projected, row.expand(*projected.shape[:-1], 1))

    def _projected(self, spectra: Tensor) -> Tensor:
        return spectra @ self.basis.to(spectra.dtype).T

    def _with_row(self, projected: Tensor, row: Tensor) -> Tensor:
        return torch.cat([projected, row], dim=-1) if self.row_weight > 0 else projected

    def lift(self, endmembers: Tensor) -> Tensor:
        return unit(torch.relu(endmembers[..., : len(self.basis)] @ self.basis))

    def sensor_coordinates(self, pixels: Tensor, used_bands: Tensor, scale: Tensor) -> Tensor:
        return self._sensor_products(pixels, used_bands, scale, self.basis[:0])

    def _sensor_products(self, pixels: Tensor, used_bands: Tensor, scale: Tensor, spectra: Tensor) -> Tensor:
        """``sensor_coordinates``, and beside them the products with ``spectra``, (n_pixels, n_inputs + n_spectra)."""
        # Choice of bands, scale, basis, row and spectra as one affine map, so that the pixels are read once.
        row = self._with_row(self.basis[:0].T, torch.zeros_like(self.basis[:1].T)).T
        columns = torch.cat([self.basis, row, spectra]).T / scale
        projection = pixels.new_zeros(pixels.shape[-1], columns.shape[1]).index_copy(0, used_bands, columns)
        offset = torch.cat([pixels.new_zeros(len(self.basis)), pixels.new_full((len(row),), self.row_weight)])
        return torch.addmm(torch.cat([offset, pixels.new_zeros(len(spectra))]), pixels, projection)

    def start(self, pixels: Tensor) -> Tensor:
        return self.shrink(pixels @ self.start_weights.T)

    @property
    def n_layers(self) -> int:
        return len(self.weights)

    def mixing_of(self, layer: int, endmembers: Tensor) -> Tensor:
        """The matrix by which a layer multiplies the last contributions, (..., n_endmembers, n_endmembers)."""
        raise NotImplementedError

    def contribution_step(self, layer: int, pixels: Tensor, contributions: Tensor, endmembers: Tensor) -> Tensor:
        update = contributions @ self.mixing_of(layer, endmembers) + pixels @ self.weights[layer].T
        return self.shrink(update - self.thresholds[layer])

    def contributions(self, pixels: Tensor, used: Sequence[Tensor]) -> Tensor:
        weights, thresholds = self._stacked()
        updates = torch.addmm(-thresholds[:, None], weights, pixels.T.contiguous())
        return self._through_layers(torch.split(updates, len(self.start_weights)), used).T

    def sensor_contributions(
        self, pixels: Tensor, used_bands: Tensor, scale: Tensor, used: Sequence[Tensor], spectra: Tensor
    ) -> tuple[Tensor, Tensor]:
        products = self._sensor_products(pixels, used_bands, scale, spectra)
        weights, thresholds = self._stacked()
        # The products with the spectra go through the second product as they are: cheaper than taking them out before.
        n_endmembers = len(spectra)
        weights = functional.pad(weights, (0, n_endmembers, 0, n_endmembers))
        weights = weights + functional.pad(torch.eye(n_endmembers), (len(self.reference.T), 0, len(thresholds), 0))
        offsets = -functional.pad(thresholds, (0, n_endmembers))
        rows = torch.addmm(offsets[:, None], weights, products.T.contiguous())
        *updates, along = torch.split(rows, n_endmembers)
        return self._through_layers(updates, used), along

    def answers(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        endmembers = self.reference.expand(len(samples), *self.reference.shape)
        contributions = self.contributions(samples.flatten(0, 1), [self.reference] * self.n_layers)
        return contributions.reshape(*samples.shape[:2], -1), endmembers

    def _stacked(self) -> tuple[Tensor, Tensor]:
        """Weights that multiply the pixels, and thresholds to subtract then, for the start and all layers."""
        weights = torch.cat([self.start_weights, *self.weights.unbind(0)])
        return weights, torch.cat([torch.zeros_like(self.thresholds[0]), *self.thresholds.unbind(0)])

    def _through_layers(self, updates: Sequence[Tensor], used: Sequence[Tensor]) -> Tensor:
        """The layers of ``contribution_step`` on (n_endmembers, n_pixels): products with few rows and many columns run
        several times as fast as the other way round, and what the pixels add to all layers is one product."""
        first, *others = updates
        contributions = self.shrink(first)
        for layer, (update, endmembers) in enumerate(zip(others, used, strict=True)):
            contributions = self.shrink(self.mixing_of(layer, endmembers).T @ contributions + update)
        return contributions

    def shrink(self, contributions: Tensor) -> Tensor:
        """The proximal step after the threshold was subtracted: contributions are not negative."""
        return torch.relu(contributions)

    def gradient_weights(self) -> Tensor:
        """E / ||E E^T||, with which a layer is a step of ISTA, (n_endmembers, n_dimensions)."""
        weights: Tensor = self.reference / torch.linalg.matrix_norm(self.reference @ self.reference.T, 2)
        return weights


class LISTA(SubspaceNetwork):
    """Learned ISTA: sparse contributions by few layers of free weights, endmembers given (Gregor and LeCun 2010).

        S <- relu(S W1 + Y W2^T - threshold)

    Y (n_pixels, n_inputs): pixels. S (n_pixels, n_endmembers): contributions. Of every layer, learned: W1
    (n_endmembers, n_endmembers), W2 (n_endmembers, n_inputs) and threshold (n_endmembers,). They start at
    W1 = I - E E^T / ||E E^T||, W2 = E / ||E E^T|| and 0, E (n_endmembers, n_inputs) being the endmembers, with which
    the layer is ``unmixing.algorithms.ista.ista_step``.

    >>> import numpy as np
    >>> endmembers = np.array([[0.6, 0.8, 0.0], [0.0, 0.6, 0.8]])
    >>> network = LISTA(endmembers, np.ones(2), np.eye(3), n_layers=40)
    >>> contributions, _, _ = network(torch.tensor(endmembers[:1], dtype=torch.float32))
    >>> contributions.detach().numpy().round(2).tolist()
    [[1.0, 0.0]]
    """

    def __init__(
        self, reference: Float64, norms: Float64, basis: Float64, n_layers: int, row_weight: float = 0.0
    ) -> None:
        super().__init__(reference, norms, basis, row_weight)
        n_endmembers, gradient = len(reference), self.gradient_weights()
        mixing = torch.eye(n_endmembers) - self.reference @ gradient.T
        self.mixing = nn.Parameter(mixing.repeat(n_layers, 1, 1))
        self.weights = nn.Parameter(gradient.repeat(n_layers, 1, 1))
        self.thresholds = nn.Parameter(torch.zeros(n_layers, n_endmembers))

    def mixing_of(self, layer: int, endmembers: Tensor) -> Tensor:
        return self.mixing[layer]


class LISTACP(SubspaceNetwork):
    """LISTA with coupled weights: one matrix per layer in the place of two, endmembers given (Chen et al. 2018).

        S <- relu(S + (Y - S E) W^T - threshold)

    Y (n_pixels, n_inputs): pixels. S (n_pixels, n_endmembers): contributions. E (n_endmembers, n_inputs): endmembers.
    Of every layer, learned: W (n_endmembers, n_inputs) and threshold (n_endmembers,). They start at W = E / ||E E^T||
    and 0, with which the layer is ``unmixing.algorithms.ista.ista_step``.
    """

    def __init__(
        self, reference: Float64, norms: Float64, basis: Float64, n_layers: int, row_weight: float = 0.0
    ) -> None:
        super().__init__(reference, norms, basis, row_weight)
        self.weights = nn.Parameter(self.gradient_weights().repeat(n_layers, 1, 1))
        self.thresholds = nn.Parameter(torch.zeros(n_layers, len(reference)))

    def mixing_of(self, layer: int, endmembers: Tensor) -> Tensor:
        # S - (S E - Y) W^T, regrouped so that only arrays of n_endmembers columns are made per layer.
        weights = self.weights[layer].T
        return torch.eye(endmembers.shape[-2], device=weights.device) - endmembers @ weights
