"""How often 90 % intervals hold the truth, by kind of scene: ``python -m benchmarks.coverage [--library FILE ...]``.

Scenes of every kind are made from seeds of their own, so that ``--first`` gives scenes that nobody has seen; with a
library of measured spectra two more kinds come in, under relief and with spectra that drift. Truth in shares of area.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.drifting import drifting_scene
from benchmarks.generated import SNRS_DB, save_scene
from benchmarks.measuring import Run, measure_all
from benchmarks.tables import grid
from unmixing.io.inputs.libraries import read_library
from unmixing.simulation.generated import GeneratedScene, generate_scene
from unmixing.types import SpectralLibrary

Make = Callable[[np.random.Generator, int, float], GeneratedScene]
"""From random numbers, how many materials and the SNR in dB to a scene."""

MOST_MATERIALS = 8


def kinds(library: SpectralLibrary | None) -> dict[str, Make]:
    """The kinds of scenes: name -> how one is made."""
    found: dict[str, Make] = {
        "pure pixels": lambda rng, n, snr: generate_scene(rng, n_endmembers=n, snr_db=snr),
        "pure pixels under relief": lambda rng, n, snr: generate_scene(rng, n_endmembers=n, snr_db=snr, brightness=0.3),
        "pure pixels that vary": lambda rng, n, snr: generate_scene(rng, n_endmembers=n, snr_db=snr, variability=0.2),
        "at most 0.85 pure": lambda rng, n, snr: generate_scene(rng, n_endmembers=n, snr_db=snr, pure_pixels=False),
        "at most 0.7 pure": lambda rng, n, snr: generate_scene(
            rng, n_endmembers=n, snr_db=snr, pure_pixels=False, largest=0.7
        ),
    }
    if library is not None:
        found["drifting, pure pixels"] = lambda rng, n, snr: drifting_scene(rng, library, n, snr, None)
        found["drifting, at most 0.7 pure"] = lambda rng, n, snr: drifting_scene(rng, library, n, snr, 0.7)
    return found


def write_scene(folder: Path, kind: str, make: Make, seed: int) -> Path:
    """A scene of this kind and seed in a file; seeds take turns in the number of materials and the noise."""
    n_endmembers = 3 + seed % (MOST_MATERIALS - 2)
    scene = make(np.random.default_rng(seed), n_endmembers, SNRS_DB[seed % len(SNRS_DB)])
    return save_scene(folder / f"{kind.replace(' ', '-').replace(',', '')}-{seed}.npz", scene)


def markdown(runs: dict[str, list[Run]]) -> str:
    """A row for every kind, and one for all scenes."""
    everything = [run for group in runs.values() for run in group]
    rows = [_row(kind, group) for kind, group in runs.items()]
    return grid(
        ["scenes", "number", "in 90 % intervals: mean (least)", "median RMSE"], [*rows, _row("all", everything)]
    )


def _row(kind: str, runs: list[Run]) -> list[str]:
    covered = [run.coverage for run in runs if run.coverage is not None]
    return [
        kind,
        str(len(runs)),
        f"{mean(covered):.2f} ({min(covered):.2f})",
        f"{median(run.rmse for run in runs):.3f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=6, help="of every kind (default: 6)")
    parser.add_argument("--first", type=int, default=0, help="seed of the first; others follow (default: 0)")
    parser.add_argument("--library", type=Path, nargs="+", help="files of a spectral library, for two more kinds")
    arguments = parser.parse_args()
    library = None if arguments.library is None else read_library(arguments.library)
    seeds = range(arguments.first, arguments.first + arguments.scenes)
    runs: dict[str, list[Run]] = {}
    with TemporaryDirectory() as folder:
        for kind, make in kinds(library).items():
            paths = [write_scene(Path(folder), kind, make, seed) for seed in seeds]
            runs[kind] = measure_all(paths, ["lpalm"], 1)
    print(markdown(runs))


if __name__ == "__main__":
    main()
