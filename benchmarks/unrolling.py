"""Gains by unrolling: LPALM beside PALM step by step, and six networks at equal layers.

    python -m benchmarks.unrolling [--data FOLDER] [--generated 6] [--images FOLDER] [--out FILE.json] [--quick]

Mixture matrices: those of ``casa.npz`` in FOLDER, else generated ones. Synthetic mixtures of the test matrices (sparse
sources of shape 0.3, 500 samples, 30 dB) are separated by PALM, whose threshold was tuned on mixtures of training
matrices, and by LPALM, trained on mixtures of training matrices; NMSE after every layer and many an iteration.
Images: every scene with truth in FOLDER, and generated ones. Networks are trained on synthetic sets of the scene's own
library and variability, one network for each number of layers, and evaluated on further such sets.
Both pictures go to ``--images``.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from threadpoolctl import threadpool_limits

from benchmarks import unrolling_images, unrolling_mixtures
from benchmarks.generated import write_scenes
from benchmarks.quality import DEFAULT_DATA, scenes_with_truth
from benchmarks.unrolling_images import LIBRARY, METHODS, Row, over_scenes
from benchmarks.unrolling_mixtures import (
    LAYER_BY_LAYER,
    PALM,
    PALM_STARTED,
    Point,
    mixing_matrices,
    steps_to_reach,
)
from benchmarks.unrolling_pictures import draw_images, draw_mixtures

ORDER = "ALMU", "NALMU", "MU"
"""From the one with the smallest errors, as their authors have it."""
QUICK_SIDE = 16


def mixtures_table(points: Sequence[Point]) -> str:
    """A row per network and layer, and for PALM per factor of ten; medians, means in brackets."""
    lines = [
        "| method | layers or iterations | NMSE of S, median (mean) | NMSE of A, median (mean) |",
        "|---|---|---|---|",
    ]
    for point in points:
        if point.method not in (PALM, PALM_STARTED) or point.n_steps in _shown(points):
            name = point.method if point.threshold is None else f"{point.method} (threshold {point.threshold:g})"
            lines.append(
                f"| {name} | {point.n_steps} | {point.sources.median:.5f} ({point.sources.mean:.5f}) "
                f"| {point.mixing_matrix.median:.5f} ({point.mixing_matrix.mean:.5f}) |"
            )
    return "\n".join(lines)


def reach_table(points: Sequence[Point]) -> str:
    """A row per factor of ten of PALM's iterations: the first layer of the deepest LPALM with medians as small."""
    lines = [
        f"| iterations | {PALM}: S | {PALM}: A | {PALM_STARTED}: S | {PALM_STARTED}: A |",
        "|---|---|---|---|---|",
    ]
    plain, started = ([point for point in points if point.method == name] for name in (PALM, PALM_STARTED))
    for targets in zip(plain, started, strict=True):
        if targets[0].n_steps in _shown(points):
            counts = [count for target in targets for count in steps_to_reach(points, LAYER_BY_LAYER, target)]
            cells = " | ".join("none" if count is None else str(count) for count in counts)
            lines.append(f"| {targets[0].n_steps} | {cells} |")
    return "\n".join(lines)


def _shown(points: Sequence[Point]) -> tuple[int, ...]:
    """PALM's iterations that have a row."""
    return 1, 10, 100, 1_000, max(point.n_steps for point in points)


def images_table(rows: Sequence[Row]) -> str:
    """A row per method, a column per number of layers: NMSE of abundances / of endmembers, geometric means over the
    scenes."""
    layers = sorted({row.n_layers for row in rows if row.n_layers})
    lines = [
        "| method | " + " | ".join(f"{n_layers} layer{'s' * (n_layers > 1)}" for n_layers in layers) + " |",
        "|---|" + "---|" * len(layers),
        f"| {LIBRARY} | " + " | ".join([_cell(rows, LIBRARY, 0)] * len(layers)) + " |",
    ]
    for method in METHODS:
        lines.append(f"| {method} | " + " | ".join(_cell(rows, method, n_layers) for n_layers in layers) + " |")
    return "\n".join(lines)


def _cell(rows: Sequence[Row], method: str, n_layers: int) -> str:
    errors = over_scenes(rows, method, n_layers)
    return f"{errors.abundances:.5f} / {errors.endmembers:.6f}"


