"""The exported form of an unrolled network: raw pixels in, physical results out."""

import numpy as np
import torch
from torch import Tensor, nn

from unmixing.networks.unrolled import Unrolled


class UnmixingGraph(nn.Module):
    """What is exported: raw pixels over all bands of the sensor in, physical results out.

    All preprocessing is inside: the choice of bands, the scale, the network's coordinates. ``sample`` is a sample of
    the image's pixels, from which the layers' endmembers are estimated; ``pixels`` are those to unmix, any number.
    used_bands: (n_used,) indices. scale: typical norm of a pixel, in the units of the pixels.
    """

    used_bands: Tensor
    scale: Tensor

    def __init__(self, network: Unrolled, used_bands: np.ndarray, scale: float) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("used_bands", torch.tensor(used_bands, dtype=torch.int64))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))

    def _coordinates(self, pixels: Tensor) -> Tensor:
        return self.network.coordinates(torch.index_select(pixels, 1, self.used_bands) / self.scale)

    def forward(self, sample: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns endmembers (n_endmembers, n_used_bands) in the units of the pixels, abundances (n_pixels,
        n_endmembers) summing to one and brightness (n_pixels,), near 1 for a typical pixel."""
        _, endmembers, used = self.network(self._coordinates(sample))
        contributions = self.network.contributions(self._coordinates(pixels), used)
        abundances, brightness = self.network.abundances(contributions)
        return self.network.lift(endmembers) * self.network.norms[:, None] * self.scale, abundances, brightness
