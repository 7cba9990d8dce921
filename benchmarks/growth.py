"""How the seconds of training grow with bands, pixels and endmembers, on generated scenes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.inference import mixed_pixels
from benchmarks.tables import grid
from unmixing import unmix
from unmixing.specs import UnmixSpec
from unmixing.types import Compute

BANDS, SIDES, COUNTS = (50, 100, 200, 400), (50, 100, 200, 500), (3, 5, 7, 10)
USUAL_BANDS, USUAL_SIDE, USUAL_COUNT = 200, 100, 4


@dataclass(frozen=True)
class Trained:
    """One training: what was varied, to which value, and the seconds of its stages."""

    varied: str
    value: int
    stages: dict[str, float]


def measure_growth(threads: int) -> list[Trained]:
    """One quantity at a time, the others as usual."""
    rows = [("bands", n, n, USUAL_SIDE, USUAL_COUNT) for n in BANDS]
    rows += [("pixels", side * side, USUAL_BANDS, side, USUAL_COUNT) for side in SIDES]
    rows += [("endmembers", n, USUAL_BANDS, USUAL_SIDE, n) for n in COUNTS]
    return [Trained(name, value, _stages(bands, side, count, threads)) for name, value, bands, side, count in rows]


def _stages(n_bands: int, side: int, n_endmembers: int, threads: int) -> dict[str, float]:
    cube = mixed_pixels(side * side, n_bands, n_endmembers).reshape(side, side, n_bands)
    stages: dict[str, float] = unmix(
        cube, UnmixSpec(n_endmembers=n_endmembers), compute=Compute(threads=threads)
    ).metrics["seconds"]
    return stages


def exponent(rows: Sequence[Trained], varied: str) -> float:
    """The power of ``varied`` that the seconds before inference grow with, by least squares on logarithms."""
    chosen = [row for row in rows if row.varied == varied]
    seconds = [row.stages["total"] - row.stages["inference"] for row in chosen]
    return float(np.polyfit(np.log([row.value for row in chosen]), np.log(seconds), 1)[0])


def markdown(rows: Sequence[Trained]) -> str:
    """One row per training, and the exponents below."""
    stages = list(rows[0].stages)
    lines = grid(
        ["varied", "value", *stages],
        [[row.varied, str(row.value), *(f"{row.stages[name]:.2f}" for name in stages)] for row in rows],
    )
    powers = ", ".join(f"{varied} {exponent(rows, varied):.2f}" for varied in dict.fromkeys(row.varied for row in rows))
    return f"{lines}\n\nAll but the inference grows with the power: {powers}."
