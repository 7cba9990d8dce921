"""How fast a stored model is applied, beside the cost of touching the data once and of copying it; and whole jobs.

    python -m benchmarks.speed [--jobs] [--growth] [--large] [--disk] [--threads 1] [--repeats 5] [--out FILE.json]

Of applying a model the yardstick is one float32 matrix product of the same cube with a (200 x 32) matrix in NumPy, with
as many threads, in the same run; the least of all repeats counts. FCLS has the endmembers that the model found. From
disk to disk the yardstick reads all bands, and writes and compresses as many maps, through rasterio.
"""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks import growth, jobs
from benchmarks.disk import Streamed, measure_disk
from benchmarks.inference import Applied, measure_inference
from benchmarks.quality import DEFAULT_DATA, scenes_with_truth
from unmixing.types import Compute

SIZES, LARGE = [10**5, 10**6], 10**7
JOB_REPEATS = 3


def markdown(rows: Sequence[Applied]) -> str:
    """The table of applying a model."""
    lines = [
        "| pixels x bands | threads | matrix product (s) | model (s) | ratio | pixels/s | FCLS (s) | peak MiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.pixels} x {row.bands} | {row.threads} | {row.matmul_seconds:.3f} | {row.model_seconds:.3f} "
        f"| {row.ratio_to_matmul:.2f} | {row.pixels_per_second:.3g} | {row.fcls_seconds:.1f} | {row.peak_mib:.0f} |"
        for row in rows
    ]
    return "\n".join(lines)


def disk_markdown(rows: Sequence[Streamed]) -> str:
    """The table from disk to disk."""
    lines = ["| format | pixels | copy (s) | model (s) | ratio | peak MiB |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row.format} | {row.pixels} | {row.copy_seconds:.1f} | {row.model_seconds:.1f} "
        f"| {row.ratio_to_copy:.2f} | {row.peak_mib:.0f} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__.splitlines()[0])
    folder = Path(os.environ.get("UNMIX_DATA", DEFAULT_DATA))
    parser.add_argument("--jobs", action="store_true", help="also whole jobs over HTTP, on the scenes of --data")
    parser.add_argument("--data", type=Path, default=folder, help=f"folder of .npz with truth (default: {folder})")
    parser.add_argument("--growth", action="store_true", help="also training for more bands, pixels, endmembers")
    parser.add_argument("--large", action="store_true", help=f"also {LARGE} pixels, which take 8 GB of memory or disk")
    parser.add_argument("--disk", action="store_true", help="also from files to files, in the temporary folder")
    parser.add_argument("--threads", type=int, default=1, help="threads of both sides (default: 1)")
    parser.add_argument("--repeats", type=int, default=5, help="repeats, of which the fastest counts (default: 5)")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    arguments = parser.parse_args()
    sizes = [*SIZES, LARGE] if arguments.large else SIZES
    rows = measure_inference(sizes, threads=arguments.threads, repeats=arguments.repeats)
    print(markdown(rows))
    streamed: list[Streamed] = []
    if arguments.disk:
        streamed = measure_disk([*sizes[1:-1], sizes[-1] // 2, sizes[-1]], Compute(threads=arguments.threads))
        print("\n" + disk_markdown(streamed))
    done: list[jobs.Job] = []
    if arguments.jobs:
        done = jobs.measure_jobs(scenes_with_truth(arguments.data), JOB_REPEATS)
        print("\n" + jobs.markdown(done))
    grown: list[growth.Trained] = []
    if arguments.growth:
        grown = growth.measure_growth(arguments.threads)
        print("\n" + growth.markdown(grown))
    if arguments.out is not None:
        document = {
            "inference": [asdict(row) for row in rows],
            "disk": [asdict(row) for row in streamed],
            "jobs": [asdict(job) for job in done],
            "growth": [asdict(row) for row in grown],
        }
        arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
