"""Self-supervised networks: from the pixels of one image to a trained, exported, checked model."""

from dataclasses import replace
from typing import Any

import numpy as np

from unmixing.algorithms.bundles import extract_bundles
from unmixing.manifest import AbundancesAre
from unmixing.networks.devices import torch_device
from unmixing.networks.export.checked import (
    Learned,
    Stages,
    checked_model,
    example_pixels,
    image_manifest,
    scaled_pixels,
)
from unmixing.networks.export.graph import UnmixingGraph
from unmixing.networks.training import recipes
from unmixing.networks.training.context import Recipe, TrainingContext
from unmixing.networks.training.supervised import History
from unmixing.networks.uncertainty import Uncertainty, coverage, learn_uncertainty
from unmixing.networks.unrolled import Unrolled
from unmixing.progress import Progress, part_of
from unmixing.simulation.training_sets import SceneModel, model_scene, synthesise, synthesise_wider
from unmixing.specs import LpalmSpec, UnmixSpec
from unmixing.types import Compute, Cube, TrainedModel

# Shares of the training's progress at which the stages end.
LIBRARY_DONE, SYNTHESIS_DONE, TRAINING_DONE, UNCERTAINTY_DONE = 0.30, 0.40, 0.85, 0.92

UNCERTAINTY_SETS = 80, 40, 20
"""Wider synthetic sets that the uncertainty learns from, is scaled on and is checked on, of UNCERTAINTY_PIXELS each."""

UNCERTAINTY_PIXELS = 256


def train_lpalm(
    cube: Cube,
    n_endmembers: int,
    request: UnmixSpec,
    compute: Compute,
    progress: Progress,
    *,
    spec: LpalmSpec | None = None,
) -> TrainedModel:
    """``train_on_synthetic_truth`` for LPALM."""
    recipe = recipes.lpalm(spec or LpalmSpec())
    return train_on_synthetic_truth(cube, n_endmembers, request, compute, progress, recipe=recipe)


def train_on_synthetic_truth(
    cube: Cube, n_endmembers: int, request: UnmixSpec, compute: Compute, progress: Progress, *, recipe: Recipe
) -> TrainedModel:
    """Library, synthetic truth, training, export and parity check on the valid pixels of ``cube``.

    Raises ModelParityError when the exported model does not say what the network says.
    """
    spec = recipe.spec
    rng = np.random.default_rng(request.seed)
    stages = Stages()
    pixels, scale = scaled_pixels(cube)
    progress(0.0, "extracting endmember bundles")
    bundles = extract_bundles(
        pixels,
        n_endmembers,
        rng,
        n_runs=spec.n_runs,
        progress=lambda share: progress(LIBRARY_DONE * share, "extracting endmember bundles"),
    )
    stages.lap("library")
    progress(LIBRARY_DONE, "making synthetic training sets")
    scene = model_scene(pixels, bundles, rng, n_dirichlets=spec.n_dirichlets)
    training = synthesise(scene, spec.n_training_sets, spec.pixels_per_set, rng)
    validation = synthesise(scene, spec.n_validation_sets, spec.pixels_per_set, rng)
    stages.lap("synthesis")
    with torch_device(compute) as device:
        context = TrainingContext(
            pixels, scene, training, validation, request.seed, request.max_training_seconds, device,
            part_of(progress, SYNTHESIS_DONE, TRAINING_DONE),
        )  # fmt: skip
        network, history = recipe.learn(context)
        stages.lap("training")
        network = network.cpu()
        progress(TRAINING_DONE, "learning how far abundances may be off")
        uncertainty, covered = _uncertainty(network, scene, request.seed, rng)
        stages.lap("uncertainty")
        progress(UNCERTAINTY_DONE, "exporting and checking the model")
        graph = UnmixingGraph(network, np.flatnonzero(cube.used_bands), scale, uncertainty)
        metrics = {**_training_metrics(history, scene), "uncertainty_coverage": covered}
        learned = Learned(metrics, AbundancesAre.BRIGHTNESS_MODEL)
        manifest = image_manifest(cube, n_endmembers, request, spec, learned)
        model = checked_model(graph, example_pixels(cube), manifest, compute)
        stages.lap("export")
    return replace(model, seconds=stages.seconds)


def _uncertainty(
    network: Unrolled, scene: SceneModel, seed: int, rng: np.random.Generator
) -> tuple[Uncertainty, float]:
    """The uncertainty of ``network`` on this scene, and the share of held-out truth in its 90 % intervals."""
    taught, held_out, checked = (
        synthesise_wider(scene, n_sets, UNCERTAINTY_PIXELS, rng) for n_sets in UNCERTAINTY_SETS
    )
    head = learn_uncertainty(network, taught, held_out, seed)
    return head, coverage(head, network, checked)


def _training_metrics(history: History, scene: SceneModel) -> dict[str, Any]:
    ratio = history.best.abundances / max(history.baseline.abundances, 1e-12)
    return {
        "validation_nmse": [errors.abundances for errors in history.epochs],
        "validation_nmse_endmembers": [errors.endmembers for errors in history.epochs],
        "constant_answer_nmse": history.baseline.abundances,
        "constant_answer_nmse_endmembers": history.baseline.endmembers,
        "ratio_to_constant_answer": ratio,
        "beats_constant_answer": ratio < 1,
        "training_stopped_by": history.stopped_by,
        "bundle_spread_radians": scene.bundles.spread_radians().tolist(),
        "bundle_runs": len(scene.bundles.spectra),
        "brightness_deviation": scene.brightness_model.own_deviation,
    }
