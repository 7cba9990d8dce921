"""Self-supervised LPALM: from the pixels of one image to a trained, exported, checked model."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unmixing.endmembers import extract_bundles, subspace
from unmixing.networks.devices import torch_device
from unmixing.networks.export import export_onnx, parity_error, require_parity
from unmixing.networks.lpalm import LPALM, UnmixingGraph
from unmixing.networks.training import History, train
from unmixing.runtime import ModelRunner, sample_of
from unmixing.specs import LpalmSpec, UnmixSpec
from unmixing.synthesis import SceneModel, model_scene, synthesise
from unmixing.types import Compute, Cube, Progress, TrainedModel

PARITY_PIXELS = 1_024

# Shares of the training's progress at which the stages end.
LIBRARY_DONE, SYNTHESIS_DONE, TRAINING_DONE = 0.30, 0.40, 0.90


@dataclass
class _Stages:
    """Seconds per stage, measured from one lap to the next."""

    seconds: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = round(now - self._last, 4)
        self._last = now


def train_lpalm(
    cube: Cube,
    n_endmembers: int,
    request: UnmixSpec,
    compute: Compute,
    progress: Progress,
    *,
    spec: LpalmSpec | None = None,
) -> TrainedModel:
    """Library, synthetic truth, training, export and parity check on the valid pixels of ``cube``.

    Raises ModelParityError when the exported model does not say what the network says.
    """
    spec = spec or LpalmSpec()
    rng = np.random.default_rng(request.seed)
    stages = _Stages()
    pixels = cube.pixels()
    scale = float(np.median(np.linalg.norm(pixels, axis=1)))
    scaled = pixels / np.float32(scale)
    progress(0.0, "extracting endmember bundles")
    bundles = extract_bundles(
        scaled,
        n_endmembers,
        rng,
        n_runs=spec.n_runs,
        progress=lambda share: progress(LIBRARY_DONE * share, "extracting endmember bundles"),
    )
    stages.lap("library")
    progress(LIBRARY_DONE, "making synthetic training sets")
    scene = model_scene(scaled, bundles, rng)
    training = synthesise(scene, spec.n_training_sets, spec.pixels_per_set, rng)
    validation = synthesise(scene, spec.n_validation_sets, spec.pixels_per_set, rng)
    stages.lap("synthesis")
    basis = subspace(scaled, max(spec.n_dimensions, n_endmembers))
    with torch_device(compute) as device:
        network = LPALM(bundles.reference, scene.light.norms, basis, spec.n_layers).to(device)
        history = train(
            network,
            training,
            validation,
            spec,
            seed=request.seed,
            max_seconds=request.max_training_seconds,
            on_epoch=lambda epoch, errors: progress(
                SYNTHESIS_DONE + (TRAINING_DONE - SYNTHESIS_DONE) * epoch / spec.max_epochs,
                f"training LPALM, epoch {epoch} of at most {spec.max_epochs}: validation NMSE {errors.abundances:.4f}",
            ),
        )
        stages.lap("training")
        progress(TRAINING_DONE, "exporting and checking the model")
        graph = UnmixingGraph(network.cpu(), np.flatnonzero(cube.used_bands), scale)
        example = sample_of(np.nan_to_num(cube.values[cube.valid_pixels]), PARITY_PIXELS)
        onnx = export_onnx(graph, example)
        error = parity_error(graph, ModelRunner(onnx, Compute(threads=compute.threads)), example)
        require_parity(error)
        stages.lap("export")
    metrics = {**_training_metrics(history, scene), "seconds": stages.seconds}
    return TrainedModel(onnx, _manifest(cube, n_endmembers, request, spec, error, metrics))


def _training_metrics(history: History, scene: SceneModel) -> dict[str, Any]:
    ratio = history.best.abundances / max(history.constant_answer.abundances, 1e-12)
    return {
        "validation_nmse": [errors.abundances for errors in history.epochs],
        "validation_nmse_endmembers": [errors.endmembers for errors in history.epochs],
        "constant_answer_nmse": history.constant_answer.abundances,
        "constant_answer_nmse_endmembers": history.constant_answer.endmembers,
        "ratio_to_constant_answer": ratio,
        "beats_constant_answer": ratio < 1,
        "training_stopped_by": history.stopped_by,
        "bundle_spread_radians": scene.bundles.spread_radians().tolist(),
        "bundle_runs": len(scene.bundles.spectra),
        "brightness_deviation": scene.light.deviation,
    }


def _manifest(
    cube: Cube, n_endmembers: int, request: UnmixSpec, spec: LpalmSpec, error: float, metrics: dict[str, Any]
) -> dict[str, Any]:
    return {
        "method": request.method,
        "n_bands": cube.shape[2],
        "used_bands": np.flatnonzero(cube.used_bands).tolist(),
        "n_endmembers": n_endmembers,
        "endmember_names": [f"endmember {number}" for number in range(1, n_endmembers + 1)],
        "wavelengths_nm": None if cube.wavelengths_nm is None else cube.wavelengths_nm.tolist(),
        "spec": {**request.model_dump(), "lpalm": spec.model_dump()},
        "metrics": metrics,
        "onnx_parity": error,
    }
