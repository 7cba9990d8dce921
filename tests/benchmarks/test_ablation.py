"""The ablation changes what it says it changes, and nothing else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("prosail")

from benchmarks import ablation
from benchmarks.ablation import DEFAULT, LIBRARY_ALONE, answers, beside_library, table
from benchmarks.generated import write_scenes
from unmixing.specs import LpalmSpec

TINY = LpalmSpec(n_runs=3, max_epochs=2, n_training_sets=16, n_validation_sets=8)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("scenes"), 1, side=24)[0]


def test_every_substitution_has_its_place_and_changes_the_answer(scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced = {name: variant for name, variant in ablation.VARIANTS.items() if variant.replaced}
    tiny = {name: replace(variant, spec=TINY) for name, variant in replaced.items()}
    monkeypatch.setattr(ablation, "VARIANTS", {DEFAULT: ablation.Variant(TINY), "again": ablation.Variant(TINY)} | tiny)
    found = {answer.variant: answer for answer in answers(scene, 0, [DEFAULT, *tiny, "again"], True)}
    default = found.pop(DEFAULT)
    assert found.pop("again").rmse == default.rmse, "a substitution stayed in place"
    assert all(answer.rmse != default.rmse for answer in found.values())


def test_the_tables_hold_a_row_for_each(scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ablation, "VARIANTS", {DEFAULT: ablation.Variant(TINY)})
    found = answers(scene, 0, [LIBRARY_ALONE, DEFAULT], True)
    assert all(np.isfinite([answer.rmse, answer.sad_radians]).all() for answer in found)
    assert [line.split(" | ")[0] for line in table(found).splitlines()[2:]] == [f"| {LIBRARY_ALONE}", f"| {DEFAULT}"]
    assert scene.stem in beside_library(found)
    measured = table([replace(answer, generated=False) for answer in found])
    assert scene.stem in measured.splitlines()[0]
    assert "generated: SAD / RMSE" not in measured
