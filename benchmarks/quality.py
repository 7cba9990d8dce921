"""How good the answers are: every method on every scene with truth, at one default, over several seeds.

    python -m benchmarks.quality --data FOLDER [--methods lpalm] [--seeds 5] [--out FILE.json]

A scene is an ``.npz`` with ``cube``, ``endmembers`` (n_endmembers, bands), ``abundances`` (rows, columns,
n_endmembers) and, where they apply, ``names``, ``scale`` and ``wavelengths_nm``. The number of endmembers is given;
nothing else of the truth is seen before the answer. Endmembers are matched by angle (Hungarian); SAD is the mean
angle in radians, RMSE and NMSE compare abundances that sum to one. Every run has a process of its own, so that
seconds and peak memory are its own too, imports included.
"""

import argparse
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from unmixing.io.truth import Judgement, judge, read_truth
from unmixing.methods import METHODS

DEFAULT_DATA = Path("..") / "shared" / "data"


@dataclass(frozen=True)
class Run:
    """One answer. Angles in radians, memory in MiB; ``ratio`` is the NMSE on held-out synthetic truth over that of
    the library with NNLS."""

    scene: str
    method: str
    seed: int
    sad_radians: float
    sad_each: dict[str, float]
    rmse: float
    nmse: float
    ratio: float | None
    seconds: float
    peak_mib: float


def measure(scene: Path, method: str, seed: int) -> Run:
    """Unmix one scene in this process and judge the answer."""
    started = time.perf_counter()
    from unmixing import unmix
    from unmixing.io import open_scene

    truth = read_truth(scene)
    assert truth is not None
    with open_scene([scene]) as reader:
        cube = reader.read()
    result = unmix(cube, n_endmembers=len(truth.endmembers), method=method, seed=seed)
    seconds = time.perf_counter() - started
    judged = judge(truth, result.endmembers, result.abundances)
    return _run(scene.stem, method, seed, judged, result.metrics.get("ratio_to_constant_answer"), seconds)


def _run(scene: str, method: str, seed: int, judged: Judgement | None, ratio: float | None, seconds: float) -> Run:
    if judged is None or judged.abundance_rmse is None or judged.abundance_nmse is None:
        raise SystemExit(f"{scene}: the answer cannot be compared with the truth in the file")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    each = dict(zip(judged.names, judged.sad_radians, strict=True))
    return Run(
        scene, method, seed, judged.mean_sad_radians, each, judged.abundance_rmse, judged.abundance_nmse, ratio,
        seconds, peak,
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


def markdown(runs: Sequence[Run]) -> str:
    """The table: median of the seeds, and the worst in brackets."""
    lines = [
        "| scene | method | SAD (rad) | RMSE | NMSE | held-out NMSE / library's | seconds | peak MiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for scene, method in dict.fromkeys((run.scene, run.method) for run in runs):
        group = [run for run in runs if (run.scene, run.method) == (scene, method)]
        cells = [
            _cell([run.sad_radians for run in group], 4),
            _cell([run.rmse for run in group], 4),
            _cell([run.nmse for run in group], 4),
            _cell([run.ratio for run in group if run.ratio is not None], 2),
            _cell([run.seconds for run in group], 1),
            _cell([run.peak_mib for run in group], 0),
        ]
        lines.append(f"| {scene} | {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(values: Sequence[float], digits: int) -> str:
    return f"{median(values):.{digits}f} ({max(values):.{digits}f})" if values else "-"


def scenes_with_truth(folder: Path) -> list[Path]:
    """The ``.npz`` scenes of a folder that carry endmembers and abundances."""
    scenes = []
    for path in sorted(folder.glob("*.npz")):
        truth = read_truth(path)
        if truth is not None and truth.abundances is not None:
            scenes.append(path)
    return scenes


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__.splitlines()[0])
    default = Path(os.environ.get("UNMIX_DATA", DEFAULT_DATA))
    parser.add_argument("--data", type=Path, default=default, help=f"folder of scenes (default: {default})")
    parser.add_argument("--methods", nargs="+", default=sorted(METHODS), choices=sorted(METHODS))
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0 to N-1 (default: 5)")
    parser.add_argument("--out", type=Path, help="write every run to this JSON file")
    arguments = parser.parse_args()
    scenes = scenes_with_truth(arguments.data)
    if not scenes:
        parser.error(f"--data {arguments.data}: no .npz with cube, endmembers and abundances in there")
    runs = measure_all(scenes, arguments.methods, arguments.seeds)
    print(markdown(runs))
    if arguments.out is not None:
        arguments.out.write_text(json.dumps([asdict(run) for run in runs], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
