"""The pictures of unrolling: what is counted is what is said, and both are drawn."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("prosail")

from benchmarks import unrolling
from benchmarks.astro_data import synthetic
from benchmarks.generated import write_scenes
from benchmarks.unrolling_images import METHODS, QUICK, Row, context_of, held_out_errors, networks
from benchmarks.unrolling_mixtures import PALM, generated_matrices, palm_points, scaled, steps_to_reach
from benchmarks.unrolling_pictures import LINE_POINTS, _apart
from unmixing.algorithms.metrics import nmse
from unmixing.algorithms.signed_palm import signed_palm
from unmixing.networks.training import recipes
from unmixing.specs import ListaSpec, NalmuSpec


def test_tables_pictures_and_numbers_come_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "errors.json"
    unrolling.main(["--quick", "--data", str(tmp_path), "--images", str(tmp_path), "--out", str(out)])
    printed = capsys.readouterr().out
    assert "generated smooth columns" in printed
    assert all(f"\n| {method} | " in printed for method in METHODS)
    for name in ("unrolling-mixtures.png", "unrolling-images.png"):
        picture = (tmp_path / name).read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) < 150_000
    document = json.loads(out.read_text())
    assert {(row["method"], row["n_layers"]) for row in document["images"]} > {
        (method, n_layers) for method in METHODS for n_layers in QUICK.layers
    }
    assert all(0 < row["abundances"] < 1 and 0 < row["endmembers"] < 1 for row in document["images"])
    palm = [point["sources"]["median"] for point in document["mixtures"] if point["method"] == PALM]
    assert palm[-1] < palm[0], "PALM did not get better"


def test_iterations_are_those_of_palm() -> None:
    matrices = generated_matrices(np.random.default_rng(0))
    sets = scaled(synthetic(matrices.test[:2], seed=1))
    starts = np.broadcast_to(matrices.training.mean(axis=0), sets.mixing_matrices.shape)
    _, point = palm_points(PALM, sets, starts, 0.02, (1, 7))
    errors = []
    for mixtures, start, sources in zip(sets.mixtures, starts, sets.sources, strict=True):
        found = signed_palm(mixtures, start, 0.02, max_iterations=7, tolerance=0.0)
        errors.append(nmse(found.contributions * np.linalg.norm(found.endmembers, axis=1), sources))
    assert point.n_steps == 7
    assert point.sources.mean == pytest.approx(np.mean(errors), rel=1e-9)


def test_steps_to_reach_are_the_first_that_are_as_good() -> None:
    matrices = generated_matrices(np.random.default_rng(0))
    sets = scaled(synthetic(matrices.test[:2], seed=1))
    starts = np.broadcast_to(matrices.training.mean(axis=0), sets.mixing_matrices.shape)
    points = palm_points(PALM, sets, starts, 0.02, (1, 4, 16, 64))
    assert steps_to_reach(points, PALM, points[2])[0] == 16
    assert steps_to_reach(points[:2], PALM, points[2])[0] is None


def test_the_nalmu_inside_almu_is_nalmu(tmp_path: Path) -> None:
    # Long enough for NALMU to become better than it began.
    training = QUICK.training.model_copy(update={"max_epochs": 6, "n_training_sets": 48, "n_validation_sets": 24})
    context, held_out = context_of(write_scenes(tmp_path, 2, side=16)[1], replace(QUICK, training=training))
    found = dict(networks(context, 2, training))
    assert tuple(found) == METHODS
    assert all(network.n_layers == 2 for network in found.values())
    spec = NalmuSpec(n_layers=2, max_epochs=training.max_epochs)
    alone, _ = recipes.nalmu(spec).fit(context)
    assert held_out_errors(found["NALMU"], held_out) == held_out_errors(alone, held_out)
    assert held_out_errors(found["MU"], held_out) != held_out_errors(alone, held_out)


def test_endmembers_are_compared_in_all_bands(tmp_path: Path) -> None:
    context, held_out = context_of(write_scenes(tmp_path, 1, side=16)[0], QUICK)
    network = recipes.lista(ListaSpec(n_layers=1, max_epochs=1)).fit(context)[0]
    with torch.no_grad():
        spectra = network.lift(network.reference).double().numpy()
    expected = ((spectra - held_out.endmembers) ** 2).sum(axis=2).mean()
    assert held_out_errors(network, held_out).endmembers == pytest.approx(expected, rel=1e-6)


def test_the_table_names_the_scenes_where_the_order_does_not_hold() -> None:
    def scene(name: str, almu: float, nalmu: float, mu: float) -> list[Row]:
        errors = zip(unrolling.ORDER, (almu, nalmu, mu), strict=True)
        return [Row(name, method, 4, error, 0.1) for method, error in errors]

    lines = unrolling.order_table([*scene("holds", 0.1, 0.2, 0.2), *scene("fails", 0.3, 0.2, 0.4)]).splitlines()[2:]
    assert lines == [
        "| 4 | abundances | 1 of 2 | 2 of 2 | fails |",
        "| 4 | endmembers | 2 of 2 | 2 of 2 | - |",
    ]


def test_names_keep_their_order_and_their_distance() -> None:
    heights = np.array([0.0, 1.0, 2.0, 100.0])
    apart = _apart(heights)
    assert (np.diff(apart) >= LINE_POINTS - 1e-9).all()
    assert apart[:3].mean() == pytest.approx(1.0)
    assert apart[3] == 100.0
