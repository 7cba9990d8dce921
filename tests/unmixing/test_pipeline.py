"""unmix() from array to result, on a small scene made here."""

import json

import numpy as np
import pytest

from unmixing import unmix
from unmixing.algorithms.metrics import coverage, match_endmembers, rmse, sad_radians
from unmixing.cubes import cube_from_array
from unmixing.errors import (
    BandMismatchError,
    Cancelled,
    SceneContentError,
    SpecError,
    UnknownMethodError,
)
from unmixing.specs import UnmixSpec
from unmixing.types import Compute

N_ENDMEMBERS, N_BANDS = 3, 40


def make_scene(seed: int = 0, rows: int = 24, columns: int = 20):
    rng = np.random.default_rng(seed)
    bands = np.linspace(0, 1, N_BANDS)
    endmembers = np.stack([0.2 + 0.6 * bands, 0.8 - 0.5 * bands, 0.2 + 0.7 * np.exp(-(((bands - 0.5) / 0.15) ** 2))])
    abundances = rng.dirichlet(np.full(N_ENDMEMBERS, 0.6), size=(rows, columns))
    shading = rng.uniform(0.6, 1.4, size=(rows, columns, 1))
    cube = shading * (abundances @ endmembers) + 0.004 * rng.normal(size=(rows, columns, N_BANDS))
    return cube.astype(np.float32), endmembers, abundances


@pytest.fixture(scope="module")
def scene():
    return make_scene()


@pytest.fixture(scope="module")
def result(scene):
    return unmix(scene[0], UnmixSpec(n_endmembers=N_ENDMEMBERS, seed=1))


def test_the_materials_and_their_maps_are_found(scene, result):
    _, endmembers, abundances = scene
    matched = match_endmembers(result.endmembers, endmembers)
    assert sad_radians(result.endmembers[matched], endmembers).max() < 0.06
    units = np.linalg.norm(endmembers, axis=1)
    # Brightness is free, so abundances count unit-norm spectra.
    expected = abundances * units / (abundances * units).sum(axis=2, keepdims=True)
    assert rmse(result.abundances[:, :, matched], expected) < 0.06


def test_abundances_are_on_the_simplex_and_the_parts_rebuild_the_cube(scene, result):
    assert result.abundances.min() >= 0
    np.testing.assert_allclose(result.abundances.sum(axis=2), 1.0, rtol=1e-5)
    rebuilt = result.brightness[:, :, None] * (result.abundances @ result.endmembers)
    error = np.sqrt(np.mean((rebuilt - scene[0]) ** 2))
    assert error == pytest.approx(result.metrics["reconstruction_rmse"], rel=1e-3)
    assert error < 0.02


def test_the_uncertainty_covers_the_truth(scene, result):
    _, endmembers, abundances = scene
    matched = match_endmembers(result.endmembers, endmembers)
    norms = np.linalg.norm(endmembers, axis=1)
    expected = abundances * norms / (abundances * norms).sum(axis=2, keepdims=True)
    assert result.uncertainty.shape == abundances.shape
    assert result.uncertainty.dtype == np.float32
    assert (result.uncertainty > 0).all()
    assert coverage(result.abundances[:, :, matched], expected, result.uncertainty[:, :, matched]) > 0.8
    # Wide intervals would cover too: they must not be much wider than the errors are.
    assert result.uncertainty.mean() < 0.15
    assert 0.8 < result.metrics["uncertainty_coverage"] < 0.97


def test_the_network_beats_its_own_library_on_held_out_truth(result):
    assert result.metrics["ratio_to_constant_answer"] < 1
    assert result.metrics["beats_constant_answer"]
    assert min(result.metrics["validation_nmse"]) < result.metrics["validation_nmse"][0]
    assert result.model.manifest.onnx_parity < 1e-4


