"""Ablation of LPALM's default, part by part: ``python -m benchmarks.ablation``.

Every row is the default with one part taken out or changed, on every scene with truth and on generated ones. The
library of a scene and a seed is extracted once and shared by all rows that do not change it. The first row is the
library alone: its reference endmembers with least squares and brightness near 1, what LPALM starts from.
"""

import argparse
import json
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.generated import write_scenes
from benchmarks.measuring import truth_of
from benchmarks.quality import DEFAULT_DATA, scenes_with_truth
from unmixing import unmix
from unmixing.algorithms.abundances import split_brightness
from unmixing.algorithms.bundles import Bundles, extract_bundles
from unmixing.inference.images import CubeImage
from unmixing.inference.training_images import TrainingImage, training_image
from unmixing.io.inputs.scenes import open_scene
from unmixing.networks.training.selfsupervised import train_lpalm
from unmixing.networks.training.task import TrainingTask
from unmixing.networks.unrolled import Unrolled
from unmixing.progress import silent
from unmixing.simulation.dirichlet import DirichletMixture
from unmixing.simulation.evaluation import evaluate
from unmixing.simulation.training_sets import SceneModel
from unmixing.simulation.truth import SharedTruth
from unmixing.specs import LpalmSpec, UnmixSpec
from unmixing.types import Float32, Float64

LIBRARY_ALONE, DEFAULT = "library and least squares alone", "the default"

EXTRACTION = "unmixing.simulation.truth.extract_bundles"


@dataclass(frozen=True)
class Variant:
    """The default but for ``spec``, and for what stands in for the things at these dotted names. own_library: whether
    that changes how the library is extracted."""

    spec: LpalmSpec = field(default_factory=LpalmSpec)
    replaced: Mapping[str, object] = field(default_factory=dict)
    own_library: bool = False


@dataclass(frozen=True)
class Answer:
    """One evaluated answer; ``ratio``: see ``measuring.Run``."""

    scene: str
    variant: str
    seed: int
    generated: bool
    sad_radians: float
    rmse: float
    ratio: float | None
    coverage: float | None


def _white_noise(scene: SceneModel, abundances: Float64, brightness: Float64, rng: np.random.Generator) -> Float64:
    """Disturbance by the sensor alone: what differs between neighbouring bands of the residuals."""
    deviation = np.diff(scene.residuals, axis=1).std() / np.sqrt(2)
    noise: Float64 = deviation * rng.standard_normal((len(abundances), scene.residuals.shape[1]))
    return noise


def _uniform_mixture(abundances: Float64, brightness: Float64, *_: object, **__: object) -> DirichletMixture:
    logs = np.log(brightness)
    one = np.ones(1)
    return DirichletMixture(one, np.ones((1, abundances.shape[1])), logs.mean() * one, logs.std() * one, 0.0)


def _same_endmembers(network: object, layer: int, pixels: object, contributions: object, endmembers: object) -> object:
    return endmembers


SYNTHESIS, BRIGHTNESS = "unmixing.simulation.training_sets", "unmixing.simulation.brightness"
BUNDLES = "unmixing.algorithms.bundles"

