"""Images of odd numbers are unmixed, or refused in words."""

import numpy as np
import pytest

from unmixing import unmix
from unmixing.algorithms.abundances import nnls
from unmixing.errors import SceneContentError
from unmixing.specs import UnmixSpec

METHODS = ("vca_fcls", "archetypal", "nmf", "snmf", "palm", "ista", "lista", "dnmf")
CUBE = np.random.default_rng(0).random((8, 9, 12)).astype(np.float32)


@pytest.mark.parametrize("unit", [1e-30, 1e25])
@pytest.mark.parametrize("method", METHODS)
def test_the_unit_may_be_so_odd_that_squares_are_no_numbers(method, unit):
    expected, found = (
        unmix(cube, UnmixSpec(n_endmembers=3, method=method, seed=1, max_training_seconds=0.01))
        for cube in (CUBE, CUBE * np.float32(unit))
    )
    assert np.isfinite(found.abundances).all()
    np.testing.assert_allclose(found.brightness, expected.brightness, rtol=0.2, atol=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_an_image_without_a_positive_number_is_refused(method):
    with pytest.raises(SceneContentError, match="nowhere positive"):
        unmix(-CUBE, UnmixSpec(n_endmembers=3, method=method))


def test_endmembers_of_zeros_get_nothing():
    assert (nnls(CUBE[0], np.zeros((3, 12))) == 0).all()
