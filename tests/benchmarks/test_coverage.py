"""benchmarks.coverage makes scenes of every kind and counts what their intervals hold."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("prosail", reason="generated scenes need prosail")

from benchmarks.coverage import kinds, markdown, write_scene
from benchmarks.measuring import Run, truth_of
from unmixing.types import SpectralLibrary

RUN = Run("a", "area", "lpalm", 0, 0.1, {}, 0.1, 0.1, 0.5, 1.0, 1.0, coverage=0.9)


def library() -> SpectralLibrary:
    spectra = np.random.default_rng(0).random((12, 30))
    spectra[0, 3] = np.nan
    return SpectralLibrary(tuple(f"material {row}" for row in range(12)), np.linspace(400, 900, 30), spectra)


@pytest.mark.parametrize("kind", list(kinds(library())))
def test_scenes_of_every_kind_carry_their_truth(kind: str, tmp_path: Path) -> None:
    path = write_scene(tmp_path, kind, kinds(library())[kind], seed=1)
    truth = truth_of(path)
    assert truth.abundances_of == "area"
    assert truth.endmembers.shape[0] == 4
    assert truth.abundances is not None
    np.testing.assert_allclose(truth.abundances.sum(axis=2), 1.0, atol=1e-5)
    purest = {"0.85": 0.85, "0.7": 0.7}.get(kind.partition("most ")[2].partition(" ")[0], 1.0)
    assert truth.abundances.max() <= purest + 1e-6
    assert (truth.abundances.max() == 1.0) == ("most" not in kind)
    assert path.read_bytes() == write_scene(tmp_path, kind, kinds(library())[kind], seed=1).read_bytes()


def test_a_library_of_like_spectra_is_refused(tmp_path: Path) -> None:
    alike = replace(library(), spectra=1 + 0.001 * library().spectra)
    with pytest.raises(ValueError, match="the library has 1 spectra"):
        write_scene(tmp_path, "drifting", kinds(alike)["drifting, pure pixels"], seed=1)


def test_the_table_says_the_mean_and_the_least() -> None:
    table = markdown({"pure": [RUN, replace(RUN, coverage=0.7)], "mixed": [replace(RUN, coverage=0.5)]})
    assert table.splitlines()[2:] == [
        "| pure | 2 | 0.80 (0.70) | 0.100 |",
        "| mixed | 1 | 0.50 (0.50) | 0.100 |",
        "| all | 3 | 0.70 (0.50) | 0.100 |",
    ]
