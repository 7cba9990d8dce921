"""Scenes from the field give no reason to doubt, where UNMIX_DATA has them."""

import pytest

from tests.io.scene_files import real_scene
from unmixing import unmix
from unmixing.io.inputs.scenes import open_scene
from unmixing.specs import UnmixSpec

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
