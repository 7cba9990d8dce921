"""What screening leaves in although something speaks against it is told."""

import numpy as np
import pytest

from unmixing.cubes import cube_from_array
from unmixing.simulation.generated import generate_scene
from unmixing.types import Cube, WarningCode


def scene(seed: int = 0) -> np.ndarray:
    return np.asarray(generate_scene(np.random.default_rng(seed), rows=30, columns=30).cube, dtype=np.float64)


def codes(cube: Cube) -> set[WarningCode]:
    return {found.code for found in cube.warnings} & {WarningCode.NOISY_BANDS, WarningCode.SUSPECTED_FILL}


def test_a_band_that_is_more_noise_than_signal_is_told_with_its_number() -> None:
    values = scene()
    spread = values[:, :, 9].std()
    values[:, :, 9] += np.random.default_rng(1).normal(0, 1.6 * spread, values.shape[:2])
    values[:, :, 3] = 0.5
    cube = cube_from_array(values)
    assert np.flatnonzero(~cube.used_bands).tolist() == [3]
    assert codes(cube) == {WarningCode.NOISY_BANDS}
    assert "in no other (9, counted from 0)" in cube.warnings[0].message
    assert cube_from_array(np.delete(values, [3, 9], axis=2)).warnings == ()


def test_saturation_that_the_scene_reaches_is_told_as_suspected_fill() -> None:
    values = scene()
    cube = cube_from_array(np.minimum(values / np.quantile(values, 0.97) * 65535, 65535).astype(np.uint16))
    assert codes(cube) == {WarningCode.SUSPECTED_FILL}
    assert "65535" in cube.warnings[0].message


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_generated_scenes_are_not_doubted(seed: int) -> None:
    assert codes(cube_from_array(scene(seed))) == set()
    assert codes(cube_from_array((scene(seed) * 10_000).clip(0).astype(np.int16))) == set()
