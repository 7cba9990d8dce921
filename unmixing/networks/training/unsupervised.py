"""Trains DNMF on the reconstruction of one image's pixels, without any truth."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from unmixing.algorithms.endmembers import unit_norm
from unmixing.algorithms.factorization import vca_start
from unmixing.cubes import scaled_pixels
from unmixing.networks.devices import torch_device
from unmixing.networks.dnmf import DNMF, reconstruction_error
from unmixing.networks.export.checked import (
    Stages,
    TrainingReport,
    checked_model,
    example_pixels,
    image_manifest,
)
from unmixing.networks.export.graph import UnmixingGraph
from unmixing.networks.training.loop import Limits, on_sets, optimise
from unmixing.networks.training.task import TrainingTask
from unmixing.progress import Progress
from unmixing.simulation.brightness import area_norms
from unmixing.specs import DnmfSpec, UnmixSpec
from unmixing.types import Float32, Float64, TrainedModel

START_DONE, TRAINING_DONE = 0.05, 0.9
"""Shares of the training's progress at which the stages end."""


def train_dnmf(task: TrainingTask, *, spec: DnmfSpec | None = None) -> TrainedModel:
    """DNMF on the valid pixels of the task's cube, from the pixels VCA picks; some are held out for early stopping.

    Raises ModelParityError when the exported model does not say what the network says.
    """
    cube, request, n_endmembers = task.cube, task.request, task.n_endmembers
    spec = spec or DnmfSpec()
    rng = np.random.default_rng(request.seed)
    stages = Stages()
    pixels, scale = scaled_pixels(cube)
    task.progress(0.0, "picking a start by VCA")
    reference = unit_norm(vca_start(pixels, n_endmembers, rng).endmembers)
    stages.lap("library")
    with torch_device(task.compute) as device:
        network = DNMF(reference, np.ones(n_endmembers), spec.n_layers).to(device)  # norms are found at the end
        metrics = _fit(network, _image_sets(pixels, spec, rng), request, spec, task.progress)
        stages.lap("training")
        task.progress(TRAINING_DONE, "exporting and checking the model")
        norms = _use_area_norms(network.cpu(), pixels)
        graph = UnmixingGraph(network, np.flatnonzero(cube.used_bands), scale)
        report = TrainingReport(metrics, scale * norms)
        manifest = image_manifest(cube, n_endmembers, request, spec, report)
        model = checked_model(graph, example_pixels(cube), manifest, task.compute)
        stages.lap("export")
    return replace(model, seconds=stages.seconds)


def _fit(
    network: DNMF, sets: tuple[Float32, Float32], request: UnmixSpec, spec: DnmfSpec, progress: Progress
) -> dict[str, object]:
    """``optimise`` on the reconstruction of the first sets, validated by that of the second."""
    device = network.norms.device
    training, held_out = (network.coordinates(torch.from_numpy(pixels).to(device)) for pixels in sets)
    errors: list[float] = []

    def validate() -> float:
        with torch.no_grad():
            errors.append(float(reconstruction_error(network, held_out)))
        return errors[-1]

    def loss(indices: Tensor) -> Tensor:
        return reconstruction_error(network, training[indices.to(device)])

    outcome = optimise(
        network,
        *on_sets(network, len(training), spec, request.seed, loss),
        Limits(spec.max_epochs, spec.patience, request.max_training_seconds),
        validate=validate,
        on_epoch=lambda epoch, loss: progress(
            START_DONE + (TRAINING_DONE - START_DONE) * epoch / spec.max_epochs,
            "training DNMF",
            f"epoch {epoch} of at most {spec.max_epochs}, reconstruction NMSE {errors[-1]:.2e}",
        ),
    )
    return {
        "validation_reconstruction_nmse": errors,
        "best_epoch": outcome.best_epoch,
        "training_stopped_by": outcome.stopped_by,
    }


def _use_area_norms(network: DNMF, pixels: Float32) -> Float64:
    """Have abundances counted in lit area, by the norms that ``pixels`` (n_pixels, n_bands) show; returns these."""
    with torch.no_grad():
        contributions, endmembers, _ = network(network.coordinates(torch.from_numpy(pixels)))
        shares, spectra = network.abundances(contributions)[0], network.lift(endmembers)
        norms = area_norms(pixels, shares.numpy(), spectra.numpy().astype(np.float64))
        network.norms.copy_(torch.from_numpy(norms))
    return norms


def _image_sets(pixels: Float32, spec: DnmfSpec, rng: np.random.Generator) -> tuple[Float32, Float32]:
    """Random draws from two separate parts of the image, (n_sets, pixels_per_set, n_bands) each; an image of one
    pixel is in both."""
    order = rng.permutation(len(pixels))
    n_held_out = max(1, len(pixels) * spec.n_validation_sets // (spec.n_training_sets + spec.n_validation_sets))
    seen, held_out = order[n_held_out:], order[:n_held_out]
    training = rng.choice(seen if len(seen) else order, size=(spec.n_training_sets, spec.pixels_per_set))
    return pixels[training], pixels[rng.choice(held_out, size=(spec.n_validation_sets, spec.pixels_per_set))]
