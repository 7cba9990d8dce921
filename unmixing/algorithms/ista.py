"""ISTA: sparse contributions by iterative soft thresholding, with the endmembers given (Daubechies et al. 2004)."""

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.bundles import extract_bundles
from unmixing.algorithms.factorization import Factors, Solution, counted, iterate
from unmixing.progress import Progress, part_of
from unmixing.specs import IstaSpec
from unmixing.types import Float64

Real = NDArray[np.floating]

LIBRARY_DONE = 0.8
"""Share of the progress at which the endmembers are known."""


def ista_step(
    pixels: Real, contributions: Real, endmembers: Real, threshold: float = 0.0, *, non_negative: bool = True
) -> Float64:
    """One iteration on 1/2 ||pixels - contributions endmembers||^2 + threshold ||contributions||_1.

    A gradient step of length 1 / ||E E^T||, then the soft threshold, which also clips at zero when contributions are
    ``non_negative``. pixels: (n_pixels, n_bands), contributions: (n_pixels, n_endmembers), endmembers:
    (n_endmembers, n_bands). Returns the new contributions.
    """
    # Y: pixels, S: contributions, E: endmembers
    Y, S, E = (np.asarray(array, dtype=np.float64) for array in (pixels, contributions, endmembers))
    lipschitz = np.linalg.norm(E @ E.T, ord=2)
    gradient = (S @ E - Y) @ E.T
    if non_negative:
        return np.maximum(S - (gradient + threshold) / lipschitz, 0.0)
    stepped = S - gradient / lipschitz
    shrunk: Float64 = np.sign(stepped) * np.maximum(np.abs(stepped) - threshold / lipschitz, 0.0)
    return shrunk


def ista(
    pixels: Real,
    n_endmembers: int,
    rng: np.random.Generator,
    progress: Progress,
    given: Float64 | None = None,
    spec: IstaSpec | None = None,
) -> Solution:
    """``ista_step`` repeated from zero until nothing changes, with the endmembers of the image's own library.

    Endmembers are the means of the bundles, the same that LISTA and LISTA-CP are given, and stay as they are.
    pixels: (n_pixels, n_bands), median norm near 1. given: (n_given, n_bands), the first endmembers, which stay.
    """
    spec = spec or IstaSpec()
    progress(0.0, "extracting endmember bundles")
    endmembers = extract_bundles(
        pixels,
        n_endmembers,
        rng,
        n_runs=spec.n_runs,
        given=given,
        progress=lambda share: progress(LIBRARY_DONE * share, "extracting endmember bundles"),
    ).reference
    # Only what pixels have in common with the endmembers counts, so few coordinates give the same iterations.
    basis = np.linalg.qr(endmembers.T)[0].T
    seen, seen_endmembers = pixels @ basis.T, endmembers @ basis.T
    found = iterate(
        lambda contributions, _: (ista_step(seen, contributions, seen_endmembers, spec.threshold), seen_endmembers),
        Factors(np.zeros((len(pixels), n_endmembers)), seen_endmembers),
        max_iterations=spec.max_iterations,
        tolerance=spec.tolerance,
        progress=counted(part_of(progress, LIBRARY_DONE, 1.0), "ISTA", spec.max_iterations),
    )
    return Factors(found.contributions, endmembers, found.iterations, found.converged).solution(spec.threshold)
