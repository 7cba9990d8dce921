"""Names for endmembers: the best matches in a spectral library, by spectral angle."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import LibraryMismatchError
from unmixing.types import Bool, Float64, SpectralLibrary
from unmixing.warnings.fitting import MAX_ANGLE_RADIANS

N_MATCHES = 3

MIN_COVERED_SHARE = 0.5
"""A spectrum that says less than this about the used bands is not compared: few bands resemble everything."""

MAX_GAP_NM = 100.0
"""Between samples further apart, as across the water vapour bands, a library says nothing."""


@dataclass(frozen=True)
class Match:
    """A name of the library and the smallest angle of its spectra to the endmember."""

    name: str
    angle_radians: float


def require_match(library: SpectralLibrary, wavelengths_nm: Float64 | None, used_bands: Bool) -> None:
    """Raise LibraryMismatchError unless a spectrum of the library covers enough of the image's used bands.

    wavelengths_nm: (bands,) of the image, or None. used_bands: (bands,).
    """
    _candidates(library, wavelengths_nm, used_bands)


def match_library(
    endmembers: NDArray[np.floating], wavelengths_nm: Float64 | None, library: SpectralLibrary
) -> list[list[Match]]:
    """Per endmember its best matches of different names, at most ``N_MATCHES``, the best first.

    endmembers: (n_endmembers, bands), NaN where a band was dropped. wavelengths_nm: (bands,), or None when the
    library has none either. Raises LibraryMismatchError.
    """
    used: Bool = np.isfinite(endmembers).all(axis=0)
    names, spectra = _candidates(library, wavelengths_nm, used)
    angles = _angles_radians(endmembers[:, used].astype(np.float64), spectra)
    return [_best(names, row) for row in angles]


def library_names(matches: Sequence[Sequence[Match]], own_names: Sequence[str]) -> tuple[str, ...]:
    """A name per endmember: that of its best match where that is near enough, else its own.

    >>> library_names([[Match("grass", 0.02)], [Match("soil", 0.4)]], ["endmember 1", "endmember 2"])
    ('grass', 'endmember 2')
    """
    best = [
        found[0].name if found[0].angle_radians <= MAX_ANGLE_RADIANS else own
        for found, own in zip(matches, own_names, strict=True)
    ]
    return unique_names(best)


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names that occur more than once get a number each.

    >>> unique_names(["concrete", "grass", "concrete"])
    ('concrete 1', 'grass', 'concrete 2')
    """
    counts = Counter(names)
    taken = {name for name, count in counts.items() if count == 1}
    result = []
    for name in names:
        unique, number = name, 0
        while counts[name] > 1 and (number == 0 or unique in taken):
            number += 1
            unique = f"{name} {number}"
        taken.add(unique)
        result.append(unique)
    return tuple(result)


def _candidates(
    library: SpectralLibrary, wavelengths_nm: Float64 | None, used_bands: Bool
) -> tuple[list[str], Float64]:
    """Names and spectra over the used bands, of those spectra that cover enough of them."""
    spectra = _resampled(library, wavelengths_nm, used_bands.size)[:, used_bands]
    covered = np.isfinite(spectra).sum(axis=1)
    enough = covered >= max(2, MIN_COVERED_SHARE * used_bands.sum())
    if not enough.any():
        raise LibraryMismatchError(
            f"the library covers at most {covered.max(initial=0)} of the image's {used_bands.sum()} used bands, "
            f"{MIN_COVERED_SHARE:.0%} are needed{_ranges(library, wavelengths_nm)}"
        )
    return [name for name, keep in zip(library.names, enough, strict=True) if keep], spectra[enough]


def _ranges(library: SpectralLibrary, wavelengths_nm: Float64 | None) -> str:
    if library.wavelengths_nm is None or wavelengths_nm is None:
        return ""
    ours, theirs = wavelengths_nm, library.wavelengths_nm
    return f": it spans {theirs.min():g} to {theirs.max():g} nm, the image {ours.min():g} to {ours.max():g} nm"


def _resampled(library: SpectralLibrary, wavelengths_nm: Float64 | None, n_bands: int) -> Float64:
    """The library at the image's bands, (n_spectra, n_bands), linearly; NaN where it says nothing."""
    if library.wavelengths_nm is None:
        if library.spectra.shape[1] != n_bands:
            raise LibraryMismatchError(
                f"the library has {library.spectra.shape[1]} bands without wavelengths, the image has {n_bands} bands"
            )
        return library.spectra
    if wavelengths_nm is None:
        raise LibraryMismatchError("the image has no wavelengths, so its endmembers cannot be found in the library")
    order = np.argsort(library.wavelengths_nm, kind="stable")
    known = library.wavelengths_nm[order]
    right = np.clip(np.searchsorted(known, wavelengths_nm), 1, known.size - 1)
    gaps = known[right] - known[right - 1]
    exact = np.isin(wavelengths_nm, known)
    inside = (wavelengths_nm >= known[0]) & (wavelengths_nm <= known[-1]) & (exact | (gaps <= MAX_GAP_NM))
    resampled = np.stack([np.interp(wavelengths_nm, known, row[order]) for row in library.spectra])
    resampled[:, ~inside] = np.nan
    return resampled


def _angles_radians(endmembers: Float64, spectra: Float64) -> Float64:
    """(n_endmembers, n_spectra), each over the bands where the spectrum is known."""
    known = np.isfinite(spectra)
    filled = np.where(known, spectra, 0.0)
    norms = np.sqrt(endmembers**2 @ known.T) * np.linalg.norm(filled, axis=1)
    angles: Float64 = np.arccos(np.clip(endmembers @ filled.T / np.maximum(norms, 1e-300), -1.0, 1.0))
    return angles


def _best(names: Sequence[str], angles: Float64) -> list[Match]:
    found: dict[str, Match] = {}
    for index in np.argsort(angles, kind="stable"):
        found.setdefault(names[index], Match(names[index], float(angles[index])))
        if len(found) == N_MATCHES:
            break
    return list(found.values())
