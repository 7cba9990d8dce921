"""ISTA reaches the minimum it seeks, and PALM's contributions take the same step."""

import numpy as np
import pytest

from unmixing.algorithms.abundances import nnls
from unmixing.algorithms.endmembers import unit_norm
from unmixing.algorithms.ista import ista_step
from unmixing.algorithms.palm import palm_step

N_BANDS, THRESHOLD = 12, 0.05


@pytest.fixture
def mixture():
    rng = np.random.default_rng(0)
    endmembers = unit_norm(np.abs(rng.normal(size=(3, N_BANDS))))
    return rng.normal(0.3, 0.5, size=(40, 3)) @ endmembers, endmembers


def repeated(pixels, endmembers, threshold, **arguments):
    contributions = np.zeros((len(pixels), len(endmembers)))
    for _ in range(3000):
        contributions = ista_step(pixels, contributions, endmembers, threshold, **arguments)
    return contributions


def test_without_a_threshold_it_ends_at_nnls(mixture):
    pixels, endmembers = mixture
    np.testing.assert_allclose(repeated(pixels, endmembers, 0.0), nnls(pixels, endmembers), atol=1e-8)


def test_non_negative_contributions_meet_the_optimality_conditions(mixture):
    pixels, endmembers = mixture
    found = repeated(pixels, endmembers, THRESHOLD)
    slope = (found @ endmembers - pixels) @ endmembers.T + THRESHOLD
    assert found.min() == 0
    assert slope.min() > -1e-8
    np.testing.assert_allclose(slope[found > 0], 0.0, atol=1e-8)


def test_signed_contributions_meet_the_optimality_conditions(mixture):
    pixels, endmembers = mixture
    found = repeated(pixels, endmembers, THRESHOLD, non_negative=False)
    slope = (found @ endmembers - pixels) @ endmembers.T
    assert found.min() < 0
    assert (found == 0).any()
    np.testing.assert_allclose(slope[found != 0], -THRESHOLD * np.sign(found[found != 0]), atol=1e-8)
    assert np.abs(slope).max() < THRESHOLD + 1e-8


def test_palm_takes_the_same_step(mixture):
    pixels, endmembers = mixture
    contributions = np.random.default_rng(1).random((40, 3))
    stepped, _ = palm_step(pixels, contributions, endmembers, THRESHOLD)
    np.testing.assert_array_equal(stepped, ista_step(pixels, contributions, endmembers, THRESHOLD))
