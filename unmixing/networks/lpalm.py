"""LPALM: PALM unrolled into a network of few layers with learned weights (Fahes et al. 2022)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from unmixing.networks.lista import LISTACP
from unmixing.networks.lpalm_gradient import POWER_FLOOR, Fixed, LPALMLayers
from unmixing.types import Float64

INITIAL_ENDMEMBER_STEP = 0.1


class LPALM(LISTACP):
    """Unrolled PALM on pixels in a subspace: abundances and endmembers by few learned layers (Fahes et al. 2022).

        S <- relu(S + (Y - S E) W^T - threshold)                      the LISTA-CP update, S >= 0
        E <- project(E + step * S^T (Y - S E) / rowsum(S^T S))        E >= 0 in all bands, unit norm

    Y (n_pixels, n_inputs): pixels. S (n_pixels, n_endmembers): contributions, abundances times brightness. E
    (n_endmembers, n_inputs): endmembers, at first those of the image's own library. Of every layer, learned: W
    (n_endmembers, n_inputs), threshold and step (n_endmembers,). With W = E / ||E E^T||, threshold 0 and step 1 the
    layer is ``unmixing.algorithms.palm.palm_step``.

    reference: (n_endmembers, n_bands) unit-norm endmembers to start from. norms: (n_endmembers,) what abundances
    of them are counted in. basis: (n_dimensions, n_bands), orthonormal rows. n_layers: unrolled iterations.
    row_weight: see ``SubspaceNetwork``. n_given: of the first endmembers, which are given and take no steps.
    """

    def __init__(
        self,
        reference: Float64,
        norms: Float64,
        basis: Float64,
        n_layers: int,
        row_weight: float = 0.0,
        n_given: int = 0,
    ) -> None:
        super().__init__(reference, norms, basis, n_layers, row_weight)
        self.n_given = n_given
        self.steps = nn.Parameter(torch.full((n_layers, len(reference)), INITIAL_ENDMEMBER_STEP))

    def project(self, endmembers: Tensor) -> Tensor:
        """The nearest non-negative spectra of unit norm, seen from the subspace: (..., n_endmembers, n_dim)."""
        return self.endmember_coordinates(self.lift(endmembers))

    def endmember_step(self, layer: int, pixels: Tensor, contributions: Tensor, endmembers: Tensor) -> Tensor:
        transposed = contributions.transpose(-1, -2)
        gram = transposed @ contributions
        gradient = transposed @ pixels - gram @ endmembers
        step = self.steps[layer][:, None] / (gram.sum(dim=-1, keepdim=True) + POWER_FLOOR)
        moved = self.project(endmembers + step * gradient)
        if not self.n_given:
            return moved
        return torch.cat([endmembers[..., : self.n_given, :], moved[..., self.n_given :, :]], dim=-2)

    def answers(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        weights, thresholds = self._stacked()
        n_endmembers, n_dimensions = len(self.reference), len(self.basis)
        n_others = self.reference.shape[1] - n_dimensions
        others = functional.pad(self.reference[:, n_dimensions:], (n_dimensions, 0))
        rest = torch.cat([self.reference[: self.n_given], others[self.n_given :]])
        fixed = Fixed(functional.pad(self.basis, (0, 0, 0, n_others)), rest, self.n_given)
        learned = (weights.view(-1, *self.reference.shape), thresholds.view(-1, n_endmembers), self.steps)
        found: tuple[Tensor, Tensor] = LPALMLayers.apply(samples, self.reference, fixed, *learned)  # type: ignore[no-untyped-call]
        return found