def test_equal_seed_equal_result_other_seed_other_draws(scene, result):
    again = unmix(scene[0], UnmixSpec(n_endmembers=N_ENDMEMBERS, seed=1))
    np.testing.assert_array_equal(again.abundances, result.abundances)
    np.testing.assert_array_equal(again.endmembers, result.endmembers)
    assert again.model.onnx == result.model.onnx
    other = unmix(scene[0], UnmixSpec(n_endmembers=N_ENDMEMBERS, seed=2, max_training_seconds=0.01))
    assert other.model.onnx != result.model.onnx


def test_a_stored_model_is_applied_without_training(scene, result):
    same = unmix(scene[0], model=result.model)
    np.testing.assert_array_equal(same.abundances, result.abundances)
    assert set(same.metrics["seconds"]) == {"inference", "total"}
    second, _, _ = make_scene(seed=5, rows=10, columns=11)
    assert unmix(second, model=result.model).abundances.shape == (10, 11, N_ENDMEMBERS)


def test_masked_pixels_and_dropped_bands_are_nan_in_the_result(scene):
    cube = scene[0].copy()
    cube[2, 3, 7] = np.nan
    cube[:, :, 5] = np.nan
    result = unmix(cube, UnmixSpec(n_endmembers=N_ENDMEMBERS, max_training_seconds=0.01))
    assert np.isnan(result.abundances[2, 3]).all()
    assert np.isnan(result.brightness[2, 3])
    assert np.isnan(result.uncertainty[2, 3]).all()
    assert np.isnan(result.abundances).any(axis=2).sum() == 1
    assert np.isnan(result.endmembers[:, 5]).all()
    assert np.isnan(result.endmembers).any(axis=0).sum() == 1


def test_scale_of_the_numbers_does_not_matter(scene):
    small = unmix(scene[0], UnmixSpec(n_endmembers=N_ENDMEMBERS, max_training_seconds=0.01))
    large = unmix(scene[0] * 4096, UnmixSpec(n_endmembers=N_ENDMEMBERS, max_training_seconds=0.01))
    np.testing.assert_allclose(large.abundances, small.abundances, atol=1e-3)
    np.testing.assert_allclose(large.endmembers, small.endmembers * 4096, rtol=1e-2)


def test_the_number_of_endmembers_is_estimated_when_missing(scene):
    result = unmix(scene[0], UnmixSpec(max_training_seconds=0.01))
    assert result.metrics["n_endmembers_estimated_by"] == "least cost"
    assert len(result.endmembers) == N_ENDMEMBERS
    assert 0 < result.metrics["n_endmembers_certainty"] <= 1
    low, high = result.metrics["n_endmembers_range"]
    assert low <= N_ENDMEMBERS <= high
    assert f"{N_ENDMEMBERS} leave" in result.metrics["n_endmembers_reason"]
    assert result.metrics["n_endmembers_hysime"] >= N_ENDMEMBERS
    residuals = result.metrics["n_endmembers_residuals"]
    assert residuals[N_ENDMEMBERS - 1] < residuals[N_ENDMEMBERS - 2]


def test_progress_rises_and_names_the_stages(scene):
    heard = []
    unmix(
        scene[0],
        UnmixSpec(n_endmembers=N_ENDMEMBERS, max_training_seconds=0.01),
        progress=lambda share, stage, detail="": heard.append((share, stage)),
    )
    shares = [share for share, _ in heard]
    assert shares == sorted(shares)
    assert shares[0] >= 0
    assert shares[-1] <= 1
    stages = " ".join(words for _, words in heard)
    for stage in (
        "extracting endmember bundles",
        "synthetic",
        "training LPALM",
        "unmixing the image",
    ):
        assert stage in stages


def test_progress_leaves_counting_behind_when_no_training_follows(scene):
    heard = []
    unmix(scene[0], UnmixSpec(method="nmf"), progress=lambda share, stage, detail="": heard.append((stage, share)))
    counted = max(share for stage, share in heard if stage == "counting endmembers")
    last = max(index for index, (stage, _) in enumerate(heard) if stage == "counting endmembers")
    after = [share for _, share in heard[last + 1 :]]
    assert counted > 0.1
    assert min(after) >= counted
    assert len(set(after)) > 1


