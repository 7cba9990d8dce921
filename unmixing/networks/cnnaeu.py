"""CNNAEU: a convolutional autoencoder whose decoder's weights are the endmembers (Palsson et al. 2021)."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from unmixing.specs import CnnaeuSpec
from unmixing.types import Float64

NEIGHBOURHOOD = 3
"""Side of the square of pixels that an abundance depends on."""

NEGATIVE_SLOPE = 0.02


class CNNAEU(nn.Module):
    """A convolutional autoencoder whose decoder's weights are the endmembers (Palsson et al. 2021).

        A = softmax(sharpness * encoder(Y)),    min of the mean angle between Y and decoder(A)

    Y (n, n_bands, rows, columns): images. A (n, n_endmembers, rows, columns): abundances.
    Encoder: 3x3 and 1x1 convolutions, each with LeakyReLU, batch normalisation and spatial dropout, then
    abundances = softmax(sharpness * features). Decoder: one linear convolution without a bias, whose weights are not
    negative; summed over their places they are the endmembers. What lies outside an image is its nearest pixel.

    endmembers: (n_endmembers, n_bands) of unit norm, at which the decoder starts, in the middle of its filters.
    """

    def __init__(self, endmembers: Float64, spec: CnnaeuSpec) -> None:
        super().__init__()
        n_endmembers, n_bands = endmembers.shape
        self.sharpness = spec.sharpness
        self.hidden = nn.Conv2d(
            n_bands, spec.n_filters, NEIGHBOURHOOD, padding="same", padding_mode="replicate", bias=False
        )
        self.after_hidden = _after_convolution(spec.n_filters, spec.dropout)
        self.features = nn.Conv2d(spec.n_filters, n_endmembers, 1, bias=False)
        self.after_features = _after_convolution(n_endmembers, spec.dropout)
        self.decoder = nn.Conv2d(
            n_endmembers, n_bands, spec.decoder, padding="same", padding_mode="replicate", bias=False
        )
        with torch.no_grad():
            self.decoder.weight.zero_()
            middle = spec.decoder // 2
            # Numbers near 1, since the angle knows no scale and RMSprop moves all weights by about its rate.
            self.decoder.weight[:, :, middle, middle] = torch.tensor(endmembers.T * n_bands**0.5, dtype=torch.float32)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Abundances (n, n_endmembers, rows, columns) and reconstruction (n, n_bands, rows, columns) of images."""
        abundances = self.encode(self.hidden(images))
        return abundances, self.decoder(abundances)

    def encode(self, hidden: Tensor) -> Tensor:
        """From the first convolution's output (n, n_filters, rows, columns) to abundances."""
        features = self.after_features(self.features(self.after_hidden(hidden)))
        return torch.softmax(self.sharpness * features, dim=1)

    def keep_non_negative(self) -> None:
        """Projects the decoder on its constraint; to be called after each step."""
        with torch.no_grad():
            self.decoder.weight.clamp_(min=0.0)

    def endmembers(self) -> Tensor:
        """Spectra (n_endmembers, n_bands), whose norms say how much of each shape an abundance of one brings."""
        spectra: Tensor = self.decoder.weight.sum(dim=(2, 3)).T
        return spectra


def _after_convolution(n_features: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.LeakyReLU(NEGATIVE_SLOPE), nn.BatchNorm2d(n_features), nn.Dropout2d(dropout))


def angle_loss(images: Tensor, rebuilt: Tensor, valid: Tensor) -> Tensor:
    """Mean spectral angle, in radians, over the valid pixels: (n, n_bands, rows, columns) twice, (n, rows, columns)."""
    cosines = functional.cosine_similarity(images, rebuilt, dim=1)
    angles = torch.arccos(cosines.clamp(-1 + 1e-6, 1 - 1e-6))
    return (angles * valid).sum() / valid.sum().clamp_min(1.0)


class NeighbourhoodGraph(nn.Module):
    """The exported graph: raw neighbourhoods over all bands of the sensor in, physical results out.

    A row holds the pixels around one pixel, as ``neighbourhoods.pixel_reader`` gives them. ``sample`` is
    there because every model has it; endmembers do not depend on it.
    used_bands: (n_used,) indices. scale: typical norm of a pixel, in the units of the pixels. norms: (n_endmembers,) in
    units of ``scale``, what abundances are counted in: the decoder knows no scale, since an angle has none.
    """

    used_bands: Tensor
    scale: Tensor
    norms: Tensor

    def __init__(self, network: CNNAEU, used_bands: np.ndarray, scale: float, norms: Float64) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("norms", torch.tensor(norms, dtype=torch.float32))
        self.register_buffer("used_bands", torch.tensor(used_bands, dtype=torch.int64))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))

    def forward(self, sample: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns endmembers (n_endmembers, n_used_bands) in the units of the pixels, abundances (n_pixels,
        n_endmembers) summing to one, and as brightness (n_pixels,) what fits each pixel best."""
        around = pixels.reshape(-1, NEIGHBOURHOOD**2, pixels.shape[1] // NEIGHBOURHOOD**2)
        around = torch.index_select(around, 2, self.used_bands) / self.scale
        kernel = self.network.hidden.weight.flatten(2).transpose(1, 2)
        hidden = around.flatten(1) @ kernel.flatten(1).T
        shares = self.network.encode(hidden[:, :, None, None]).flatten(1)
        spectra = self.network.endmembers()
        lengths = torch.linalg.vector_norm(spectra, dim=1)
        counted = shares * (lengths / self.norms) + 1e-9
        abundances = counted / counted.sum(dim=1, keepdim=True)
        endmembers = spectra * (self.norms / (lengths + 1e-9))[:, None]
        mixed = abundances @ endmembers
        middle = around[:, NEIGHBOURHOOD**2 // 2]
        brightness = torch.relu((middle * mixed).sum(dim=1) / ((mixed * mixed).sum(dim=1) + 1e-12))
        return endmembers * self.scale, abundances, brightness
