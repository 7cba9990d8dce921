"""Names from a library: resampling, the angle, what stays unknown, what cannot be compared."""

from typing import Any

import numpy as np
import pytest

from unmixing.errors import LibraryMismatchError
from unmixing.naming import match_library, require_match, unique_names
from unmixing.pipeline import FittedMethod
from unmixing.types import Float64, ImageInfo, SpectralLibrary
from unmixing.warnings.fitting import MAX_ANGLE_RADIANS

IMAGE_NM = np.linspace(450, 850, 41)
LIBRARY_NM = np.linspace(400, 900, 26)


def materials(wavelengths_nm: Float64) -> Float64:
    """Rising, falling and one line in the middle: angles of 0.4 and more between them."""
    axis = (wavelengths_nm - 400) / 500
    return np.stack([0.1 + axis, 1.1 - axis, 0.1 + np.exp(-(((axis - 0.5) / 0.1) ** 2))])


def library(*names: str, wavelengths_nm: Float64 | None = LIBRARY_NM) -> SpectralLibrary:
    spectra = materials(LIBRARY_NM if wavelengths_nm is None else wavelengths_nm)
    return SpectralLibrary(names or ("rise", "fall", "line"), wavelengths_nm, spectra)


class Known:
    """An unmixer of which only the endmembers matter."""

    has_uncertainty, neighbourhood = False, 1

    def __init__(self, endmembers: Float64) -> None:
        self.endmembers = endmembers.astype(np.float32)


def fitted(endmembers: Float64) -> FittedMethod:
    names = tuple(f"endmember {index}" for index in range(1, len(endmembers) + 1))
    info = ImageInfo(
        shape=(2, 2, endmembers.shape[1]), used_bands=np.ones(endmembers.shape[1], dtype=bool), wavelengths_nm=IMAGE_NM
    )
    unmixer: Any = Known(endmembers)
    return FittedMethod(info, unmixer, names, {}, metrics={"seconds": {}})


def test_the_same_material_in_other_bands_and_brightness() -> None:
    endmembers = 3.0 * materials(IMAGE_NM)[[2, 0]]
    matches = match_library(endmembers, IMAGE_NM, library())
    assert [found[0].name for found in matches] == ["line", "rise"]
    for found in matches:
        angles = [match.angle_radians for match in found]
        assert len(found) == 3
        assert angles == sorted(angles)
        assert angles[0] < 0.03
        assert angles[1] > MAX_ANGLE_RADIANS


def test_order_of_wavelengths_does_not_matter_and_repeats_count_once() -> None:
    plain = library("a", "b", "b")
    shuffle = np.random.default_rng(0).permutation(LIBRARY_NM.size)
    shuffled = SpectralLibrary(plain.names, LIBRARY_NM[shuffle], plain.spectra[:, shuffle])
    endmembers = materials(IMAGE_NM)
    assert match_library(endmembers, IMAGE_NM, shuffled) == match_library(endmembers, IMAGE_NM, plain)
    assert [len(found) for found in match_library(endmembers, IMAGE_NM, plain)] == [2, 2, 2]


def test_bands_that_were_dropped_or_are_missing_are_left_out() -> None:
    endmembers, known = materials(IMAGE_NM), library()
    endmembers[:, 5:9] = np.nan
    spectra = known.spectra.copy()
    spectra[1, :8] = np.nan
    partial = SpectralLibrary(known.names, known.wavelengths_nm, spectra)
    assert [found[0].name for found in match_library(endmembers, IMAGE_NM, partial)] == ["rise", "fall", "line"]


def test_names_and_what_stays_unknown() -> None:
    rise, fall, line = materials(IMAGE_NM)
    method = fitted(np.stack([rise, rise + fall, 2 * rise, line]))
    named = method.named_by(library())
    assert named.endmember_names == ("rise 1", "endmember 2", "rise 2", "line")
    matches = named.metrics["library_matches"]
    assert [len(found) for found in matches] == [3, 3, 3, 3]
    assert matches[0][0]["name"] == "rise"
    assert matches[1][0]["angle_radians"] > MAX_ANGLE_RADIANS
    assert "seconds" in named.metrics
    assert "library_matches" not in method.metrics


def test_a_look_alike_of_another_material_keeps_an_endmember_unnamed_and_a_namesake_does_not() -> None:
    rise, fall, _ = materials(LIBRARY_NM)
    spectra = np.stack([rise, rise + 0.005 * fall, fall])
    alike = SpectralLibrary(("grass", "tree", "soil"), LIBRARY_NM, spectra)
    method = fitted(np.stack([materials(IMAGE_NM)[0] + 0.1, materials(IMAGE_NM)[1]]))
    unsure, sure = method.named_by(alike).metrics["library_margins"]
    assert unsure < 0.3 < sure
    assert method.named_by(alike).endmember_names == ("endmember 1", "soil")
    namesakes = SpectralLibrary(("lib/grass 1.txt", "lib/grass 2.txt", "soil"), LIBRARY_NM, spectra)
    named = method.named_by(namesakes)
    assert named.endmember_names == ("grass", "soil")
    assert named.metrics["library_matches"][0][0]["full_name"] in ("lib/grass 1.txt", "lib/grass 2.txt")


def test_water_vapour_bands_do_not_count_in_the_angle() -> None:
    wavelengths = np.linspace(1000, 2200, 61)
    axis = (wavelengths - 1000) / 1200
    spectra = np.stack([0.2 + axis, 1.2 - axis])
    endmembers = spectra.copy()
    opaque = ((wavelengths >= 1350) & (wavelengths <= 1430)) | ((wavelengths >= 1800) & (wavelengths <= 1950))
    endmembers[:, opaque] = 5.0
    for found in match_library(endmembers, wavelengths, SpectralLibrary(("a", "b"), wavelengths, spectra)):
        assert found[0].angle_radians < 1e-6


def test_numbers_avoid_names_that_exist() -> None:
    assert unique_names(["a", "a 1", "a"]) == ("a 2", "a 1", "a 3")


def test_no_wavelengths_on_either_side_go_by_number_of_bands() -> None:
    counted = library(wavelengths_nm=None)
    endmembers = materials(LIBRARY_NM)
    assert [found[0].name for found in match_library(endmembers, None, counted)] == ["rise", "fall", "line"]
    with pytest.raises(LibraryMismatchError, match="26 bands without wavelengths, the image has 41 bands"):
        match_library(materials(IMAGE_NM), None, counted)


def test_libraries_that_do_not_fit_the_image() -> None:
    used = np.ones(IMAGE_NM.size, dtype=bool)
    require_match(library(), IMAGE_NM, used)
    with pytest.raises(LibraryMismatchError, match="image has no wavelengths"):
        require_match(library(), None, used)
    with pytest.raises(LibraryMismatchError, match="at most 0 of the image's 41 .*400 to 900 nm.*2450 to 2850 nm"):
        require_match(library(), IMAGE_NM + 2000, used)
    with pytest.raises(LibraryMismatchError, match="at most 16 of the image's 41"):
        require_match(library(), IMAGE_NM + 300, used)


def test_nothing_is_made_up_across_a_gap() -> None:
    keep = (LIBRARY_NM < 500) | (LIBRARY_NM > 700)
    gapped = SpectralLibrary(("rise",), LIBRARY_NM[keep], materials(LIBRARY_NM[keep])[:1])
    with pytest.raises(LibraryMismatchError, match="at most 18 of the image's 41"):
        require_match(gapped, IMAGE_NM, np.ones(IMAGE_NM.size, dtype=bool))
