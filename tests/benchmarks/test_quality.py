"""The benchmark, on one tiny scene with two quick methods."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.generated import write_scenes
from benchmarks.measuring import measure, truth_of
from benchmarks.quality import scenes_with_truth
from benchmarks.tables import markdown, summary

METHODS = ("vca_fcls", "archetypal")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    write_scenes(folder, 1, side=16)
    return folder


@pytest.fixture(scope="module")
def runs(folder):
    (scene,) = scenes_with_truth(folder)
    return [measure(scene, method, seed=0) for method in METHODS]


def test_generated_scenes_are_always_the_same(folder, tmp_path):
    (again,) = write_scenes(tmp_path, 1, side=16)
    assert again.name == "generated-00-3-materials-20dB-pure-even.npz"
    assert again.read_bytes() == (folder / again.name).read_bytes()


def test_answers_are_asked_for_what_the_truth_counts(folder, tmp_path):
    (scene,) = scenes_with_truth(folder)
    assert truth_of(scene).abundances_of == "area"
    with np.load(scene) as arrays:
        silent = {name: arrays[name] for name in arrays if name != "abundances_of"}
        np.savez(tmp_path / "other.npz", **{**arrays, "abundances_of": "shape"})
    for name in ("samson", "unknown"):
        np.savez(tmp_path / f"{name}.npz", **silent)
    found = {name: truth_of(tmp_path / f"{name}.npz").abundances_of for name in ("other", "samson", "unknown")}
    assert found == {"other": "shape", "samson": "shape", "unknown": "area"}
    run = measure(tmp_path / "other.npz", "vca_fcls", seed=0)
    assert run.abundances_of == "shape"
    assert run.rmse != measure(scene, "vca_fcls", seed=0).rmse


def test_every_method_has_a_row_for_the_scene(runs):
    header, _, *rows = markdown(runs).splitlines()
    assert [row.split(" | ")[2] for row in rows] == list(METHODS)
    for row, run in zip(rows, runs, strict=True):
        assert row.count("|") == header.count("|")
        assert f"| {run.sad_radians:.4f} ({run.sad_radians:.4f}) | {run.rmse:.4f} ({run.rmse:.4f}) |" in row
        assert 0 < run.rmse < 0.5
        assert run.ratio is None


def test_the_summary_counts_wins_over_the_scenes(runs):
    first, second = (replace(run, rmse=rmse, sad_radians=0.1) for run, rmse in zip(runs, (0.1, 0.2), strict=True))
    other = [replace(first, scene="other", rmse=0.3), replace(second, scene="other", rmse=0.2, sad_radians=0.2)]
    assert summary([first, second, *other]).splitlines()[2:] == [
        "| vca_fcls | 2 | 0.2000 | 0.1000 | 1 | 2 | - |",
        "| archetypal | 2 | 0.2000 | 0.1500 | 1 | 1 | - |",
    ]
