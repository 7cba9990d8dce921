"""Scenes from the field give no reason to doubt, where UNMIX_DATA has them."""

import pytest

from tests.io.scene_files import real_scene
from unmixing import unmix
from unmixing.io.inputs.scenes import open_scene
from unmixing.specs import UnmixSpec
from unmixing.types import WarningCode
from unmixing.warnings.fitting import LEAST_PURE

SCENES = (
    ("samson.npz", 3),
    ("jasper.npz", 4),
    ("moffett.npz", 3),
    ("enmap_potsdam.tif", 5),
    ("emit20250324t221005_jpl_unmix_ex", 4),
)


@pytest.mark.parametrize(("name", "n_endmembers"), SCENES)
def test_real_scenes_have_no_warning(name: str, n_endmembers: int) -> None:
    with open_scene([real_scene(name)]) as scene:
        result = unmix(scene, UnmixSpec(method="archetypal", n_endmembers=n_endmembers))
    assert result.warnings == ()
    assert result.metrics["reconstruction_relative"] < 0.1


@pytest.mark.parametrize(("name", "n_endmembers"), SCENES)
def test_real_scenes_look_as_if_they_had_pure_pixels(name: str, n_endmembers: int) -> None:
    with open_scene([real_scene(name)]) as scene:
        result = unmix(scene, UnmixSpec(n_endmembers=n_endmembers, max_training_seconds=1e-9))
    assert result.metrics["pure_for_each_nearly_pure"] > LEAST_PURE
    assert WarningCode.PERHAPS_NOT_PURE not in {warning.code for warning in result.warnings}
