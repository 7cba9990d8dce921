"""Laws of every row of METHODS in both conventions: brightness is the factor that fits best, area and shape are one
fit, and no spectrum outshines the pixels that show it."""

import numpy as np
import pytest

from unmixing import unmix
from unmixing.algorithms.abundances import best_brightness
from unmixing.algorithms.metrics import match_endmembers
from unmixing.methods import METHODS
from unmixing.specs import UnmixSpec

ROWS, COLUMNS, BANDS, N_ENDMEMBERS = 16, 16, 40, 4


def scene(norms, deviation):
    """Four smooth materials of these norms under light of this logarithmic deviation, noisy, with one band dropped."""
    rng = np.random.default_rng(2)
    axis = np.linspace(0, 1, BANDS)
    spectra = np.stack([0.1 + np.exp(-(((axis - peak) / 0.2) ** 2)) for peak in (0.1, 0.4, 0.6, 0.9)])
    spectra *= np.array(norms)[:, None] / np.linalg.norm(spectra, axis=1, keepdims=True)
    abundances = rng.dirichlet(np.full(N_ENDMEMBERS, 0.4), size=ROWS * COLUMNS)
    abundances[:8] = np.repeat(np.eye(N_ENDMEMBERS), 2, axis=0)
    light = np.exp(deviation * rng.standard_normal((ROWS * COLUMNS, 1)))
    noise = 0.01 * np.median(norms) * rng.standard_normal((ROWS * COLUMNS, BANDS))
    cube = (light * (abundances @ spectra) + noise).reshape(ROWS, COLUMNS, BANDS).astype(np.float32)
    cube[:, :, 7] = np.nan
    return cube


SCENES = {
    "strong relief": ((1.0, 1.0, 1.0, 1.0), 0.8),
    "bright and dark materials": ((2.0, 1.0, 0.3, 0.1), 0.02),
}


@pytest.fixture(scope="module", params=[(method, name) for method in sorted(METHODS) for name in sorted(SCENES)])
def answers(request):
    """A scene and its answers of area and of shape; of methods that train, by one model."""
    method, name = request.param
    cube = scene(*SCENES[name])
    spec = UnmixSpec(n_endmembers=N_ENDMEMBERS, method=method, seed=1, max_training_seconds=0.3)
    area = unmix(cube, spec)
    return cube, area, unmix(cube, spec.model_copy(update={"abundances_of": "shape"}), model=area.model)


def mixtures(result):
    """abundances @ endmembers over the used bands, (n_pixels, n_used)."""
    used = np.isfinite(result.endmembers).all(axis=0)
    return result.abundances.reshape(-1, N_ENDMEMBERS) @ result.endmembers[:, used].astype(np.float64)


def test_no_other_brightness_fits_better(answers):
    cube, *results = answers
    for result in results:
        pixels = cube.reshape(-1, BANDS)[:, np.isfinite(result.endmembers).all(axis=0)].astype(np.float64)
        mixed = mixtures(result)
        best = np.maximum((pixels * mixed).sum(axis=1), 0) / (mixed**2).sum(axis=1)
        left, least = (
            ((pixels - factor[:, None] * mixed) ** 2).sum(axis=1) for factor in (result.brightness.ravel(), best)
        )
        # A pixel that is an endmember is rebuilt up to the rounding of float32.
        rounding = 1e-12 * (pixels**2).sum(axis=1)
        assert (left <= 1.01 * least + rounding).all(), (result.abundances_of, (left / least).max())


def test_area_and_shape_are_one_fit_that_norms_convert(answers):
    _, area, shape = answers
    assert (area.abundances_of, shape.abundances_of) == ("area", "shape")
    np.testing.assert_array_equal(shape.endmember_norms, area.endmember_norms)
    used = np.isfinite(area.endmembers).all(axis=0)
    np.testing.assert_allclose(np.linalg.norm(area.endmembers[:, used], axis=1), area.endmember_norms, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(shape.endmembers[:, used], axis=1), 1.0, rtol=1e-5)
    converted = area.abundances * area.endmember_norms
    np.testing.assert_allclose(shape.abundances, converted / converted.sum(axis=2, keepdims=True), atol=1e-5)
    for result in (area, shape):
        np.testing.assert_allclose(result.abundances.sum(axis=2), 1.0, atol=1e-5)
        np.testing.assert_allclose(result.spectra[:, used], area.endmembers[:, used], rtol=1e-5)
    rebuilt = (result.brightness.reshape(-1, 1) * mixtures(result) for result in (area, shape))
    np.testing.assert_allclose(*rebuilt, rtol=1e-3, atol=1e-4)
    assert shape.metrics["reconstruction_rmse"] == pytest.approx(area.metrics["reconstruction_rmse"], rel=1e-4)


