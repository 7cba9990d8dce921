"""How many endmembers an image holds."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from unmixing.specs import MAX_ENDMEMBERS
from unmixing.types import Float64

FALSE_ALARM_PROBABILITY = 1e-5
PIXELS_PER_BAND = 5


def band_noise(pixels: NDArray[np.floating]) -> Float64:
    """Standard deviation of each band's noise by regression on all other bands, (n_bands,).

    A band is predicted linearly from the others; what is left is noise, because the signal of neighbouring bands
    is correlated and their noise is not (Roger and Arnold 1996). pixels: (n_pixels, n_bands).
    """
    X = np.asarray(pixels, dtype=np.float64)
    n_pixels, n_bands = X.shape
    gram = X.T @ X
    inverse = np.linalg.inv(gram + 1e-8 * np.trace(gram) / n_bands * np.eye(n_bands))
    # Regressing band i on the rest leaves X inverse[:, i] / inverse[i, i].
    noise = X @ (inverse / np.diagonal(inverse))
    # The regression spends one degree of freedom per band; few pixels would look noiseless.
    deviation: Float64 = np.sqrt((noise**2).sum(axis=0) / max(n_pixels - n_bands + 1, 1))
    return deviation


def nwhfc(pixels: NDArray[np.floating]) -> int:
    """Noise-whitened Harsanyi-Farrand-Chang virtual dimensionality (Chang and Du 2004).

    A source lifts an eigenvalue of the correlation matrix above the covariance matrix's; a Neyman-Pearson test
    per eigenvalue counts those that differ. Noise cannot be told from signal with few pixels to a band, so
    neighbouring bands are averaged until there are enough.
    pixels: (n_pixels, n_bands). Returns 2 to MAX_ENDMEMBERS, never more than there are pixels or bands.
    """
    X = _bin_bands(np.asarray(pixels, dtype=np.float64))
    n_pixels, n_bands = X.shape
    X = X / np.maximum(band_noise(X), 1e-12 * np.abs(X).max())
    correlation = np.linalg.eigvalsh(X.T @ X / n_pixels)
    covariance = np.linalg.eigvalsh(np.cov(X, rowvar=False, bias=True))
    deviation = np.sqrt(2 * (correlation**2 + covariance**2) / n_pixels)
    n_sources = int((correlation - covariance > norm.isf(FALSE_ALARM_PROBABILITY) * deviation).sum())
    return int(np.clip(n_sources, 2, min(MAX_ENDMEMBERS, n_bands, n_pixels)))


def _bin_bands(pixels: Float64) -> Float64:
    n_pixels, n_bands = pixels.shape
    n_bins = max(2, min(n_bands, n_pixels // PIXELS_PER_BAND))
    return np.stack([part.mean(axis=1) for part in np.array_split(pixels, n_bins, axis=1)], axis=1)
