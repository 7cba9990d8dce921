"""Which array of a file with several is the scene, and why the others are not."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unmixing.errors import AmbiguousSceneError
from unmixing.io.formats.array_header import ArrayHeader
from unmixing.io.formats.axes import shape_axis
from unmixing.io.formats.matrices import ImageSize, fitting_sizes, is_matrix
from unmixing.io.formats.names import bare_name, names_truth
from unmixing.io.formats.variables import CUBE, listed, require_variable

MOST_COMPANION_BANDS = 16
"""RGB pictures, masks, abundances and multispectral companions have at most so many, and at most half as many as the
scene."""


@dataclass(frozen=True)
class Candidate:
    """An array that could be the scene. n_bands: by its shape alone, before its numbers are looked at. at_least: when
    the shape is of another order than it seems."""

    name: str
    header: ArrayHeader
    n_bands: int
    at_least: int


@dataclass(frozen=True)
class Choice:
    """The array chosen, and for the report those passed over: name, shape and why."""

    name: str
    passed_over: tuple[Mapping[str, Any], ...] = ()


def choose_scene_array(
    arrays: Mapping[str, ArrayHeader],
    sizes: Sequence[ImageSize],
    n_wavelengths: Collection[int],
    variable: str | None,
    file_name: str,
) -> Choice | None:
    """The array asked for; else one called ``cube``; else, of what is not named as truth, the one with the most bands
    if the others are companions; None when there is none.

    sizes: that a matrix may have. n_wavelengths: lengths of the lists of wavelengths in the file. Raises
    SceneFormatError when ``variable`` is not there, AmbiguousSceneError when several could be meant.
    """
    if variable is not None:
        return Choice(require_variable(arrays, variable, file_name))
    found = candidates(arrays, sizes, n_wavelengths)
    if CUBE in arrays:
        return Choice(CUBE, _passed(found, {}, CUBE))
    scenes = _not_truth(found)
    reasons = {candidate.name: "named as truth" for candidate in found if scenes and candidate not in scenes}
    scenes = scenes or found
    if not scenes:
        return None
    most = max(scenes, key=lambda candidate: candidate.n_bands)
    limit = min(MOST_COMPANION_BANDS, most.at_least // 2)
    reasons |= {candidate.name: "fewer bands" for candidate in scenes if candidate.n_bands <= limit}
    rivals = [candidate for candidate in scenes if candidate.n_bands > limit]
    cubes = [candidate for candidate in rivals if len(candidate.header.shape) == 3]
    if len(cubes) == 1 and all(_same_image(candidate, cubes[0]) for candidate in rivals):
        reasons |= {candidate.name: "the same image as a matrix" for candidate in rivals if candidate not in cubes}
        rivals = cubes
    if len(rivals) > 1:
        raise AmbiguousSceneError(
            f"{file_name} has several arrays that could be the cube: "
            f"{listed({candidate.name: candidate.header for candidate in rivals})}; say which with `variable`"
        )
    return Choice(rivals[0].name, _passed(found, reasons, rivals[0].name))


def _not_truth(found: Sequence[Candidate]) -> list[Candidate]:
    """Those not named as truth. One letter names a scene too: it means abundances where the others have more bands."""
    plain = [candidate for candidate in found if not names_truth(candidate.name)]
    most = max((candidate.n_bands for candidate in plain), default=0)
    letters = [other for other in found if len(bare_name(other.name)) == 1 and other.n_bands >= most > 0]
    return [candidate for candidate in found if candidate in plain or candidate in letters]


def candidates(
    arrays: Mapping[str, ArrayHeader], sizes: Sequence[ImageSize], n_wavelengths: Collection[int]
) -> list[Candidate]:
    """The cubes in a file, and the matrices that hold as many pixels as an image whose size is known."""
    found = []
    for name, header in arrays.items():
        if not header.is_real or min(header.shape, default=0) < 1:
            continue
        if len(header.shape) == 3:
            n_bands = _likely_bands(header.shape, n_wavelengths)
            at_least = n_bands if n_bands in n_wavelengths else min(n_bands, header.shape[2])
            found.append(Candidate(name, header, n_bands, at_least))
        elif is_matrix(header) and (fitting := fitting_sizes(header.shape, sizes)):
            n_bands = header.size // fitting[0].pixels
            found.append(Candidate(name, header, n_bands, n_bands))
    return found


def _likely_bands(shape: tuple[int, ...], n_wavelengths: Collection[int]) -> int:
    by_wavelengths = [length for length in shape if length in n_wavelengths]
    outstanding = shape_axis(shape)
    return by_wavelengths[-1] if by_wavelengths else shape[2 if outstanding is None else outstanding]


def _same_image(one: Candidate, other: Candidate) -> bool:
    return one.n_bands == other.n_bands and one.header.size == other.header.size


def _passed(found: Sequence[Candidate], reasons: Mapping[str, str], chosen: str) -> tuple[Mapping[str, Any], ...]:
    """The candidates that were not chosen, as the report lists them."""
    return tuple(
        {"name": other.name, "shape": list(other.header.shape), "why": reasons.get(other.name, f"{chosen} is there")}
        for other in found
        if other.name != chosen
    )