@pytest.mark.parametrize("method", sorted(name for name, row in METHODS.items() if row.trains))
def test_a_training_that_was_asked_for_shape_gives_the_same_model_and_answer(method):
    cube = scene(*SCENES["bright and dark materials"])
    spec = UnmixSpec(n_endmembers=N_ENDMEMBERS, method=method, seed=1, max_training_seconds=1e-6)
    shape = spec.model_copy(update={"abundances_of": "shape"})
    area, fresh = unmix(cube, spec), unmix(cube, shape)
    assert fresh.model.onnx == area.model.onnx
    assert fresh.model.manifest.abundances_of == "area"
    np.testing.assert_allclose(fresh.model.manifest.endmember_norms, area.endmember_norms, rtol=1e-5)  # type: ignore[arg-type]
    applied = unmix(cube, shape, model=area.model)
    assert applied.provenance["spec"]["abundances_of"] == fresh.provenance["spec"]["abundances_of"] == "shape"
    for name in ("abundances", "endmembers", "brightness", "uncertainty"):
        np.testing.assert_array_equal(getattr(applied, name), getattr(fresh, name))


@pytest.mark.parametrize("method", sorted(METHODS))
def test_no_spectrum_is_brighter_than_its_own_pure_pixels(method):
    _, _, cube = lake_between_hills()
    result = unmix(cube, UnmixSpec(n_endmembers=3, method=method, seed=1, max_training_seconds=1e-6))
    norms, brightness = np.linalg.norm(result.endmembers, axis=1), np.linalg.norm(cube, axis=2)
    for norm, abundances in zip(norms, np.moveaxis(result.abundances, 2, 0), strict=True):
        pure = brightness[abundances >= 0.9]
        # Without any, nothing but the brightest pixel bounds it: one that may hold no more than half of the material.
        assert norm <= (1.05 * pure.max() if len(pure) else 2.1 * brightness.max())


def test_the_default_has_every_material_as_bright_as_it_is():
    spectra, pixels, cube = lake_between_hills()
    result = unmix(cube, UnmixSpec(n_endmembers=3, seed=1))
    order = match_endmembers(result.endmembers, spectra)
    np.testing.assert_allclose(result.endmember_norms[order], np.linalg.norm(spectra, axis=1), rtol=0.25)
    assert (result.endmember_norms[order] <= np.linalg.norm(pixels, axis=2).max(axis=1)).all()


def lake_between_hills():
    """Meadow, soil and water of a twentieth of their reflectance under light that varies by a quarter, with 30 pure
    pixels of each: the spectra, the pure pixels (3, 30, bands) and the image."""
    rng = np.random.default_rng(5)
    axis = np.linspace(0, 1, BANDS)
    spectra = np.stack([0.1 + 0.5 / (1 + np.exp(-(axis - 0.5) / 0.05)), 0.2 + 0.3 * axis, 0.02 * np.exp(-2 * axis)])
    abundances = rng.dirichlet(np.full(3, 0.4), size=400)
    abundances[:90] = np.repeat(np.eye(3), 30, axis=0)
    light = np.exp(0.25 * rng.standard_normal((400, 1)))
    cube = light * (abundances @ spectra) + 0.001 * rng.standard_normal((400, BANDS))
    return spectra, cube[:90].reshape(3, 30, BANDS), cube.reshape(20, 20, BANDS).astype(np.float32)


def test_the_best_brightness_of_pixels_that_are_multiples_of_their_mixture_is_that_multiple():
    rng = np.random.default_rng(0)
    abundances, endmembers = rng.dirichlet(np.ones(3), 50), rng.random((3, 12))
    factors = rng.random(50)
    factors[0] = 0.0
    found = best_brightness(factors[:, None] * (abundances @ endmembers), abundances, endmembers)
    np.testing.assert_allclose(found, factors, atol=1e-12)
    assert best_brightness(-endmembers[:1], np.eye(3)[:1], endmembers) == 0
    assert best_brightness(endmembers[:1], np.eye(3)[:1], 0 * endmembers) == 0
