"""The picture of the two conventions, on a tiny scene."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

pytest.importorskip("prosail", reason="generated scenes need prosail")

from benchmarks.area_and_shape import MATERIALS, draw
from unmixing.simulation.generated import generate_scene


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    draw(tmp_path / "a.png", generate_scene(np.random.default_rng(0), materials=MATERIALS, rows=8, columns=8))
    assert min(imread(tmp_path / "a.png").shape[:2]) > 300
