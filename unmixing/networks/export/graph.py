"""The exported form of an unrolled network: raw pixels in, physical results out."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from unmixing.networks.uncertainty import Uncertainty
from unmixing.networks.unrolled import Unrolled
from unmixing.types import Float64

SMALLEST_POWER = 1e-30


class UnmixingGraph(nn.Module):
    """The exported graph: raw pixels over all bands of the sensor in, physical results out.

    All preprocessing is inside: the choice of bands, the scale, the network's coordinates. ``sample`` is a sample of
    the image's pixels, from which the layers' endmembers are estimated; ``pixels`` are those to unmix, any number.
    used_bands: (n_used,) indices. scale: typical norm of a pixel, in the units of the pixels. uncertainty: of the
    network's abundances, where it was learned. given: (n_given, n_used), the first endmembers where they were given, in
    the units of the pixels: they come out as they are, whatever the coordinates round.
    """

    used_bands: Tensor
    scale: Tensor
    given: Tensor | None

    def __init__(
        self,
        network: Unrolled,
        used_bands: np.ndarray,
        scale: float,
        uncertainty: Uncertainty | None = None,
        given: Float64 | None = None,
    ) -> None:
        super().__init__()
        self.network, self.uncertainty = network, uncertainty
        self.register_buffer("used_bands", torch.tensor(used_bands, dtype=torch.int64))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))
        self.register_buffer("given", None if given is None else torch.tensor(given, dtype=torch.float32))

    def prepare(self, sample: Tensor) -> Tensor:
        """The prepared state of an image, from its sample, (n_layers + 1, n_endmembers, n_inputs): the endmembers
        that each layer works with, and those that are the answer."""
        _, endmembers, used = self.network(self._coordinates(sample))
        return torch.stack([*used, endmembers])

    def unmix(self, pixels: Tensor, layers: Tensor) -> tuple[Tensor, ...]:
        """Endmembers (n_endmembers, n_used_bands) in the units of the pixels, abundances (n_pixels, n_endmembers)
        summing to one, brightness (n_pixels,), the factor between a pixel and its mixture that fits best, and, where it
        was learned, the standard deviation of each abundance (n_pixels, n_endmembers)."""
        *used, found = layers.unbind(0)
        endmembers = self.network.lift(found) * self.network.norms[:, None]
        # On (n_endmembers, n_pixels): sums and products over few rows run several times as fast as over few columns.
        contributions, products = self.network.sensor_contributions(
            pixels, self.used_bands, self.scale, used, endmembers
        )
        abundances, total = self.network.abundances(contributions, axis=0)
        brightness = best_factor(abundances, products, endmembers @ endmembers.T)
        spectra = self._kept(endmembers * self.scale)
        if self.uncertainty is None:
            return spectra, abundances.T, brightness
        # It has learned from the sum of the contributions, which is not the factor that fits best.
        return spectra, abundances.T, brightness, self.uncertainty(abundances, total).T

    def _kept(self, spectra: Tensor) -> Tensor:
        return spectra if self.given is None else torch.cat([self.given, spectra[len(self.given) :]])

    def forward(self, sample: Tensor, pixels: Tensor) -> tuple[Tensor, ...]:
        """Endmembers, abundances, brightness and perhaps uncertainty, as ``unmix`` says them."""
        return self.unmix(pixels, self.prepare(sample))

    def _coordinates(self, pixels: Tensor) -> Tensor:
        return self.network.sensor_coordinates(pixels, self.used_bands, self.scale)


def best_factor(abundances: Tensor, products: Tensor, gram: Tensor) -> Tensor:
    """``unmixing.algorithms.abundances.best_brightness``, (n_pixels,).

    abundances: (n_endmembers, n_pixels). products: of pixels and endmembers, likewise. gram: of endmembers.
    """
    along = (abundances * products).sum(dim=0)
    power = (abundances * (gram @ abundances)).sum(dim=0)
    return torch.relu(along) / power.clamp_min(SMALLEST_POWER)


class Half(nn.Module):
    """One method of a module, as a module of its own: what is exported has to be one."""

    def __init__(self, whole: nn.Module, forward: Callable[..., Tensor | tuple[Tensor, ...]]) -> None:
        super().__init__()
        self.whole, self._forward = whole, forward

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        return self._forward(*inputs)
