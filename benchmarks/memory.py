"""Peak memory and seconds of a whole `unmix run`, training included, on scenes from small to large.

    python -m benchmarks.memory [--pixels 250000 1000000 4000000] [--methods lpalm nmf]

Scenes are float32 ENVI files of 200 bands, made in the temporary folder. Every run is a process of its own, with the
number of endmembers given and without; memory is the most it had, imports and mapped pages included.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.disk import BANDS, COLUMNS, N_ENDMEMBERS, write_scene
from benchmarks.tables import grid

PIXELS = (250_000, 1_000_000, 4_000_000)
LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class WholeRun:
    """One run of the command line. n_endmembers: as given, None when it was estimated."""

    pixels: int
    method: str
    n_endmembers: int | None
    seconds: float
    peak_mib: float


def measure_memory(pixels: Sequence[int], methods: Sequence[str]) -> list[WholeRun]:
    """Every method on every size, with the number of endmembers and without."""
    runs = []
    for n_pixels in pixels:
        with TemporaryDirectory() as folder:
            scene = write_scene(Path(folder), "ENVI", n_pixels // COLUMNS)
            for method in methods:
                runs += [_run(scene, n_pixels, method, count) for count in (N_ENDMEMBERS, None)]
    return runs


def _run(scene: Path, n_pixels: int, method: str, count: int | None) -> WholeRun:
    with TemporaryDirectory(dir=scene.parent) as out:
        command = [sys.executable, "-m", "cli.main", "run", str(scene), "--method", method, "-o", f"{out}/result"]
        command += [] if count is None else ["-p", str(count)]
        started = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
            peak = _peak_mib(child)
        seconds = time.perf_counter() - started
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {child.returncode}")
    return WholeRun(n_pixels, method, count, seconds, peak)


def _peak_mib(child: subprocess.Popen[bytes]) -> float:
    """The most memory the process had; what getrusage says begins at the size of the process that started it."""
    peak, status = 0.0, Path(f"/proc/{child.pid}/status")
    while child.poll() is None:
        found = status.read_text(encoding="ascii").partition("VmHWM:")[2].split()
        peak = float(found[0]) / 1024 if found else peak
        time.sleep(LOOK_SECONDS)
    return peak


def markdown(runs: Sequence[WholeRun]) -> str:
    """One row per run."""
    return grid(
        [f"pixels x {BANDS} bands", "method", "endmembers", "seconds", "peak MiB"],
        [
            [
                str(run.pixels),
                run.method,
                "estimated" if run.n_endmembers is None else str(run.n_endmembers),
                f"{run.seconds:.0f}",
                f"{run.peak_mib:.0f}",
            ]
            for run in runs
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__.splitlines()[0])
    parser.add_argument("--pixels", type=int, nargs="+", default=PIXELS, help=f"sizes (default: {PIXELS})")
    parser.add_argument("--methods", nargs="+", default=["lpalm"], help="rows of METHODS (default: lpalm)")
    arguments = parser.parse_args()
    print(markdown(measure_memory(arguments.pixels, arguments.methods)))


if __name__ == "__main__":
    main()
