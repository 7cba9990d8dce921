"""Names for endmembers: the best matches in a spectral library, by spectral angle."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import LibraryMismatchError
from unmixing.screening.noise import WATER_VAPOUR_NM
from unmixing.types import Bool, Float64, SpectralLibrary
from unmixing.warnings.fitting import MAX_ANGLE_RADIANS

N_MATCHES = 3

MIN_COVERED_SHARE = 0.5
"""A spectrum that says less than this about the used bands is not compared: few bands resemble everything."""

MAX_GAP_NM = 100.0
"""Between samples further apart, as across the water vapour bands, a library says nothing."""


MIN_MARGIN = 0.3
"""An endmember is named when the next spectrum of another name is further away by this share of its own angle. Of 75
spectra of a library of urban materials, each named by the others, two in three are then right that have a namesake,
below it one in five."""

FILE_ENDING = re.compile(r"(\.(txt|asd|sed|sig|dat|csv|spectrum))+$", re.IGNORECASE)
CODES = re.compile(
    r"^(splib\d+\w*|s0\d\w*|asd\w*|beck\w*|nic\d\w*|aref|rref|rtgc|tref|w1r\w*|av\d+|"
    r"[A-Za-z]{1,5}\d{2,}[\w.-]*|\d+)$",
    re.IGNORECASE,
)
"""Words of a name that say which instrument, collection or sample a spectrum is of, and nothing of the material."""


@dataclass(frozen=True)
class Match:
    """A material of the library and the smallest angle of its spectra to the endmember. full_name: that spectrum's."""

    name: str
    full_name: str
    angle_radians: float


def short_name(full_name: str) -> str:
    """The words about the material: without folders, endings of files, codes of instruments and trailing numbers.

    >>> [short_name(name) for name in ("concrete 2", "splib07a_Alunite_GDS84_BECKb_AREF", "lib/soils/red clay.txt")]
    ['concrete', 'Alunite', 'red clay']
    """
    base = FILE_ENDING.sub("", re.split(r"[/\\]", full_name)[-1])
    words = [word for word in re.split(r"[\s_]+", base) if word and not CODES.match(word)]
    return re.sub(r"(?<=[a-z)])\d+$", "", " ".join(words)) or full_name


def material_names(full_names: Sequence[str]) -> list[str]:
    """The short name of every spectrum of a library; the full ones where the short are all the same.

    >>> material_names(["spectrum 1", "spectrum 2"]), material_names(["water1", "grass 1", "grass 2"])
    (['spectrum 1', 'spectrum 2'], ['water', 'grass', 'grass'])
    """
    short = [short_name(name) for name in full_names]
    return short if len(set(short)) > 1 else list(full_names)


def margin(matches: Sequence[Match]) -> float:
    """How sure a name is, 0 to 1: by which share of its own angle the next material is further away than the best.

    >>> margin([Match("grass", "grass 1", 0.03), Match("tree", "tree 4", 0.04)])
    0.25
    """
    if len(matches) < 2:
        return 1.0
    return 1 - matches[0].angle_radians / max(matches[1].angle_radians, 1e-12)


def require_match(library: SpectralLibrary, wavelengths_nm: Float64 | None, used_bands: Bool) -> None:
    """Raise LibraryMismatchError unless a spectrum of the library covers enough of the image's used bands.

    wavelengths_nm: (bands,) of the image, or None. used_bands: (bands,).
    """
    _candidates(library, wavelengths_nm, _clear(used_bands, wavelengths_nm))


def match_library(
    endmembers: NDArray[np.floating], wavelengths_nm: Float64 | None, library: SpectralLibrary
) -> list[list[Match]]:
    """Per endmember its best matches of different materials, at most ``N_MATCHES``, the best first, by the angle over
    the bands that are used, known to the library, and not in the water vapour bands.

    endmembers: (n_endmembers, bands), NaN where a band was dropped. wavelengths_nm: (bands,), or None when the
    library has none either. Raises LibraryMismatchError.
    """
    used = _clear(np.isfinite(endmembers).all(axis=0), wavelengths_nm)
    names, spectra = _candidates(library, wavelengths_nm, used)
    angles = _angles_radians(endmembers[:, used].astype(np.float64), spectra)
    return [_best(names, row) for row in angles]


