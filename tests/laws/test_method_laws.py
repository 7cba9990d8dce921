"""Laws of every row of METHODS, on a small scene of noiseless mixtures with pure pixels."""

import numpy as np
import pytest

from unmixing import unmix
from unmixing.algorithms.metrics import match_endmembers, rmse, sad_radians
from unmixing.errors import Cancelled
from unmixing.methods import METHODS, Method
from unmixing.specs import UnmixSpec

ROWS, COLUMNS, BANDS, N_ENDMEMBERS = 20, 20, 30, 3
MASKED = (4, 7)

TOLERANCES = {
    "lpalm": (5e-3, 2e-2),
    "vca_fcls": (1e-5, 1e-5),
    "archetypal": (1e-4, 1e-4),
    "nmf": (1e-3, 1e-3),
    "snmf": (2e-3, 2e-3),
    "palm": (5e-3, 5e-3),
    "ista": (1e-5, 1e-3),
    "lista": (1e-5, 1e-2),
    "lista_cp": (1e-5, 1e-2),
    "dnmf": (5e-3, 1e-2),
    "nalmu": (5e-3, 1e-2),
    "almu": (5e-3, 1e-2),
    "cnnaeu": (0.25, 0.25),
}
"""Per method the largest angle (radians) and abundance RMSE on noiseless mixtures with pure pixels. VCA finds the pure
pixels, and so do archetypes; NMF stops near them; an L1 term moves away from them, and LPALM is hardly trained here."""


def make_scene():
    """Spectra of equal norm, so that abundances mean the same to methods with and without a brightness."""
    rng = np.random.default_rng(3)
    axis = np.linspace(0, 1, BANDS)
    spectra = np.stack([0.2 + 0.5 * axis, 0.6 - 0.4 * axis, 0.3 + 0.3 * np.exp(-(((axis - 0.5) / 0.15) ** 2))])
    spectra *= 2.0 / np.linalg.norm(spectra, axis=1, keepdims=True)
    abundances = rng.dirichlet(np.full(N_ENDMEMBERS, 0.5), size=ROWS * COLUMNS)
    abundances[:9] = np.repeat(np.eye(N_ENDMEMBERS), 3, axis=0)
    cube = (abundances @ spectra).reshape(ROWS, COLUMNS, BANDS).astype(np.float32)
    cube[MASKED] = np.nan
    return cube, spectra, abundances.reshape(ROWS, COLUMNS, N_ENDMEMBERS)


UNHURRIED = {"cnnaeu"}
"""Methods that start at no recursion and so know nothing of a mixture after one epoch; they are quick on this scene."""


def answer(cube, method, **arguments):
    seconds = None if method in UNHURRIED else 0.01
    return unmix(
        cube, UnmixSpec(n_endmembers=N_ENDMEMBERS, method=method, seed=1, max_training_seconds=seconds), **arguments
    )


@pytest.fixture(scope="module")
def scene():
    return make_scene()


@pytest.fixture(scope="module", params=sorted(METHODS))
def method(request):
    return request.param


@pytest.fixture(scope="module")
def result(scene, method):
    return answer(scene[0], method)


@pytest.fixture
def valid():
    mask = np.ones((ROWS, COLUMNS), dtype=bool)
    mask[MASKED] = False
    return mask


def test_the_answer_has_the_shape_of_the_image(result):
    assert result.endmembers.shape == (N_ENDMEMBERS, BANDS)
    assert result.abundances.shape == (ROWS, COLUMNS, N_ENDMEMBERS)
    assert result.brightness.shape == (ROWS, COLUMNS)
    assert len(result.endmember_names) == N_ENDMEMBERS
    assert {array.dtype for array in (result.endmembers, result.abundances, result.brightness)} == {np.dtype("f4")}


def test_numbers_are_finite_and_masked_pixels_are_nan(result, valid):
    assert np.isfinite(result.endmembers).all()
    np.testing.assert_array_equal(np.isfinite(result.abundances).all(axis=2), valid)
    np.testing.assert_array_equal(np.isnan(result.abundances).all(axis=2), ~valid)
    np.testing.assert_array_equal(np.isfinite(result.brightness), valid)


def test_abundances_are_on_the_simplex_and_everything_is_non_negative(result, valid):
    np.testing.assert_allclose(result.abundances[valid].sum(axis=1), 1.0, atol=1e-5)
    assert result.abundances[valid].min() >= 0
    assert result.endmembers.min() >= 0
    assert result.brightness[valid].min() >= 0


def test_noiseless_mixtures_of_pure_pixels_are_recovered(scene, method, result, valid):
    _, endmembers, abundances = scene
    order = match_endmembers(result.endmembers, endmembers)
    largest_angle, largest_rmse = TOLERANCES[method]
    assert sad_radians(result.endmembers[order], endmembers).max() < largest_angle
    assert rmse(result.abundances[valid][:, order], abundances[valid]) < largest_rmse


def test_equal_seed_equal_answer(scene, method, result):
    again = answer(scene[0], method)
    np.testing.assert_array_equal(again.endmembers, result.endmembers)
    np.testing.assert_array_equal(again.abundances, result.abundances)
    np.testing.assert_array_equal(again.brightness, result.brightness)


def test_the_unit_of_the_numbers_does_not_matter(scene, method, result):
    # A power of two, so that nothing is rounded.
    large = answer(scene[0] * 4096, method)
    np.testing.assert_allclose(large.abundances, result.abundances, atol=1e-3)
    np.testing.assert_allclose(large.endmembers, result.endmembers * 4096, rtol=1e-2, atol=1)


def test_metrics_say_how_well_and_how_fast(method, result):
    assert result.metrics["reconstruction_rmse"] < 0.05
    assert result.metrics["n_endmembers_estimated_by"] is None
    assert result.metrics["seconds"]["total"] > 0
    assert (result.model is not None) == METHODS[method].trains


def test_a_stored_model_gives_the_same_answer_again(scene, method, result):
    if not METHODS[method].trains:
        pytest.skip("has no model")
    assert result.model.manifest.method == method
    again = unmix(scene[0], model=result.model)
    np.testing.assert_array_equal(again.abundances, result.abundances)
    np.testing.assert_array_equal(again.endmembers, result.endmembers)


def test_progress_rises_and_can_stop_the_work(scene, method):
    heard = []
    answer(scene[0], method, progress=lambda share, stage, detail="": heard.append(share))
    assert len(heard) >= 2
    assert heard == sorted(heard)
    assert heard[0] >= 0
    assert heard[-1] <= 1
    calls = []

    def stop_at_the_second(share: float, stage: str, detail: str = "") -> None:
        calls.append(stage)
        if len(calls) == 2:
            raise Cancelled("stopped by the test")

    with pytest.raises(Cancelled):
        answer(scene[0], method, progress=stop_at_the_second)
    assert len(calls) == 2


def test_a_row_either_trains_or_solves():
    with pytest.raises(ValueError, match="either train or solve"):
        Method("neither", "Neither", "", "")
