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

    def look(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        """What an image's sample says once for all its pixels: endmembers (n_endmembers, n_used_bands) in the units of
        the pixels, and those that each layer works with, (n_layers, n_endmembers, n_inputs)."""
        _, endmembers, used = self.network(self._coordinates(sample))
        return self.network.lift(endmembers) * self.network.norms[:, None] * self.scale, torch.stack(used)

    def unmix(self, pixels: Tensor, layers: Tensor) -> tuple[Tensor, ...]:
        """Abundances (n_pixels, n_endmembers) summing to one, brightness (n_pixels,), near 1 for a typical pixel, and,
        where it was learned, the standard deviation of each abundance (n_pixels, n_endmembers)."""
        contributions = self.network.contributions(self._coordinates(pixels), layers.unbind(0))
        # On (n_endmembers, n_pixels): sums and products over few rows run several times as fast as over few columns.
        abundances, brightness = self.network.abundances(contributions.T, axis=0)
        if self.uncertainty is None:
            return abundances.T, brightness
        return abundances.T, brightness, self.uncertainty(abundances, brightness).T

    def forward(self, sample: Tensor, pixels: Tensor) -> tuple[Tensor, ...]:
        """Endmembers, abundances, brightness and perhaps uncertainty, as ``look`` and ``unmix`` say them."""
        endmembers, layers = self.look(sample)
        return endmembers, *self.unmix(pixels, layers)

    def _coordinates(self, pixels: Tensor) -> Tensor:
        return self.network.sensor_coordinates(pixels, self.used_bands, self.scale)


class UnmixingParts(nn.Module):
    """Both halves of an ``UnmixingGraph`` beside each other, as they are exported: what is asked for decides which of
    them runs, so that the sample is looked at once and any number of blocks follow."""

    def __init__(self, graph: UnmixingGraph) -> None:
        super().__init__()
        self.graph = graph

    def forward(self, sample: Tensor, pixels: Tensor, layers: Tensor) -> tuple[Tensor, ...]:
        """The outputs of ``UnmixingGraph``, abundances and so on from ``layers``, then the sample's own layers."""
        endmembers, found = self.graph.look(sample)
        return endmembers, *self.graph.unmix(pixels, layers), found
