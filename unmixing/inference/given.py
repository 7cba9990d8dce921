"""Endmembers that the user gives: their spectra at the bands of an image, checked against it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from unmixing.cubes import scaled_pixels
from unmixing.errors import LibraryMismatchError, SpecError
from unmixing.inference.training_images import TrainingImage
from unmixing.naming import ranges_of, resampled, unique_names
from unmixing.specs import MAX_ENDMEMBERS
from unmixing.types import Bool, Cube, Float64, GivenEndmembers, ImageInfo, SpectralLibrary

BRIGHTEST_SHARE = 0.999
"""Of the pixels that are no brighter than what counts as the brightest pixel."""

SMALLEST_BRIGHTNESS, LARGEST_BRIGHTNESS = 1e-3, 20.0
"""Of the brightest given endmember, over the brightest pixel: outside of these it is on another scale, as reflectance
of 0 to 1 is beside 0 to 10000. Some materials are a hundred times darker than others, and where a bright one only
covers a part of every pixel, it is several times as bright as they are."""


def require_givable(
    library: SpectralLibrary, wavelengths_nm: Float64 | None, n_bands: int, n_endmembers: int | None
) -> None:
    """All that can be asked of given endmembers before the image, of ``n_bands``, is read. n_endmembers: those asked
    for, the given ones counted too; None where they are estimated.

    Raises SpecError for too many of them, LibraryMismatchError for spectra that say nothing about the image's bands.
    """
    n_given = len(library.names)
    if n_given > MAX_ENDMEMBERS:
        raise SpecError(f"endmembers holds {n_given} spectra; at most {MAX_ENDMEMBERS} can be given")
    if n_endmembers is not None and n_endmembers < n_given:
        raise SpecError(
            f"n_endmembers is {n_endmembers}, but endmembers gives {n_given} spectra, which count too; ask for at "
            f"least {n_given}, or give fewer"
        )
    at_bands = _at_bands(library, wavelengths_nm, n_bands)
    if not np.isfinite(at_bands).any():
        raise LibraryMismatchError(
            f"the spectra of endmembers cover 0 of the image's {n_bands} bands{ranges_of(library, wavelengths_nm)}"
        )


def with_given(seen: TrainingImage, library: SpectralLibrary | None, n_endmembers: int | None) -> TrainingImage:
    """The image together with the endmembers that ``library`` gives, where there is one.

    Raises as ``require_givable``, and LibraryMismatchError for spectra that do not cover all used bands, are negative
    or zero, or clearly on another scale than the image.
    """
    if library is None:
        return seen
    require_givable(library, seen.info.wavelengths_nm, seen.info.shape[2], n_endmembers)
    return replace(seen, given=_given_endmembers(library, seen.info, seen.cube))


def refuse_given(given: bool) -> None:
    """Raises SpecError for endmembers given beside a stored model, which has its own."""
    if given:
        raise SpecError("endmembers are given, and so is a model, which has its own; leave one of the two out")


def _given_endmembers(library: SpectralLibrary, info: ImageInfo, cube: Cube) -> GivenEndmembers:
    """The spectra of ``library`` at the used bands of an image, resampled where they have other wavelengths."""
    spectra = _at_bands(library, info.wavelengths_nm, info.shape[2])
    for name, spectrum in zip(library.names, spectra, strict=True):
        missing = info.used_bands & ~np.isfinite(spectrum)
        if missing.any():
            n_used = int(info.used_bands.sum())
            raise LibraryMismatchError(
                f"the given endmember {name!r} covers {n_used - int(missing.sum())} of the image's {n_used} used "
                f"bands, and all are needed; leave the others out with bad_bands={_listed(missing)}, or give spectra "
                f"that cover them{ranges_of(library, info.wavelengths_nm)}"
            )
        used = spectrum[info.used_bands]
        if used.min() < 0 or used.max() == 0:
            raise LibraryMismatchError(
                f"the given endmember {name!r} goes from {used.min():g} to {used.max():g} over the used bands; it must "
                "nowhere be negative, and somewhere positive: leave such bands out with bad_bands, or give another "
                "spectrum"
            )
    at_used = spectra[:, info.used_bands]
    return GivenEndmembers(unique_names(library.names), at_used, _brightness(library.names, at_used, cube))


def _brightness(names: Sequence[str], spectra: Float64, cube: Cube) -> tuple[float, ...]:
    """The norm of each of the spectra over that of the image's brightest pixel."""
    pixels, scale = scaled_pixels(cube)
    brightest = float(np.quantile(np.linalg.norm(pixels, axis=1), BRIGHTEST_SHARE))
    found: Float64 = np.linalg.norm(spectra / scale, axis=1) / brightest
    if not SMALLEST_BRIGHTNESS <= found.max() <= LARGEST_BRIGHTNESS:
        raise LibraryMismatchError(
            f"the brightest given endmember, {names[int(found.argmax())]!r}, is {found.max():.3g} times as bright "
            f"as the brightest pixel: endmembers must be on the scale of the image, whose typical value is "
            f"{scale / np.sqrt(pixels.shape[1]):.3g}; multiply the spectra, or bring the image to theirs with scale"
        )
    return tuple(float(each) for each in found)


def _at_bands(library: SpectralLibrary, wavelengths_nm: Float64 | None, n_bands: int) -> Float64:
    """(n_given, n_bands), NaN where a spectrum says nothing."""
    if library.wavelengths_nm is not None and wavelengths_nm is None:
        raise LibraryMismatchError(
            "endmembers have wavelengths, the image has none, so that their bands cannot be compared; give those of "
            "the image with wavelengths"
        )
    return resampled(library, wavelengths_nm, n_bands)


def _listed(bands: Bool) -> str:
    """Indices of the bands as ``bad_bands`` takes them.

    >>> _listed(np.array([True, False, True, True, True]))
    '0,2-4'
    """
    indices = np.flatnonzero(bands)
    runs = np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1)
    return ",".join(f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
