"""The tables of benchmarks.speed and benchmarks.spread, from made-up measurements."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import growth, jobs, spread
from benchmarks.growth import Trained
from benchmarks.jobs import Job
from benchmarks.spread import Shared
from unmixing.specs import UnmixSpec


def trained(varied: str, power: float) -> list[Trained]:
    """Training grows with ``power``, inference with the square, which does not count."""
    values = (10, 20, 40)
    return [Trained(varied, n, {"training": n**power, "inference": n**2, "total": n**power + n**2}) for n in values]


def test_the_power_is_that_of_training_alone() -> None:
    rows = [*trained("bands", 0.5), *trained("pixels", 1.0)]
    assert growth.exponent(rows, "bands") == pytest.approx(0.5)
    assert growth.exponent(rows, "pixels") == pytest.approx(1.0)
    text = growth.markdown(rows)
    assert text.splitlines()[0] == "| varied | value | training | inference | total |"
    assert text.endswith("bands 0.50, pixels 1.00.")


def test_a_job_is_told_with_what_its_own_clock_does_not_see() -> None:
    text = jobs.markdown([Job("samson", 9.0, {"training": 5.0, "total": 7.5}, 0.019, None)])
    assert text.splitlines()[-1] == "| samson | 9.0 | 5.00 | 1.50 | 0.0190 | - |"


def test_several_workers_are_compared_with_the_fastest_run_of_one() -> None:
    runs = [
        Shared(100, 1, False, 12.0, 1, "a"),
        Shared(100, 1, False, 10.0, 1, "a"),
        Shared(100, 2, False, 5.0, 1, "a"),
        Shared(100, 2, True, 8.0, 2, "b"),
    ]
    rows = [line.split(" | ") for line in spread.markdown(runs).splitlines()[2:]]
    assert [row[4] for row in rows] == ["0.83", "1.00", "2.00", "1.25"]
    assert [row[6].strip(" |") for row in rows] == ["yes", "yes", "yes", "NO"]
    assert rows[3][2] == "one"


def test_growth_is_measured_on_the_sizes_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []

    def fake(cube: np.ndarray, spec: UnmixSpec, *, compute: object) -> SimpleNamespace:
        shapes.append((*cube.shape, spec.n_endmembers))
        return SimpleNamespace(metrics={"seconds": {"total": 1.0, "inference": 0.0}})

    monkeypatch.setattr(growth, "unmix", fake)
    monkeypatch.setattr(growth, "mixed_pixels", lambda n, bands, count: np.empty((n, bands), dtype=np.float32))
    rows = growth.measure_growth(1)
    assert [shape[2] for shape in shapes[:4]] == list(growth.BANDS)
    assert [row.value for row in rows[4:8]] == [shape[0] * shape[1] for shape in shapes[4:8]]
    assert [shape[3] for shape in shapes[8:]] == list(growth.COUNTS)
