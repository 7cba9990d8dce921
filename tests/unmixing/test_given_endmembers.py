"""Endmembers that are given: resampled, refused where they do not fit, kept by comparisons and stored models."""

from typing import Any

import numpy as np
import pytest

from tests.laws.test_given_laws import CUBE, N_BANDS, SOIL, SPECTRA, WATER, answer, library
from unmixing import unmix
from unmixing.comparison import compare
from unmixing.cubes import cube_from_array
from unmixing.errors import LibraryFormatError, LibraryMismatchError, SpecError, UnmixingError
from unmixing.inference.apply import ArrayMaps, unmix_rows
from unmixing.inference.images import as_image
from unmixing.progress import silent
from unmixing.specs import InputSpec, UnmixSpec
from unmixing.types import Compute, SceneFacts, SpectralLibrary

WAVELENGTHS_NM = np.linspace(400, 1400, N_BANDS)


def scene(cube=CUBE):
    return cube_from_array(cube, SceneFacts(wavelengths_nm=WAVELENGTHS_NM))


def test_spectra_are_resampled_to_the_bands_of_the_image():
    finer = np.linspace(390, 1410, 400)
    given = SpectralLibrary(("soil",), finer[::-1], np.interp(finer, WAVELENGTHS_NM, SOIL)[None, ::-1])
    result = answer("vca_fcls", given, scene())
    np.testing.assert_allclose(result.endmembers[0], SOIL, rtol=1e-3)


def test_bands_that_are_not_used_need_no_spectrum():
    spectrum = WATER.copy()
    spectrum[:3] = np.nan
    spec = UnmixSpec(method="vca_fcls", n_endmembers=4)
    result = unmix(CUBE, spec, input=InputSpec(bad_bands="0-2"), endmembers=library(spectrum))
    assert np.array_equal(result.endmembers[0], spectrum.astype(np.float32), equal_nan=True)


def with_gap():
    spectrum = WATER.copy()
    spectrum[[2, 5, 6, 7]] = np.nan
    return library(spectrum)


REFUSED: dict[str, tuple[SpectralLibrary, dict[str, Any], type[UnmixingError], str]] = {
    "too few endmembers": (library(*SPECTRA), {"n_endmembers": 3}, SpecError, r"n_endmembers is 3.*gives 4 spectra"),
    "more than can be": (library(*[WATER] * 40, names=("w",) * 40), {}, SpecError, "40 spectra; at most 32"),
    "missing bands": (with_gap(), {}, LibraryMismatchError, r"'water' covers 36 of the image's 40.*bad_bands=2,5-7"),
    "other bands": (library(WATER[:30]), {}, LibraryMismatchError, "30 bands.*image has 40"),
    "negative": (library(WATER - 0.03), {}, LibraryMismatchError, "nowhere be negative"),
    "zero": (library(0 * WATER), {}, LibraryMismatchError, "'water' goes from 0 to 0"),
    "another scale": (library(10_000 * SOIL), {}, LibraryMismatchError, "times as bright.*scale"),
    "a darker scale": (library(SOIL / 10_000), {}, LibraryMismatchError, "times as bright.*scale"),
    "a method that cannot": (library(WATER), {"method": "dnmf"}, SpecError, "method dnmf cannot keep.*lpalm.*vca_fcls"),
    "an image without wavelengths": (
        SpectralLibrary(("water",), WAVELENGTHS_NM, WATER[None]), {}, LibraryMismatchError, "the image has none",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", REFUSED)
def test_what_does_not_fit_is_refused_with_both_numbers(row):
    given, fields, error, words = REFUSED[row]
    with pytest.raises(error, match=words):
        answer(**{"method": "vca_fcls", "endmembers": given, **fields})


def test_a_file_that_is_no_library_is_told_so(tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text("these are my notes")
    with pytest.raises(LibraryFormatError, match="notes.csv"):
        unmix(CUBE, UnmixSpec(method="vca_fcls", n_endmembers=4), endmembers=path)


def test_a_brightness_that_may_be_wrong_is_warned_of():
    doubtful = answer("vca_fcls", library(5 * SOIL))
    assert "given_brightness" in [found.code for found in doubtful.warnings]
    assert doubtful.metrics["given_brightness"][0] == pytest.approx(5, rel=0.3)
    assert answer("vca_fcls", library(WATER)).warnings == ()


def test_the_unit_of_the_numbers_does_not_matter():
    whole = (10_000 * CUBE).round().astype(np.int16)
    result = answer("palm", library(10_000 * WATER), whole)
    assert np.array_equal(result.endmembers[0], (10_000 * WATER).astype(np.float32))
    np.testing.assert_allclose(result.abundances, answer("palm", library(WATER)).abundances, atol=0.02)


def test_a_stored_model_keeps_them_on_another_scene_and_says_so():
    trained = answer("lpalm", library(WATER))
    assert trained.model.manifest.n_given == 1
    assert trained.model.manifest.endmember_names[:2] == ("water", "endmember 2")
    applied = unmix(CUBE[:, :10] * np.float32(1.3), model=trained.model)
    assert np.array_equal(applied.endmembers[0], WATER.astype(np.float32))
    assert (applied.n_given, applied.endmember_names) == (1, trained.endmember_names)
    with pytest.raises(SpecError, match="model, which has its own"):
        unmix(CUBE, model=trained.model, endmembers=library(WATER))


def test_a_comparison_keeps_them_first_and_tells_which_method_cannot():
    def finish(method, fitted, progress):
        image = as_image(CUBE)
        maps = ArrayMaps(image.shape, fitted.unmixer)
        used = fitted.info.used_bands
        sums = unmix_rows(image, fitted.unmixer, used, (0, image.shape[0]), maps.write, silent)
        return fitted.result(maps.maps, sums, {})

    spec = UnmixSpec(method="nmf,dnmf,vca_fcls", n_endmembers=4)
    found = compare(as_image(CUBE), spec, finish, Compute(), silent, library(WATER, SOIL))
    assert list(found.answers) == ["nmf", "vca_fcls"]
    assert "dnmf cannot keep" in found.failures["dnmf"]
    for result in found.answers.values():
        assert np.array_equal(result.endmembers[:2], np.stack([WATER, SOIL]).astype(np.float32))
