"""The benchmark of mixture matrices, on a tiny made-up Cassiopeia A."""

import json

import numpy as np
import pytest

from benchmarks import astro
from benchmarks.astro_data import read_cassiopeia
from benchmarks.astro_methods import Answer, Ready
from tests.laws.test_separation_laws import curves


@pytest.fixture
def folder(tmp_path):
    matrices = np.concatenate([curves(30), curves(30)[:, :1]], axis=1)
    matrices[:, 3] = matrices[:, 3, ::-1]
    images = np.abs(np.random.default_rng(0).standard_normal((4, 12, 12))) ** 3
    np.savez(tmp_path / "casa.npz", mixing_matrices=matrices.transpose(0, 2, 1), sources=images)
    return tmp_path


def test_the_test_set_is_least_like_the_first_matrix(folder):
    data = read_cassiopeia(folder / "casa.npz")
    first = data.training[0]
    likeness = [float((matrix * first).sum()) for matrix in (*data.test, *data.training)]
    assert len(data.test) == 5
    assert max(likeness[:5]) <= min(likeness[5:])
    np.testing.assert_allclose(np.linalg.norm(data.sources, axis=0), 1.0)


def test_every_method_has_a_row_per_protocol(folder, capsys):
    astro.main(["--data", str(folder), "--quick", "--threads", "1", "--realistic", "1", "--blind", "0",
                "--out", str(folder / "runs.json")])  # fmt: skip
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    palm = ["PALM (", "ISTA (", "PALM, LPALM's start", "least squares, LPALM's start"]
    methods = ["LPALM", "LISTA", "LISTA-CP", "DNMF", *palm]
    assert [row[0] for row in rows] == ["| synthetic"] * 8 + ["| realistic"] * 8
    for row, name in zip(rows, methods * 2, strict=True):
        assert row[1].startswith(name)
    runs = json.loads((folder / "runs.json").read_text())
    assert len(runs) == 8 * (5 + 1)
    assert all(0 < run["nmse_sources"] < np.inf for run in runs)


def test_a_source_under_another_name_is_wrong_by_name_alone():
    rng = np.random.default_rng(0)
    sources, matrix = rng.standard_normal((50, 3)), curves(1)[0]
    swapped = Ready("swapped", 0.0, 0, lambda mixtures: Answer(-sources[:, [1, 0, 2]], -matrix[[1, 0, 2]], 1))
    run = astro.evaluate("synthetic", swapped, 0, sources @ matrix, sources, matrix)
    assert run.nmse_sources == pytest.approx(0, abs=1e-12)
    assert run.nmse_mixing_matrix == pytest.approx(0, abs=1e-12)
    assert run.nmse_sources_as_named > 1
    assert run.nmse_mixing_matrix_as_named > 1


def test_one_part_alone_and_a_random_split(folder, capsys):
    small = ["--quick", "--threads", "1", "--realistic", "1", "--blind", "1"]
    astro.main(["--data", str(folder / "nothing"), "--only", "blind", *small])
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[0] for row in rows] == ["| without a library"] * 3
    assert all(row[5:7] == ["-", "-"] for row in rows)
    first, again, other = (read_cassiopeia(folder / "casa.npz", split).test for split in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
