"""The exported form of an unrolled network: raw pixels in, physical results out."""

import numpy as np
import torch
from torch import Tensor, nn

from unmixing.networks.uncertainty import Uncertainty
from unmixing.networks.unrolled import Unrolled


class UnmixingGraph(nn.Module):
    """What is exported: raw pixels over all bands of the sensor in, physical results out.

    All preprocessing is inside: the choice of bands, the scale, the network's coordinates. ``sample`` is a sample of
    the image's pixels, from which the layers' endmembers are estimated; ``pixels`` are those to unmix, any number.
    used_bands: (n_used,) indices. scale: typical norm of a pixel, in the units of the pixels. uncertainty: of the
    network's abundances, where it was learned.
    """

    used_bands: Tensor
    scale: Tensor

    def __init__(
        self, network: Unrolled, used_bands: np.ndarray, scale: float, uncertainty: Uncertainty | None = None
    ) -> None:
        super().__init__()
        self.network, self.uncertainty = network, uncertainty
        self.register_buffer("used_bands", torch.tensor(used_bands, dtype=torch.int64))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))

    def _coordinates(self, pixels: Tensor) -> Tensor:
        return self.network.coordinates(torch.index_select(pixels, 1, self.used_bands) / self.scale)

    def forward(self, sample: Tensor, pixels: Tensor) -> tuple[Tensor, ...]:
        """Returns endmembers (n_endmembers, n_used_bands) in the units of the pixels, abundances (n_pixels,
        n_endmembers) summing to one, brightness (n_pixels,), near 1 for a typical pixel, and, where it was learned,
        the standard deviation of each abundance (n_pixels, n_endmembers)."""
        _, endmembers, used = self.network(self._coordinates(sample))
        contributions = self.network.contributions(self._coordinates(pixels), used)
        abundances, brightness = self.network.abundances(contributions)
        spectra = self.network.lift(endmembers) * self.network.norms[:, None] * self.scale
        if self.uncertainty is None:
            return spectra, abundances, brightness
        return spectra, abundances, brightness, self.uncertainty(abundances, brightness)
