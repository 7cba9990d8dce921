"""The early check refuses what cannot be unmixed, and never what can."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from tests.io.scene_files import small_cube
from unmixing.errors import SceneContentError, SpecError, UnmixingError
from unmixing.io.formats import rows
from unmixing.io.inputs import checks
from unmixing.io.inputs.checks import check_scene
from unmixing.io.inputs.scenes import open_scene


@pytest.fixture(params=["one block", "many blocks"])
def check(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    if request.param == "many blocks":
        monkeypatch.setattr(rows, "BLOCK_BYTES", 100)
        monkeypatch.setattr(checks, "BLOCK_BYTES", 100)

    def run(cube: Any, n_endmembers: int | None = None) -> None:
        np.save(tmp_path / "a.npy", cube)
        with open_scene([tmp_path / "a.npy"]) as scene:
            check_scene(scene, n_endmembers)

    return run


def test_a_scene_is_a_scene(check: Any) -> None:
    check(small_cube())
    check(small_cube(dtype="u2"), 6)
    cube = small_cube()
    cube[:3] = np.nan
    cube[4] = 0
    check(cube, 3)
    mixed = -small_cube()
    mixed[-1, -1] *= -1
    check(mixed, 3)


@pytest.mark.parametrize(
    "cube",
    [
        np.full((5, 4, 6), np.nan),
        np.full((5, 4, 6), np.inf),
        np.zeros((5, 4, 6)),
        np.ones((5, 4, 6)),
        np.broadcast_to(np.arange(1.0, 7), (5, 4, 6)),
        small_cube()[:, :, :1],
        small_cube()[:1, :1],
        -small_cube(),
    ],
    ids=["nan", "inf", "zero", "constant", "one spectrum", "one band", "one pixel", "negative"],
)
def test_no_content(check: Any, cube: Any) -> None:
    with pytest.raises(SceneContentError):
        check(cube)


def test_bands_with_too_little_data_are_none_however_the_scene_is_read(check: Any) -> None:
    cube = small_cube(5, 4, 3)
    cube[:, :3, 1:] = np.nan
    with pytest.raises(SceneContentError, match="only 1 of 3 bands can be used"):
        check(cube)


def test_too_small_for_so_many_endmembers(check: Any) -> None:
    with pytest.raises(SpecError, match="n_endmembers is 5, but the scene has only 4 pixels"):
        check(small_cube(2, 2, 9), 5)
    with pytest.raises(SpecError, match="n_endmembers is 7, but the scene has only 6 bands"):
        check(small_cube(), 7)
    cube = small_cube(bands=8)
    cube[1:] = np.nan
    with pytest.raises(SpecError, match="only 4 pixels"):
        check(cube, 5)


def test_of_a_large_scene_only_the_beginning_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "BLOCK_BYTES", 100)
    monkeypatch.setattr(checks, "BLOCK_BYTES", 100)
    np.save(tmp_path / "a.npy", small_cube(50, 4, 6))
    with open_scene([tmp_path / "a.npy"]) as scene:
        blocks, seen = scene.scaled_blocks, []

        def counted():
            for block in blocks():
                seen.append(block)
                yield block

        monkeypatch.setattr(scene, "scaled_blocks", counted)
        check_scene(scene, 4)
    assert 0 < len(seen) < 5


def test_content_that_would_fill_memory_is_left_to_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "BLOCK_BYTES", 100)
    cube = np.full((5, 4, 6), np.nan)
    scipy.io.savemat(tmp_path / "a.mat", {"cube": cube})
    np.save(tmp_path / "a.npy", cube)
    for limit, name, refused in ((1000, "a.mat", True), (959, "a.mat", False), (9, "a.npy", True)):
        monkeypatch.setattr(checks, "MAX_BYTES_IN_MEMORY", limit)
        with open_scene([tmp_path / name]) as scene, pytest.raises(SceneContentError) if refused else nullcontext():
            check_scene(scene, None)


@pytest.mark.parametrize("seed", range(20))
def test_what_the_check_refuses_cannot_be_read_either(tmp_path: Path, seed: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(rows, "BLOCK_BYTES", 100)
    monkeypatch.setattr(checks, "BLOCK_BYTES", 100)
    rng = np.random.default_rng(seed)
    cube = rng.choice([np.nan, 0, 1, 2], (5, 4, 3), p=[0.5, 0.3, 0.1, 0.1])
    np.save(tmp_path / "a.npy", cube)
    with open_scene([tmp_path / "a.npy"]) as scene:
        try:
            check_scene(scene, None)
        except UnmixingError:
            with pytest.raises(SceneContentError):
                scene.read()