VARIANTS: dict[str, Variant] = {
    DEFAULT: Variant(),
    "library: one run, no bundle": Variant(LpalmSpec(n_runs=1), own_library=True),
    "library: 9 runs": Variant(LpalmSpec(n_runs=9), own_library=True),
    "library: from pixels with their noise": Variant(
        replaced={f"{TrainingImage.__module__}.TrainingImage.denoised": property(lambda seen: seen.cube.pixels())},
        own_library=True,
    ),
    "library: the raw residual chooses": Variant(
        replaced={f"{BUNDLES}.RAW_WEIGHT": 1.0, f"{BUNDLES}.COST_PER_MATERIAL": 0.0}, own_library=True
    ),
    "library: never beyond the pixels": Variant(
        replaced={"unmixing.simulation.truth.beyond_the_pixels": lambda pixels, bundles, rng: bundles}
    ),
    "norms: those that explain brightness best": Variant(replaced={f"{BRIGHTNESS}.ENOUGH_PURE_PIXELS": sys.maxsize}),
    "brightness: free": Variant(replaced={f"{BRIGHTNESS}.BrightnessModel.row_weight": property(lambda model: 0.0)}),
    "abundances: up to 4 Dirichlet distributions": Variant(LpalmSpec(n_dirichlets=4)),
    "abundances: uniform": Variant(replaced={f"{SYNTHESIS}.fit_dirichlet_mixture": _uniform_mixture}),
    "variability: no gain over the bands": Variant(
        replaced={f"{SYNTHESIS}.piecewise_linear_gain": lambda n_spectra, n_bands, *_: np.ones((n_spectra, n_bands))}
    ),
    "disturbance: none": Variant(replaced={f"{SYNTHESIS}._signs": lambda n_sets, *_: np.zeros((n_sets, 1, 1))}),
    "disturbance: white noise": Variant(replaced={f"{SYNTHESIS}._similar_residuals": _white_noise}),
    "disturbance: sign per pixel": Variant(
        replaced={f"{SYNTHESIS}._signs": lambda n_sets, n_pixels, rng: rng.choice([-1.0, 1.0], (n_sets, n_pixels, 1))}
    ),
    "disturbance: sign as it is": Variant(replaced={f"{SYNTHESIS}._signs": lambda n_sets, *_: np.ones((n_sets, 1, 1))}),
    "layers: untrained": Variant(LpalmSpec(max_epochs=1, learning_rate=1e-9)),
    # Training has the gradient of the endmember steps written out: without them it takes the plain layers.
    "layers: endmembers kept": Variant(
        replaced={
            "unmixing.networks.lpalm.LPALM.endmember_step": _same_endmembers,
            "unmixing.networks.lpalm.LPALM.answers": Unrolled.answers,
        }
    ),
    "layers: 4": Variant(LpalmSpec(n_layers=4)),
    "layers: 16": Variant(LpalmSpec(n_layers=16)),
    "subspace: 10 dimensions": Variant(LpalmSpec(n_dimensions=10)),
    "subspace: 40 dimensions": Variant(LpalmSpec(n_dimensions=40)),
    "training: 30 epochs, learning rate 2e-3": Variant(LpalmSpec(max_epochs=30, learning_rate=2e-3, warm_up=0.3)),
    "training: 100 sets": Variant(LpalmSpec(n_training_sets=100)),
    "training: 400 sets": Variant(LpalmSpec(n_training_sets=400)),
}


class _Extraction:
    """``extract_bundles`` that remembers, and leaves the generator where the extraction left it."""

    def __init__(self) -> None:
        self._known: tuple[Bundles, Any] | None = None

    def __call__(self, pixels: Float32, n_endmembers: int, rng: np.random.Generator, **options: Any) -> Bundles:
        if self._known is None:
            bundles = extract_bundles(pixels, n_endmembers, rng, **options)
            self._known = bundles, rng.bit_generator.state
        bundles, rng.bit_generator.state = self._known
        return bundles


def answers(path: Path, seed: int, variants: Sequence[str], generated: bool) -> list[Answer]:
    """All variants on one scene, in this process."""
    truth = truth_of(path)
    assert truth.abundances_of is not None
    with open_scene([path]) as reader:
        seen = training_image(CubeImage(reader.read()), silent)
    extraction, found = _Extraction(), []
    request = UnmixSpec(n_endmembers=len(truth.endmembers), seed=seed, abundances_of=truth.abundances_of)
    for name in variants:
        if name == LIBRARY_ALONE:
            spectra, abundances = _library_alone(seen, request, extraction)
            evaluation, ratio = evaluate(truth, spectra, abundances), 1.0
        else:
            result = _unmixed(seen, request, VARIANTS[name], extraction)
            evaluation = evaluate(truth, result.endmembers, result.abundances, result.uncertainty)
            ratio = result.model.manifest.metrics["ratio_to_constant_answer"]
        if evaluation is None or evaluation.abundance_rmse is None:
            raise SystemExit(f"{path}: the answer cannot be compared with the truth in the file")
        found.append(
            Answer(
                path.stem, name, seed, generated, evaluation.mean_sad_radians, evaluation.abundance_rmse, ratio,
                evaluation.abundance_coverage,
            )
        )  # fmt: skip
    return found


def _unmixed(seen: TrainingImage, request: UnmixSpec, variant: Variant, extraction: _Extraction) -> Any:
    with ExitStack() as stack:
        if not variant.own_library:
            stack.enter_context(patch(EXTRACTION, extraction))
        for place, substitute in variant.replaced.items():
            stack.enter_context(patch(place, substitute))
        assert request.n_endmembers is not None
        task = TrainingTask(seen.cube, request.n_endmembers, request, denoised=lambda: seen.denoised)
        return unmix(seen.cube, request, model=train_lpalm(task, spec=variant.spec))


