"""Scenes of measured spectra under relief, every material's spectrum drifting smoothly over the image."""

import numpy as np

from unmixing.algorithms.metrics import pairwise_sad_radians
from unmixing.simulation.generated import GeneratedScene, abundance_maps, smooth_fields
from unmixing.types import Float64, SpectralLibrary

LEAST_ANGLE_RADIANS = 0.12
N_MODES = 2
DRIFT = 0.06
RELIEF = 0.2


def drifting_scene(
    rng: np.random.Generator, library: SpectralLibrary, n_endmembers: int, snr_db: float, largest: float | None
) -> GeneratedScene:
    """A scene of 60 x 60 pixels of spectra of a library, at least LEAST_ANGLE_RADIANS apart.

    y_i = light_i * sum_k a_ik s_k (1 + DRIFT * sum_m f_ikm c_km) + noise, with smooth fields f of unit variance and
    cosines c over the bands. largest: abundance, None with pure pixels. Raises ValueError when the library has not so
    many spectra so far apart.
    """
    side = 60
    chosen = _apart(rng, library.spectra, n_endmembers)
    abundances = abundance_maps(rng, side, side, n_endmembers, largest)
    bands = np.linspace(0, 1, library.spectra.shape[1])
    mixed, endmembers = np.zeros((side, side, len(bands))), np.zeros((n_endmembers, len(bands)))
    for index, spectrum in enumerate(library.spectra[chosen]):
        modes = np.cos(np.pi * np.arange(1, N_MODES + 1)[:, None] * bands + rng.uniform(0, 2 * np.pi, (N_MODES, 1)))
        drift = np.einsum("mrc,mb->rcb", smooth_fields(rng, N_MODES, side, side, 0.15), modes)
        present = abundances[:, :, index : index + 1] * spectrum * (1 + DRIFT * drift)
        mixed += present
        endmembers[index] = present.sum(axis=(0, 1)) / abundances[:, :, index].sum()
    clean = mixed * np.exp(RELIEF * smooth_fields(rng, 1, side, side, 0.1)[0])[:, :, None]
    cube = clean + np.sqrt((clean**2).mean() / 10 ** (snr_db / 10)) * rng.standard_normal(clean.shape)
    wavelengths = np.arange(len(bands), dtype=float) if library.wavelengths_nm is None else library.wavelengths_nm
    return GeneratedScene(
        cube.astype(np.float32), wavelengths, endmembers.astype(np.float32), abundances.astype(np.float32),
        tuple(library.names[index] for index in chosen),
    )  # fmt: skip


def _apart(rng: np.random.Generator, spectra: Float64, n_wanted: int) -> list[int]:
    """Random rows of ``spectra`` at least LEAST_ANGLE_RADIANS from each other, taken one by one."""
    whole = np.flatnonzero(np.isfinite(spectra).all(axis=1) & (spectra >= 0).all(axis=1) & (spectra > 0).any(axis=1))
    angles = pairwise_sad_radians(spectra[whole], spectra[whole])
    taken: list[int] = []
    for row in rng.permutation(len(whole)).tolist():
        if all(angles[row, other] >= LEAST_ANGLE_RADIANS for other in taken):
            taken.append(row)
        if len(taken) == n_wanted:
            return [int(whole[chosen]) for chosen in taken]
    raise ValueError(
        f"the library has {len(taken)} spectra {LEAST_ANGLE_RADIANS} rad apart, the scene needs {n_wanted}"
    )
