"""Self-supervised networks: from the pixels of one image to a trained, exported, checked model."""

from dataclasses import replace
from typing import Any

import numpy as np

from unmixing.networks.devices import torch_device
from unmixing.networks.export.checked import (
    Stages,
    TrainingReport,
    checked_model,
    example_pixels,
    image_manifest,
)
from unmixing.networks.export.graph import UnmixingGraph
from unmixing.networks.training import recipes
from unmixing.networks.training.context import Recipe, TrainingContext
from unmixing.networks.training.supervised import History
from unmixing.networks.training.task import TrainingTask
from unmixing.networks.uncertainty import coverage, fit_uncertainty, shape_deviation_factors
from unmixing.progress import part_of, silent
from unmixing.simulation.purity import pure_for_each_nearly_pure
from unmixing.simulation.training_sets import SceneModel
from unmixing.specs import LpalmSpec
from unmixing.types import TrainedModel

# Shares of the training's progress at which the stages end.
LIBRARY_DONE, SYNTHESIS_DONE, TRAINING_DONE, UNCERTAINTY_DONE = 0.30, 0.40, 0.85, 0.92


def train_lpalm(task: TrainingTask, *, spec: LpalmSpec | None = None) -> TrainedModel:
    """``train_on_synthetic_truth`` for LPALM."""
    return train_on_synthetic_truth(task, recipe=recipes.lpalm(spec or LpalmSpec()))


def train_on_synthetic_truth(task: TrainingTask, *, recipe: Recipe) -> TrainedModel:
    """Library, synthetic truth, training, export and parity check on the valid pixels of the task's cube.

    Raises ModelParityError when the exported model does not say what the network says.
    """
    spec, request, cube, progress = recipe.spec, task.request, task.cube, task.progress
    stages = Stages()
    truth = task.truth.of(cube, task.n_endmembers, request, spec, task.denoised, task.given)
    truth.bundles(part_of(progress, 0.0, LIBRARY_DONE))
    stages.lap("library")
    progress(LIBRARY_DONE, "making synthetic training sets")
    sets = truth.sets(silent)
    stages.lap("synthesis")
    with torch_device(task.compute) as device:
        context = TrainingContext(
            truth.pixels, sets, request.seed, request.max_training_seconds, device,
            part_of(progress, SYNTHESIS_DONE, TRAINING_DONE),
        )  # fmt: skip
        network, history = recipe.fit(context)
        stages.lap("training")
        network = network.cpu()
        progress(TRAINING_DONE, "learning how far abundances may be off")
        training_sets, held_out, checked = truth.wider_sets(silent)
        uncertainty = fit_uncertainty(network, training_sets, held_out, request.seed)
        factors = shape_deviation_factors(uncertainty, network, held_out)
        covered = coverage(uncertainty, network, checked)
        stages.lap("uncertainty")
        progress(UNCERTAINTY_DONE, "exporting and checking the model")
        given_spectra = None if task.given is None else task.given.spectra
        graph = UnmixingGraph(network, np.flatnonzero(cube.used_bands), truth.scale, uncertainty, given_spectra)
        metrics = {**_training_metrics(history, sets.scene), "uncertainty_coverage": covered}
        if request.pure_pixels and not sets.scene.bundles.beyond_pixels:
            metrics["pure_for_each_nearly_pure"] = pure_for_each_nearly_pure(sets.scene.abundances)
        names = () if task.given is None else task.given.names
        report = TrainingReport(metrics, truth.scale * context.norms, factors, given_names=names)
        manifest = image_manifest(cube, task.n_endmembers, request, spec, report)
        model = checked_model(graph, example_pixels(cube), manifest, task.compute)
        stages.lap("export")
    return replace(model, seconds=stages.seconds)


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
        "brightness_deviation": scene.brightness_model.deviation,
        "brightness_near_one": scene.brightness_model.informs,
    }
