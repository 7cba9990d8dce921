"""How good the answers are: every method on every scene with truth, at one default, over several seeds.

    python -m benchmarks.quality [--data FOLDER] [--generated 10] [--methods lpalm ...] [--seeds 5] [--out FILE.json]

A scene is an ``.npz`` with ``cube``, ``endmembers`` (n_endmembers, bands), ``abundances`` (rows, columns,
n_endmembers) and, where they apply, ``names``, ``scale``, ``wavelengths_nm`` and ``abundances_of`` (``area`` or
``shape``: what its truth counts, and so what the answer is asked for). Generated scenes are written like
that too (``benchmarks/generated.py``), and summed up per method. The number of endmembers is given; nothing else of
the truth is seen before the answer. Endmembers are matched by angle (Hungarian); SAD is the mean angle in radians,
RMSE and NMSE compare abundances that sum to one. Every run has a process of its own, so that seconds and peak memory
are its own too, imports included.
"""

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.generated import write_scenes
from benchmarks.measuring import measure_all
from benchmarks.tables import markdown, summary
from unmixing.io.inputs.truth import read_truth
from unmixing.methods import METHODS

DEFAULT_DATA = Path("..") / "shared" / "data"


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
    parser.add_argument("--data", type=Path, help=f"folder of scenes (default: {default}, when there)")
    parser.add_argument("--generated", type=int, default=10, help="scenes to generate, 0 for none (default: 10)")
    parser.add_argument("--methods", nargs="+", default=sorted(METHODS), choices=sorted(METHODS))
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0 to N-1 (default: 5)")
    parser.add_argument("--out", type=Path, help="write every run to this JSON file")
    arguments = parser.parse_args()
    scenes = scenes_with_truth(arguments.data or default)
    if not scenes and (arguments.data is not None or arguments.generated < 1):
        parser.error(f"--data {arguments.data or default}: no .npz with cube, endmembers and abundances in there")
    with TemporaryDirectory() as folder:
        made = write_scenes(Path(folder), arguments.generated)
        runs = measure_all(scenes, arguments.methods, arguments.seeds)
        generated = measure_all(made, arguments.methods, arguments.seeds)
    print(markdown(runs + generated))
    if generated:
        print("\nThe generated scenes together:\n")
        print(summary(generated))
    if arguments.out is not None:
        document = [asdict(run) for run in runs + generated]
        arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
