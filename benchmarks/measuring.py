"""One answer to one scene, evaluated, in a process of its own."""

import multiprocessing
import resource
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from unmixing.io.inputs.truth import read_truth
from unmixing.simulation.evaluation import Evaluation, Truth, evaluate
from unmixing.specs import AbundancesOf


@dataclass(frozen=True)
class Run:
    """One answer, in the convention of the scene's truth. Angles in radians, memory in MiB; ``ratio`` is the NMSE on
    held-out synthetic truth over that of the library with least squares, ``coverage`` the share of the truth within the
    90 % intervals."""

    scene: str
    abundances_of: AbundancesOf
    method: str
    seed: int
    sad_radians: float
    sad_each: dict[str, float]
    rmse: float
    nmse: float
    ratio: float | None
    seconds: float
    peak_mib: float
    coverage: float | None = None


COUNTED: Mapping[str, AbundancesOf] = MappingProxyType({"samson": "shape", "jasper": "shape", "moffett": "area"})
"""Conventions of the usual scenes' truths, by file name: whether their makers divided pixels by their brightness."""


def truth_of(scene: Path) -> Truth:
    """The truth in a scene's file and what its abundances are shares of: as the file says, as is known of the usual
    scenes, else area."""
    truth = read_truth(scene)
    if truth is None:
        raise SystemExit(f"{scene} has no truth: endmembers, and abundances")
    return truth if truth.abundances_of else truth.counting(COUNTED.get(scene.stem, "area"))


def measure(scene: Path, method: str, seed: int) -> Run:
    """Unmix one scene in this process and evaluate the answer."""
    started = time.perf_counter()
    from unmixing import unmix
    from unmixing.io.inputs.scenes import open_scene
    from unmixing.specs import UnmixSpec

    truth = truth_of(scene)
    assert truth.abundances_of is not None
    with open_scene([scene]) as reader:
        cube = reader.read()
    count, counted = len(truth.endmembers), truth.abundances_of
    result = unmix(cube, UnmixSpec(n_endmembers=count, method=method, seed=seed, abundances_of=counted))
    seconds = time.perf_counter() - started
    evaluation = evaluate(truth, result.endmembers, result.abundances, result.uncertainty)
    ratio = result.metrics.get("ratio_to_constant_answer")
    return _run((scene.stem, counted), (method, seed), evaluation, ratio, seconds)


def _run(
    scene: tuple[str, AbundancesOf], what: tuple[str, int], evaluation: Evaluation | None, ratio: float | None,
    seconds: float,
) -> Run:  # fmt: skip
    if evaluation is None or evaluation.abundance_rmse is None or evaluation.abundance_nmse is None:
        raise SystemExit(f"{scene[0]}: the answer cannot be compared with the truth in the file")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    each = dict(zip(evaluation.names, evaluation.sad_radians, strict=True))
    return Run(
        *scene, *what, evaluation.mean_sad_radians, each, evaluation.abundance_rmse, evaluation.abundance_nmse,
        ratio, seconds, peak, evaluation.abundance_coverage,
    )  # fmt: skip


def measure_all(scenes: Iterable[Path], methods: Sequence[str], n_seeds: int) -> list[Run]:
    """Every scene with every method and seeds 0 to n_seeds - 1, one fresh process each."""
    runs = []
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn, max_tasks_per_child=1) as pool:
        for scene in scenes:
            for method in methods:
                for seed in range(n_seeds):
                    runs.append(pool.submit(measure, scene, method, seed).result())
                    print(_line(runs[-1]), file=sys.stderr, flush=True)
    return runs


def _line(run: Run) -> str:
    return f"{run.scene} {run.method} seed {run.seed}: SAD {run.sad_radians:.4f}, RMSE {run.rmse:.4f}"
