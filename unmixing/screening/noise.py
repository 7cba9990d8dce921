"""Bands in which an image holds noise alone, estimated from the image itself."""

import numpy as np

from unmixing.types import DroppedBand, Float32, Float64

SAMPLE_PIXELS = 4_096
"""Pixels that are looked at, at most."""

PIXELS_PER_BAND = 3
"""With fewer, the other bands explain any band by chance."""

MIN_BANDS = 30
"""With fewer, a band may be right and unlike all others."""

NOISE_SHARE, VAPOUR_NOISE_SHARE = 0.8, 0.5
"""Share of a band's variance that no other bands explain, from which it is noise; the latter where water vapour
leaves no light."""

CLEAN_SHARE = 0.3
"""The median band must be below this: in an image of noise no band is worse than others."""

WATER_VAPOUR_NM = ((1350.0, 1430.0), (1800.0, 1950.0))
"""Where water vapour takes nearly all light: spectra from the air hold noise there, those of a laboratory do not."""

EDGES = (1.0, 99.0)
"""Percentiles beyond which numbers are cut off, so that a few odd pixels make no band noise."""


def noise_shares(pixels: Float32) -> Float64:
    r"""How much of each band's variance is noise, (n_bands,); zeros where there are too few pixels or bands to tell.

    With ``R`` the correlation of the bands, the share of band ``i`` that a regression on all others leaves is
    $1 / (R^{-1})_{ii}$, corrected for the number of pixels. pixels: (n_pixels, n_bands).
    """
    chosen = pixels[:: -(-len(pixels) // SAMPLE_PIXELS)].astype(np.float64) if len(pixels) else pixels
    n_pixels, n_bands = chosen.shape
    if n_bands < MIN_BANDS or n_pixels < PIXELS_PER_BAND * n_bands:
        return np.zeros(n_bands)
    low, high = np.percentile(chosen, EDGES, axis=0)
    clipped: Float64 = np.clip(chosen, low, high)
    centred = clipped - clipped.mean(axis=0)
    spread = centred.std(axis=0)
    varies = spread > 0
    shares = np.zeros(n_bands)
    normal = centred[:, varies] / spread[varies]
    correlation = normal.T @ normal / n_pixels
    correlation[np.diag_indices_from(correlation)] += 1e-9  # bands may be equal
    shares[varies] = n_pixels / (n_pixels - n_bands) / np.diag(np.linalg.inv(correlation))
    return shares


def noise_bands(pixels: Float32, bands: np.ndarray, wavelengths_nm: Float64 | None) -> tuple[DroppedBand, ...]:
    """The bands of an image that hold noise alone. pixels: valid ones over the bands used so far, (n_pixels, n_used).

    bands: indices of those, (n_used,). wavelengths_nm: of all bands, or None.
    """
    shares = noise_shares(pixels)
    if np.median(shares) > CLEAN_SHARE:
        return ()
    found = []
    for index, share in zip(bands.tolist(), shares.tolist(), strict=True):
        wavelength = np.nan if wavelengths_nm is None else wavelengths_nm[index]
        vapour = any(low <= wavelength <= high for low, high in WATER_VAPOUR_NM)
        if share > (VAPOUR_NOISE_SHARE if vapour else NOISE_SHARE):
            where = "water vapour, " if vapour else ""
            found.append(DroppedBand(index, f"{where}noise: {min(share, 1.0):.0%} of it is in no other band"))
    return tuple(found)