def _library_alone(seen: TrainingImage, request: UnmixSpec, extraction: _Extraction) -> tuple[Float64, Float64]:
    """Endmembers (n_endmembers, bands) and abundances (rows, columns, n_endmembers) without a network."""
    cube, count = seen.cube, request.n_endmembers
    assert count is not None
    truth = SharedTruth().of(cube, count, request, LpalmSpec(), lambda: seen.denoised)
    with patch(EXTRACTION, extraction):
        scene = truth.sets(silent).scene
    contributions = scene.brightness_model.contributions(truth.pixels, scene.bundles.reference)
    spectra = np.full((count, cube.shape[2]), np.nan)
    spectra[:, cube.used_bands] = scene.bundles.reference
    abundances = np.full((*cube.shape[:2], count), np.nan)
    counted = scene.brightness_model.norms if request.abundances_of == "area" else 1.0
    abundances[cube.valid_pixels] = split_brightness(contributions / counted)[0]
    return spectra, abundances


def table(found: Sequence[Answer]) -> str:
    """A row per variant: SAD and RMSE on each real scene, medians over the seeds, and over the generated scenes."""
    scenes = list(dict.fromkeys(answer.scene for answer in found if not answer.generated))
    generated = any(answer.generated for answer in found)
    heads = ["variant", *(f"{scene}: SAD / RMSE" for scene in scenes)]
    heads += ["generated: SAD / RMSE"] * generated + ["held-out NMSE / library's"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for variant in dict.fromkeys(answer.variant for answer in found):
        rows = [answer for answer in found if answer.variant == variant]
        cells = [_errors([row for row in rows if row.scene == scene]) for scene in scenes]
        cells += [_errors([row for row in rows if row.generated])] if generated else []
        cells.append(f"{median(row.ratio for row in rows if row.ratio is not None):.2f}")
        lines.append(f"| {variant} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _errors(rows: Sequence[Answer]) -> str:
    return f"{median(row.sad_radians for row in rows):.4f} / {median(row.rmse for row in rows):.4f}"


def beside_library(found: Sequence[Answer]) -> str:
    """A row per scene: RMSE of the library alone and of the default, medians over the seeds."""
    lines = ["| scene | library alone | LPALM | ratio |", "|---|---|---|---|"]
    for scene in dict.fromkeys(answer.scene for answer in found):
        alone, default = (
            median(row.rmse for row in found if (row.scene, row.variant) == (scene, variant))
            for variant in (LIBRARY_ALONE, DEFAULT)
        )
        lines.append(f"| {scene} | {alone:.4f} | {default:.4f} | {default / alone:.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__.splitlines()[0])
    folder = Path(os.environ.get("UNMIX_DATA", DEFAULT_DATA))
    parser.add_argument("--data", type=Path, default=folder, help=f"folder of scenes (default: {folder}, when there)")
    parser.add_argument("--generated", type=int, default=10, help="scenes to generate, 0 for none (default: 10)")
    parser.add_argument("--seeds", type=int, default=3, help="seeds 0 to N-1; generated scenes get one (default: 3)")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS), metavar="VARIANT")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="scenes at a time (default: all cores)")
    parser.add_argument("--out", type=Path, help="write every answer to this JSON file")
    arguments = parser.parse_args()
    variants = [LIBRARY_ALONE, *dict.fromkeys([DEFAULT, *arguments.variants])]
    found: list[Answer] = []
    with TemporaryDirectory() as scratch:
        work = [(path, seed, False) for path in scenes_with_truth(arguments.data) for seed in range(arguments.seeds)]
        work += [(path, 0, True) for path in write_scenes(Path(scratch), arguments.generated)]
        if not work:
            parser.error(f"--data {arguments.data}: no .npz with cube, endmembers and abundances in there")
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(arguments.processes, mp_context=spawn) as pool:
            futures = [pool.submit(answers, path, seed, variants, generated) for path, seed, generated in work]
            for (path, seed, _), future in zip(work, futures, strict=True):
                found += future.result()
                print(f"{path.stem} seed {seed}: {len(variants)} variants", file=sys.stderr, flush=True)
    if arguments.out is not None:
        arguments.out.write_text(json.dumps([asdict(answer) for answer in found], indent=1) + "\n", encoding="utf-8")
    print(table(found))
    print("\nAbundances beside the library's own, scene by scene (RMSE):\n")
    print(beside_library(found))


if __name__ == "__main__":
    main()