def test_a_progress_callback_can_stop_the_work(scene):
    def stop(share: float, stage: str, detail: str = "") -> None:
        if "epoch" in detail:
            raise Cancelled("stopped by the test")

    with pytest.raises(Cancelled):
        unmix(scene[0], UnmixSpec(n_endmembers=N_ENDMEMBERS), progress=stop)


def test_arguments_that_do_not_fit_are_refused_with_both_values(scene, result):
    with pytest.raises(UnknownMethodError, match="'magic'.*lpalm"):
        unmix(scene[0], UnmixSpec(method="magic"))
    with pytest.raises(BandMismatchError, match="39 bands.*40 bands"):
        unmix(scene[0][:, :, 1:], model=result.model)
    with pytest.raises(SpecError, match="n_endmembers is 4.*3 endmembers"):
        unmix(scene[0], UnmixSpec(n_endmembers=4), model=result.model)
    with pytest.raises(SceneContentError, match="4 pixels.*asks for 5"):
        unmix(scene[0][:2, :2], UnmixSpec(n_endmembers=5))
    with pytest.raises(SpecError, match="n_endmembers is 5.*3 usable bands"):
        unmix(scene[0][:, :, :3], UnmixSpec(n_endmembers=5))
    with pytest.raises(SpecError, match="device is 'abacus'"):
        unmix(scene[0], UnmixSpec(n_endmembers=2), compute=Compute(device="abacus"))


def test_a_model_that_needs_a_band_this_cube_lacks_is_refused(scene, result):
    cube = scene[0].copy()
    cube[:, :, 9] = np.nan
    with pytest.raises(BandMismatchError, match="band 9"):
        unmix(cube_from_array(cube), model=result.model)


def test_bands_the_model_never_used_need_no_data():
    cube = make_scene()[0]
    cube[:, :, 9] = np.nan
    model = unmix(cube, UnmixSpec(n_endmembers=N_ENDMEMBERS, max_training_seconds=0.01)).model
    second = make_scene(seed=3)[0]
    result = unmix(second, model=model)
    assert np.isnan(result.endmembers[:, 9]).all()
    assert np.isfinite(result.abundances).all()


def test_every_result_says_how_it_came_about(scene, result):
    own = unmix(scene[0], UnmixSpec(n_endmembers=N_ENDMEMBERS, method="nmf", seed=4))
    assert own.provenance["spec"]["nmf"]["max_iterations"] == 500
    assert result.provenance["spec"]["network"]["n_layers"] == 8
    for answer, method, seed in ((own, "nmf", 4), (result, "lpalm", 1)):
        provenance = answer.provenance
        assert (provenance["method"], provenance["seed"]) == (method, seed)
        assert provenance["spec"]["n_endmembers"] == N_ENDMEMBERS
        assert provenance["seconds"] == answer.metrics["seconds"]
        assert provenance["peak_memory_bytes"] > 2**20
        assert set(provenance["versions"]) == {"project", "numpy", "torch", "onnxruntime"}
        json.dumps(provenance)


def test_a_method_without_a_model_answers_alone(scene):
    result = unmix(scene[0], UnmixSpec(n_endmembers=N_ENDMEMBERS, method="palm"))
    assert result.model is None
    assert set(result.metrics["seconds"]) == {"solving", "inference", "total"}
    assert isinstance(result.metrics["converged"], bool)
    assert result.metrics["iterations"] >= 1
    rebuilt = result.brightness[:, :, None] * (result.abundances @ result.endmembers)
    assert np.sqrt(np.mean((rebuilt - scene[0]) ** 2)) == pytest.approx(result.metrics["reconstruction_rmse"], rel=1e-3)


def test_fcls_has_no_uncertainty(scene):
    assert unmix(scene[0], UnmixSpec(n_endmembers=N_ENDMEMBERS, method="vca_fcls")).uncertainty is None