def library_names(matches: Sequence[Sequence[Match]], own_names: Sequence[str], n_given: int = 0) -> tuple[str, ...]:
    """A name per endmember: that of its best match where that is near enough, and nearer than look-alikes; else its
    own. n_given: of the first endmembers, which were given together with their names.

    >>> found = [[Match("grass", "grass 1", 0.02)], [Match("soil", "soil 1", 0.4)]]
    >>> library_names([*found, [Match("grass", "grass 1", 0.04), Match("tree", "tree 4", 0.05)]], ["a", "b", "c"])
    ('grass', 'b', 'c')
    """
    best = [
        found[0].name if found[0].angle_radians <= MAX_ANGLE_RADIANS and margin(found) >= MIN_MARGIN else own
        for found, own in zip(matches, own_names, strict=True)
    ]
    return unique_names([*own_names[:n_given], *best[n_given:]], n_given)


def _clear(used_bands: Bool, wavelengths_nm: Float64 | None) -> Bool:
    """The used bands that lie outside of the water vapour bands, (bands,)."""
    if wavelengths_nm is None:
        return used_bands
    opaque = np.any([(wavelengths_nm >= first) & (wavelengths_nm <= last) for first, last in WATER_VAPOUR_NM], axis=0)
    clear: Bool = used_bands & ~opaque
    return clear


def unique_names(names: Sequence[str], n_kept: int = 0) -> tuple[str, ...]:
    """Names that occur more than once get a number each. n_kept: of the first names, which stay.

    >>> unique_names(["concrete", "grass", "concrete"])
    ('concrete 1', 'grass', 'concrete 2')
    >>> unique_names(["concrete", "grass", "concrete"], n_kept=1)
    ('concrete', 'grass', 'concrete 1')
    """
    counts = Counter(names)
    taken = {name for name, count in counts.items() if count == 1} | set(names[:n_kept])
    result = [*names[:n_kept]]
    for name in names[n_kept:]:
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
    spectra = resampled(library, wavelengths_nm, used_bands.size)[:, used_bands]
    covered = np.isfinite(spectra).sum(axis=1)
    enough = covered >= max(2, MIN_COVERED_SHARE * used_bands.sum())
    if not enough.any():
        raise LibraryMismatchError(
            f"the library covers at most {covered.max(initial=0)} of the image's {used_bands.sum()} used bands, "
            f"{MIN_COVERED_SHARE:.0%} are needed{ranges_of(library, wavelengths_nm)}"
        )
    return [name for name, keep in zip(library.names, enough, strict=True) if keep], spectra[enough]


def ranges_of(library: SpectralLibrary, wavelengths_nm: Float64 | None) -> str:
    """The end of a sentence about a library that does not cover an image: which wavelengths both span."""
    if library.wavelengths_nm is None or wavelengths_nm is None:
        return ""
    ours, theirs = wavelengths_nm, library.wavelengths_nm
    return f": it spans {theirs.min():g} to {theirs.max():g} nm, the image {ours.min():g} to {ours.max():g} nm"


def resampled(library: SpectralLibrary, wavelengths_nm: Float64 | None, n_bands: int) -> Float64:
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


def _best(full_names: Sequence[str], angles: Float64) -> list[Match]:
    found: dict[str, Match] = {}
    names = material_names(full_names)
    for index in np.argsort(angles, kind="stable"):
        found.setdefault(names[index], Match(names[index], full_names[index], float(angles[index])))
        if len(found) == N_MATCHES:
            break
    return list(found.values())