def scenes_table(rows: Sequence[Row]) -> str:
    """A row per scene: NMSE of abundances / of endmembers of every method with the most layers."""
    deepest = max(row.n_layers for row in rows)
    columns = [(LIBRARY, 0), *((method, deepest) for method in METHODS)]
    lines = ["| scene | " + " | ".join(method for method, _ in columns) + " |", "|---|" + "---|" * len(columns)]
    for scene in dict.fromkeys(row.scene for row in rows):
        mine = [row for row in rows if row.scene == scene]
        lines.append(f"| {scene} | " + " | ".join(_cell(mine, *column) for column in columns) + " |")
    return "\n".join(lines)


def order_table(rows: Sequence[Row]) -> str:
    """On how many scenes ALMU <= NALMU <= MU holds, and where it does not.

    One layer's abundances are left out: no mask acts on them, so the three differ by rounding alone.
    """
    errors = {(row.scene, row.method, row.n_layers): row for row in rows}
    scenes = list(dict.fromkeys(row.scene for row in rows))
    lines = ["| layers | quantity | ALMU <= NALMU | NALMU <= MU | not on |", "|---|---|---|---|---|"]
    for n_layers in sorted({row.n_layers for row in rows if row.n_layers}):
        for quantity in ("abundances", "endmembers") if n_layers > 1 else ("endmembers",):
            triples = [[getattr(errors[scene, method, n_layers], quantity) for method in ORDER] for scene in scenes]
            first = [almu <= nalmu for almu, nalmu, _ in triples]
            second = [nalmu <= mu for _, nalmu, mu in triples]
            out = [scene for scene, *held in zip(scenes, first, second, strict=True) if not all(held)]
            lines.append(
                f"| {n_layers} | {quantity} | {sum(first)} of {len(scenes)} | {sum(second)} of {len(scenes)} "
                f"| {', '.join(out) or '-'} |"
            )
    return "\n".join(lines)


def image_rows(folder: Path, n_generated: int, quick: bool) -> list[Row]:
    """Every method on the scenes of ``folder`` and on generated ones; quick: on one small generated scene."""
    with TemporaryDirectory() as scratch:
        if quick:
            scenes, size = write_scenes(Path(scratch), 1, side=QUICK_SIDE), unrolling_images.QUICK
        else:
            scenes, size = (
                [*scenes_with_truth(folder), *write_scenes(Path(scratch), n_generated)],
                unrolling_images.FULL,
            )
        return [row for scene in scenes for row in unrolling_images.rows(scene, size, _print_progress)]


def _print_progress(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unrolling", description=__doc__.splitlines()[0])
    default = Path(os.environ.get("UNMIX_DATA", DEFAULT_DATA))
    parser.add_argument(
        "--data", type=Path, default=default, help=f"folder of casa.npz and scenes (default: {default})"
    )
    parser.add_argument("--generated", type=int, default=6, help="scenes to generate (default: 6)")
    parser.add_argument("--threads", type=int, default=1, help="threads to compute with (default: 1)")
    parser.add_argument("--quick", action="store_true", help="tiny networks, one small scene: whether it runs, no more")
    parser.add_argument("--images", type=Path, help="write the two pictures into this folder")
    parser.add_argument("--out", type=Path, help="write every error to this JSON file")
    chosen = parser.parse_args(arguments)
    matrices = mixing_matrices(chosen.data)
    torch.set_num_threads(chosen.threads)
    with threadpool_limits(chosen.threads):
        size = unrolling_mixtures.QUICK if chosen.quick else unrolling_mixtures.FULL
        points = unrolling_mixtures.curves(matrices, size, _print_progress)
        rows = image_rows(chosen.data, chosen.generated, chosen.quick)
    print(f"Mixture matrices ({matrices.words}):\n\n{mixtures_table(points)}\n")
    print(f"The layer after which the deepest LPALM has medians as small as PALM:\n\n{reach_table(points)}\n")
    print(f"Images, NMSE of abundances / of endmembers on held-out synthetic sets:\n\n{images_table(rows)}\n")
    print(f"Scene by scene, with the most layers:\n\n{scenes_table(rows)}\n")
    print(f"Whether ALMU <= NALMU <= MU:\n\n{order_table(rows)}")
    if chosen.images is not None:
        chosen.images.mkdir(parents=True, exist_ok=True)
        draw_mixtures(points, chosen.images / "unrolling-mixtures.png")
        draw_images(rows, chosen.images / "unrolling-images.png")
    if chosen.out is not None:
        document = {
            "matrices": matrices.words,
            "mixtures": [asdict(point) for point in points],
            "images": [asdict(row) for row in rows],
        }
        chosen.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
