"""The benchmark of mixture matrices, on a tiny made-up Cassiopeia A."""

import json

import numpy as np
import pytest

from benchmarks import astro
from benchmarks.astro_data import read_cassiopeia
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
    methods = ["LPALM", "LISTA", "LISTA-CP", "DNMF", "PALM (", "ISTA (", "PALM, LPALM's start"]
    assert [row[0] for row in rows] == ["| synthetic"] * 7 + ["| realistic"] * 7
    for row, name in zip(rows, methods * 2, strict=True):
        assert row[1].startswith(name)
    runs = json.loads((folder / "runs.json").read_text())
    assert len(runs) == 7 * (5 + 1)
    assert all(0 < run["nmse_sources"] < np.inf for run in runs)
