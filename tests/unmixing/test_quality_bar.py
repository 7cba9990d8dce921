"""LPALM with its defaults is as good as it is said to be, on generated scenes whose truth is known."""

import numpy as np
import pytest

pytest.importorskip("prosail", reason="generated scenes need prosail")

from unmixing import unmix
from unmixing.simulation.evaluation import Evaluation, Truth, evaluate
from unmixing.simulation.generated import GeneratedScene, generate_scene
from unmixing.specs import UnmixSpec

MAX_SAD_RADIANS, MAX_ABUNDANCE_RMSE = 0.012, 0.12
"""LPALM reaches angles of 0.006 to 0.008 and errors of 0.06 to 0.09 on these scenes."""

SHARE_OF_CLASSICAL = 0.5
"""VCA and FCLS have at least twice the angle and twice the error."""


def evaluated(scene: GeneratedScene, method: str) -> Evaluation:
    result = unmix(scene.cube, UnmixSpec(method=method, n_endmembers=len(scene.names)))
    found = evaluate(Truth(scene.names, scene.endmembers, scene.abundances), result.endmembers, result.abundances)
    assert found is not None
    return found


@pytest.mark.parametrize("seed", [5, 7])
def test_lpalm_is_better_than_vca_and_fcls_on_scenes_under_uneven_light(seed: int) -> None:
    scene = generate_scene(np.random.default_rng(seed), n_endmembers=3, rows=40, columns=40, brightness=0.2)
    lpalm, classical = evaluated(scene, "lpalm"), evaluated(scene, "vca_fcls")
    assert lpalm.abundance_rmse is not None
    assert classical.abundance_rmse is not None
    assert lpalm.mean_sad_radians < min(MAX_SAD_RADIANS, SHARE_OF_CLASSICAL * classical.mean_sad_radians)
    assert lpalm.abundance_rmse < min(MAX_ABUNDANCE_RMSE, SHARE_OF_CLASSICAL * classical.abundance_rmse)
