"""Several methods on one image share what they learn from, and answer as if each were alone."""

import numpy as np
import pytest

from tests.laws.test_method_laws import make_scene
from unmixing import unmix
from unmixing.algorithms import bundles
from unmixing.comparison import compare
from unmixing.cubes import cube_from_array
from unmixing.errors import Cancelled
from unmixing.inference.images import as_image
from unmixing.pipeline import FittedMethod
from unmixing.progress import silent
from unmixing.simulation import truth as module
from unmixing.simulation.truth import SharedTruth
from unmixing.specs import AlmuSpec, ListaSpec, LpalmSpec, UnmixSpec
from unmixing.types import Compute

METHODS = ("lista", "nalmu", "lpalm")
CUBE = cube_from_array(make_scene()[0])


@pytest.fixture
def extractions(monkeypatch):
    """How many times bundles were extracted."""
    calls = []
    extract = bundles.extract_bundles

    def counted(*arguments, **options):
        calls.append(1)
        return extract(*arguments, **options)

    monkeypatch.setattr(module, "extract_bundles", counted)
    return calls


def request(method):
    # Not so little time that it could end before the epoch that another run ends after.
    return UnmixSpec(method=method, n_endmembers=3, seed=4, max_training_seconds=1e-9)


def test_a_comparison_extracts_once_and_answers_as_separate_runs(extractions):
    fitted: dict[str, FittedMethod] = {}

    def finish(method, found, progress):
        fitted[method] = found
        return unmix(CUBE, request(method), model=found.model)

    compare(as_image(CUBE), request(",".join(METHODS)), finish, Compute(), silent)
    assert len(extractions) == 1
    for method in METHODS:
        alone = unmix(CUBE, request(method))
        assert fitted[method].metrics["validation_nmse"] == alone.metrics["validation_nmse"]
        assert fitted[method].metrics["uncertainty_coverage"] == alone.metrics["uncertainty_coverage"]
        np.testing.assert_allclose(
            np.sort(fitted[method].endmembers, axis=0), np.sort(alone.endmembers, axis=0), rtol=1e-6
        )


def test_what_depends_on_other_choices_is_made_anew():
    shared = SharedTruth()
    first = shared.of(CUBE, 3, UnmixSpec(), ListaSpec())
    assert shared.of(CUBE, 3, UnmixSpec(), LpalmSpec()) is first
    assert shared.of(CUBE, 3, UnmixSpec(), AlmuSpec()) is first
    for other in (
        shared.of(CUBE, 4, UnmixSpec(), ListaSpec()),
        shared.of(CUBE, 3, UnmixSpec(seed=1), ListaSpec()),
        shared.of(CUBE, 3, UnmixSpec(pure_pixels=False), ListaSpec()),
        shared.of(CUBE, 3, UnmixSpec(), ListaSpec(n_runs=4)),
        shared.of(CUBE, 3, UnmixSpec(), ListaSpec(pixels_per_set=16)),
    ):
        assert other is not first
    assert shared.of(cube_from_array(make_scene()[0]), 3, UnmixSpec(), ListaSpec()) is not first


def test_whoever_was_stopped_and_tries_again_draws_the_same():
    spec = ListaSpec(n_runs=6, n_training_sets=4, n_validation_sets=2)

    def stop(share, stage, detail=""):
        if share > 0:
            raise Cancelled("by the test")

    stopped, other = (SharedTruth().of(CUBE, 3, UnmixSpec(), spec) for _ in range(2))
    with pytest.raises(Cancelled):
        stopped.sets(stop)
    np.testing.assert_array_equal(stopped.sets(silent).training.pixels, other.sets(silent).training.pixels)
