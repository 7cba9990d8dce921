"""Trains CNNAEU on patches of one image."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unmixing.algorithms.endmembers import unit_norm
from unmixing.algorithms.factorization import vca_start
from unmixing.cubes import scaled_pixels
from unmixing.inference.neighbourhoods import filled, pixel_reader
from unmixing.inference.sampling import sample_indices
from unmixing.networks.cnnaeu import CNNAEU, NEIGHBOURHOOD, NeighbourhoodGraph, angle_loss
from unmixing.networks.devices import torch_device
from unmixing.networks.export.checked import (
    PARITY_PIXELS,
    Stages,
    TrainingReport,
    checked_model,
    image_manifest,
)
from unmixing.networks.training.loop import Limits, Optimiser, optimise
from unmixing.networks.training.task import TrainingTask
from unmixing.progress import Progress
from unmixing.simulation.brightness import area_norms
from unmixing.specs import CnnaeuSpec, UnmixSpec
from unmixing.types import Cube, Float32, Float64, TrainedModel

START_DONE, TRAINING_DONE = 0.02, 0.9
"""Shares of the training's progress at which the stages end."""


def train_cnnaeu(task: TrainingTask, *, spec: CnnaeuSpec | None = None) -> TrainedModel:
    """CNNAEU on random patches of the task's cube, from the pixels VCA picks.

    Raises ModelParityError when the exported model does not say what the network says.
    """
    cube, request, n_endmembers = task.cube, task.request, task.n_endmembers
    spec = spec or CnnaeuSpec()
    rng = np.random.default_rng(request.seed)
    stages = Stages()
    pixels, scale = scaled_pixels(cube)
    task.progress(0.0, "picking a start by VCA")
    start = unit_norm(vca_start(pixels, n_endmembers, rng).endmembers)
    stages.lap("library")
    # The seed counts within this block alone: dropout knows no other way.
    with torch_device(task.compute) as device, torch.random.fork_rng():
        torch.manual_seed(request.seed)
        network = CNNAEU(start, spec).to(device)
        metrics = _fit(network, _Patches.of(cube, scale, spec.patch, device), rng, request, spec, task.progress)
        stages.lap("training")
        task.progress(TRAINING_DONE, "exporting and checking the model")
        network, around = network.cpu(), pixel_reader(cube, NEIGHBOURHOOD)
        used = np.flatnonzero(cube.used_bands)
        norms = _area_norms(network, used, scale, around(sample_indices(len(pixels))))
        graph = NeighbourhoodGraph(network, used, scale, norms)
        example = around(sample_indices(len(pixels), PARITY_PIXELS))
        report = TrainingReport(metrics, scale * norms, neighbourhood=NEIGHBOURHOOD)
        manifest = image_manifest(cube, n_endmembers, request, spec, report)
        model = checked_model(graph, example, manifest, task.compute)
        stages.lap("export")
    return replace(model, seconds=stages.seconds)


def _area_norms(network: CNNAEU, used: NDArray[np.intp], scale: float, around: Float32) -> Float64:
    """How bright each material is, by the pixels ``around`` (n_pixels, neighbourhood ** 2 * bands), in units of
    ``scale``."""
    graph = NeighbourhoodGraph(network, used, scale, np.ones(len(network.endmembers())))
    with torch.no_grad():
        spectra, shares, _ = graph(torch.from_numpy(around), torch.from_numpy(around))
    middle = around.reshape(len(around), NEIGHBOURHOOD**2, -1)[:, NEIGHBOURHOOD**2 // 2, used] / np.float32(scale)
    return area_norms(middle, shares.numpy(), unit_norm(spectra.numpy()))


@dataclass(frozen=True, eq=False)
class _Patches:
    """Windows of an image (n_bands, rows, columns) of median norm 1, ``size`` pixels each; valid: (rows, columns)."""

    image: Tensor
    valid: Tensor
    size: tuple[int, int]

    @classmethod
    def of(cls, cube: Cube, scale: float, side: int, device: torch.device) -> "_Patches":
        image = torch.from_numpy(filled(cube)[:, :, cube.used_bands] / np.float32(scale)).permute(2, 0, 1)
        rows, columns, _ = cube.shape
        size = (min(side, rows), min(side, columns))
        return cls(image.to(device), torch.from_numpy(cube.valid_pixels).to(device), size)

    def draw(self, rng: np.random.Generator, n_at_most: int) -> Iterator[tuple[Tensor, Tensor]]:
        """As many windows at random as cover the image once, in batches (n, n_bands, *size) and (n, *size)."""
        (rows, columns), (height, width) = self.valid.shape, self.size
        n_windows = -(-rows // height) * -(-columns // width)
        corners = rng.integers([rows - height + 1, columns - width + 1], size=(n_windows, 2))
        windows = [(slice(top, top + height), slice(left, left + width)) for top, left in corners]
        for first in range(0, n_windows, n_at_most):
            batch = windows[first : first + n_at_most]
            yield (
                torch.stack([self.image[:, down, right] for down, right in batch]),
                torch.stack([self.valid[down, right] for down, right in batch]),
            )


def _fit(
    network: CNNAEU,
    patches: _Patches,
    rng: np.random.Generator,
    request: UnmixSpec,
    spec: CnnaeuSpec,
    progress: Progress,
) -> dict[str, object]:
    """RMSprop on the spectral angle, epoch by epoch; the network is left ready to be used."""
    angles: list[float] = []

    def losses() -> Iterator[Tensor]:
        for images, valid in patches.draw(rng, spec.batch_patches):
            yield angle_loss(images, network(images)[1], valid)

    def on_epoch(epoch: int, angle: float) -> None:
        angles.append(angle)
        progress(
            START_DONE + (TRAINING_DONE - START_DONE) * epoch / spec.max_epochs,
            "training CNNAEU",
            f"epoch {epoch} of at most {spec.max_epochs}, angle {angle:.4f} rad",
        )

    rmsprop = torch.optim.RMSprop(network.parameters(), spec.learning_rate)
    outcome = optimise(
        network.train(),
        Optimiser(rmsprop, after_step=network.keep_non_negative),
        losses,
        Limits(spec.max_epochs, max_seconds=request.max_training_seconds),
        on_epoch=on_epoch,
    )
    network.eval()
    return {"training_angles_radians": angles, "training_stopped_by": outcome.stopped_by}
