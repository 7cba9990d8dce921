"""Scenes with known truth, for demo and benchmarks: physically based spectra mixed over smooth maps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from unmixing.simulation.spectra import MATERIALS, MODEL_NM, variants
from unmixing.types import Float32, Float64

BAND_STEP_NM = 10.0
VAPOUR_NM = ((1340.0, 1450.0), (1790.0, 1960.0))
"""Where the atmosphere lets nothing through; providers drop these bands, and so do we."""

N_VARIANTS = 6
"""Spectra of one material between which its pixels vary smoothly."""

PURE_SHARE = 0.01
LARGEST_MIXED = 0.85
"""With pure pixels this share of the image is pure in each material; without, no abundance exceeds this unless said."""


@dataclass(frozen=True, eq=False)
class GeneratedScene:
    """cube: (rows, columns, bands) float32 reflectance; endmembers: (n_endmembers, bands), each material's
    mean over the image, weighted with its abundance; abundances: (rows, columns, n_endmembers), summing to
    one."""

    cube: Float32
    wavelengths_nm: Float64
    endmembers: Float32
    abundances: Float32
    names: tuple[str, ...]


def generate_scene(
    rng: np.random.Generator,
    *,
    n_endmembers: int = 4,
    rows: int = 60,
    columns: int = 60,
    snr_db: float = 30.0,
    pure_pixels: bool = True,
    largest: float = LARGEST_MIXED,
    variability: float = 0.1,
    brightness: float = 0.1,
    materials: Sequence[str] | None = None,
    wavelengths_nm: Float64 | None = None,
) -> GeneratedScene:
    """A scene of ``n_endmembers`` materials, or of those named.

    largest: abundance, without pure pixels. variability: scatter of each material's parameters (see
    ``spectra.variants``). brightness: standard deviation of the logarithm of the illumination, which varies as over
    hills. snr_db: of the whole image, the noise is white. wavelengths_nm: of a sensor whose bands are as wide as they
    are apart, in order, between 400 and 2500; every 10 nm without one, sampled there. Scenes of one state of ``rng``
    differ only in their bands and their noise.
    Raises ImportError without the package ``prosail``, ValueError for more materials than there are.
    """
    names = tuple(materials) if materials is not None else _chosen(rng, n_endmembers)
    abundances = abundance_maps(rng, rows, columns, len(names), None if pure_pixels else largest)
    spectra, wavelengths = _spectra(rng, names, abundances.shape[:2], variability, wavelengths_nm)
    weighted = np.einsum("rcp,prcb->pb", abundances, spectra)
    endmembers = weighted / abundances.sum(axis=(0, 1))[:, None]
    illumination = np.exp(brightness * smooth_fields(rng, 1, rows, columns, 0.08)[0])
    clean = np.einsum("rcp,prcb->rcb", abundances, spectra) * illumination[:, :, None]
    noise_std = np.sqrt(np.mean(clean**2) / 10.0 ** (snr_db / 10.0))
    cube = clean + noise_std * rng.standard_normal(clean.shape)
    return GeneratedScene(
        cube.astype(np.float32),
        wavelengths,
        endmembers.astype(np.float32),
        abundances.astype(np.float32),
        names,
    )


def _chosen(rng: np.random.Generator, n_endmembers: int) -> tuple[str, ...]:
    if not 2 <= n_endmembers <= len(MATERIALS):
        raise ValueError(f"n_endmembers must lie between 2 and {len(MATERIALS)}; got {n_endmembers}")
    return tuple(str(name) for name in rng.choice(list(MATERIALS), size=n_endmembers, replace=False))


def smooth_fields(rng: np.random.Generator, n_fields: int, rows: int, columns: int, length: float) -> Float64:
    """Gaussian random fields of unit variance, (n_fields, rows, columns). length: of correlation, as a share
    of the larger side."""
    sigma = length * max(rows, columns)
    fields = np.stack(
        [gaussian_filter(rng.standard_normal((rows, columns)), sigma, mode="wrap") for _ in range(n_fields)]
    )
    fields -= fields.mean(axis=(1, 2), keepdims=True)
    spread: Float64 = fields.std(axis=(1, 2), keepdims=True)
    return np.asarray(fields / np.maximum(spread, 1e-12), dtype=np.float64)


def _softmax(fields: Float64) -> Float64:
    """Over the first axis."""
    exponentials = np.exp(fields - fields.max(axis=0))
    return np.asarray(exponentials / exponentials.sum(axis=0), dtype=np.float64)


def abundance_maps(
    rng: np.random.Generator, rows: int, columns: int, n_endmembers: int, largest: float | None
) -> Float64:
    """Smooth maps that sum to one, (rows, columns, n_endmembers): none above ``largest``, or, when that is None, with
    pure pixels of every material."""
    mixed = np.moveaxis(_softmax(2.5 * smooth_fields(rng, n_endmembers, rows, columns, 0.1)), 0, 2)
    if largest is not None:
        towards_even = (1.0 - largest) / (1.0 - 1.0 / n_endmembers)
        return np.asarray((1.0 - towards_even) * mixed + towards_even / n_endmembers, dtype=np.float64)
    flat = mixed.reshape(-1, n_endmembers)
    n_pure = max(1, round(PURE_SHARE * len(flat)))
    for index in range(n_endmembers):
        purest = np.argsort(flat[:, index])[-n_pure:]
        flat[purest] = np.eye(n_endmembers)[index]
    return flat.reshape(rows, columns, n_endmembers)


def _spectra(
    rng: np.random.Generator, names: Sequence[str], size: tuple[int, int], variability: float, sensor: Float64 | None
) -> tuple[Float64, Float64]:
    """Each pixel's spectrum of each material, (n_endmembers, rows, columns, bands), and the wavelengths."""
    wavelengths = np.arange(400.0, 2450.0 + BAND_STEP_NM, BAND_STEP_NM) if sensor is None else sensor
    outside = [(wavelengths < low) | (wavelengths > high) for low, high in VAPOUR_NM]
    wavelengths = wavelengths[np.logical_and.reduce(outside)]
    spectra = np.empty((len(names), *size, len(wavelengths)))
    width = None if sensor is None else float(np.median(np.diff(sensor)))
    for index, name in enumerate(names):
        fine = variants(rng, name, N_VARIANTS, variability)
        if width is None:
            on_bands = np.stack([np.interp(wavelengths, MODEL_NM, row) for row in fine])
        else:
            on_bands = fine @ _responses(wavelengths, width).T
        shares = _softmax(2.0 * smooth_fields(rng, N_VARIANTS, *size, 0.1))
        spectra[index] = np.einsum("vrc,vb->rcb", shares, on_bands)
    return spectra, wavelengths


def _responses(wavelengths: Float64, width: float) -> Float64:
    """Of Gaussian bands of this full width at half maximum, on the grid of the models, (n_bands, 2101)."""
    found = np.exp(-4 * np.log(2) * ((wavelengths[:, None] - MODEL_NM) / width) ** 2)
    return np.asarray(found / found.sum(axis=1, keepdims=True), dtype=np.float64)
