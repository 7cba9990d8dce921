"""separate(): mixtures in, sources and mixing matrix out."""

import numpy as np
import pytest
from sklearn.decomposition import FastICA

from tests.conftest import stored_model
from tests.laws.test_separation_laws import N_CHANNELS, N_SOURCES, SOURCES, SPEC, curves
from unmixing.algorithms.endmembers import unit_norm
from unmixing.algorithms.metrics import nmse
from unmixing.algorithms.signed_palm import signed_palm
from unmixing.errors import BandMismatchError, Cancelled, SceneContentError, SpecError
from unmixing.mixtures.matching import match_sources, matched
from unmixing.mixtures.separation import Separation, separate
from unmixing.mixtures.sources import SourceModel, mix
from unmixing.mixtures.specs import SeparationSpec

REQUEST = SeparationSpec(n_sources=N_SOURCES)


def mixed(seed: int = 7, n_samples: int = 400, model: SourceModel = SOURCES):
    sets = mix(curves(1, seed), model, n_samples, np.random.default_rng(seed))
    return sets.mixtures[0], sets.sources[0], sets.mixing_matrices[0]


def source_error(matrix: np.ndarray, sources: np.ndarray, truth: np.ndarray, true_matrix: np.ndarray) -> float:
    order, signs = match_sources(matrix, true_matrix)
    return nmse(sources[:, order] * signs, truth)


@pytest.fixture(scope="module")
def with_library() -> Separation:
    return separate(mixed()[0], REQUEST, library=3 * curves(), network=SPEC)


def test_with_a_library_order_and_signs_are_the_librarys(with_library):
    _, sources, matrix = mixed()
    assert nmse(with_library.sources, sources) < 0.02
    assert nmse(with_library.mixing_matrix, matrix) < 0.01
    assert with_library.metrics["reconstruction_nmse"] < 0.005
    assert with_library.metrics["library"] == "given"
    assert with_library.metrics["sparse_decided_by"] == "mixtures"


def test_a_model_answers_again_as_it_did(with_library):
    again = separate(mixed()[0], REQUEST, model=with_library.model)
    np.testing.assert_array_equal(again.sources, with_library.sources)
    np.testing.assert_array_equal(again.mixing_matrix, with_library.mixing_matrix)


@pytest.mark.parametrize("seed", [1, 2])
def test_without_a_library_it_is_ahead_of_palm_and_fast_ica(seed):
    mixtures, sources, matrix = mixed(seed)
    result = separate(mixtures, REQUEST, network=SPEC)
    ica = FastICA(N_SOURCES, whiten="unit-variance", random_state=0, max_iter=1_000)
    found = ica.fit_transform(mixtures)
    norms = np.linalg.norm(ica.mixing_, axis=0)
    scale = np.sqrt((mixtures**2).sum(axis=1).mean())
    palm = signed_palm(mixtures / scale, unit_norm(ica.mixing_.T), 0.02, max_iterations=400)
    error = source_error(result.mixing_matrix, result.sources, sources, matrix)
    assert error < source_error(ica.mixing_.T, found * norms, sources, matrix)
    assert error < source_error(palm.endmembers, scale * palm.contributions, sources, matrix)


def test_non_negative_mixtures_are_recognised_and_stay_so():
    model = SourceModel((0.5,) * N_SOURCES, 40.0, nonnegative=True)
    mixtures, _, matrix = mixed(3, model=model)
    result = separate(np.maximum(mixtures, 0), REQUEST, network=SPEC)
    assert result.metrics["nonnegative"]
    assert result.metrics["nonnegative_decided_by"] == "mixtures"
    assert (result.sources >= 0).all()
    assert nmse(matched(result.mixing_matrix, matrix), matrix) < 0.05


@pytest.mark.parametrize(
    ("mixtures", "error", "words"),
    [
        (np.ones((1, 5)), SceneContentError, "1 rows; 3 sources need at least 4"),
        (np.ones((9, 2)), SpecError, "n_sources is 3.*2 channels"),
        (np.ones((9, 2, 2)), SceneContentError, "3 dimensions"),
        (np.full((9, 5), np.nan), SceneContentError, "45 of 45.*row 0, channel 0"),
        (np.outer(np.arange(9.0), np.ones(5)), SceneContentError, "1 independent channels, n_sources is 3"),
    ],
)
def test_mixtures_that_cannot_be_separated(mixtures, error, words):
    with pytest.raises(error, match=words):
        separate(mixtures, REQUEST)


@pytest.mark.parametrize(
    ("library", "error", "words"),
    [
        (np.ones((4, N_SOURCES, 7)), BandMismatchError, f"{N_CHANNELS} channels, mixing_library 7"),
        (np.ones((4, 2, N_CHANNELS)), SpecError, "n_sources is 3.* 2 sources"),
        (np.ones((4, N_CHANNELS)), SceneContentError, "matrices, sources, channels"),
        (np.zeros((4, N_SOURCES, N_CHANNELS)), SceneContentError, "12 columns"),
    ],
)
def test_libraries_that_do_not_fit(library, error, words):
    with pytest.raises(error, match=words):
        separate(mixed()[0], REQUEST, library=library)


def test_models_that_do_not_fit(with_library):
    with pytest.raises(BandMismatchError, match=f"5 channels.*{N_CHANNELS}"):
        separate(np.random.default_rng(0).random((20, 5)), REQUEST, model=with_library.model)
    with pytest.raises(SpecError, match="n_sources is 2.*3 sources"):
        separate(mixed()[0], SeparationSpec(n_sources=2), model=with_library.model)
    with pytest.raises(SpecError, match="image"):
        separate(mixed()[0], REQUEST, model=stored_model(N_CHANNELS))


def test_progress_may_cancel():
    def stop(share: float, stage: str, detail: str = "") -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        separate(mixed()[0], REQUEST, progress=stop)
