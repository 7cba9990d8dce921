"""Trains an unrolled network on synthetic sets, with held-out sets and early stopping."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unmixing.algorithms.abundances import split_brightness
from unmixing.networks.training.loop import Run, on_sets, optimise
from unmixing.networks.unrolled import Unrolled
from unmixing.simulation.brightness import nnls_near_one
from unmixing.simulation.training_sets import SyntheticSets
from unmixing.specs import TrainingSpec
from unmixing.types import Float64

SMALLEST_POWER = 1e-3


@dataclass(frozen=True)
class Errors:
    """Mean NMSE over endmembers, each weighing the same, of the abundances, those of ``area`` and those of ``shape``
    alike, and of the endmembers."""

    abundances: float
    endmembers: float


@dataclass(frozen=True)
class History:
    """The history of a training: validation errors per epoch (the first is the untrained network's), those of the best
    epoch, those of the baseline (the library's reference endmembers and NNLS), and why it stopped."""

    epochs: tuple[Errors, ...]
    best: Errors
    baseline: Errors
    stopped_by: str


@dataclass(frozen=True, eq=False)
class _Batch:
    pixels: Tensor
    endmembers: Tensor
    areas: Tensor
    shapes: Tensor

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, indices: Tensor) -> "_Batch":
        # Several times as fast as brackets.
        parts = (self.pixels, self.endmembers, self.areas, self.shapes)
        return _Batch(*(torch.index_select(part, 0, indices) for part in parts))


def train(
    network: Unrolled,
    training: SyntheticSets,
    validation: SyntheticSets,
    spec: TrainingSpec,
    run: Run,
    on_epoch: Callable[[int, Errors], None] | None = None,
) -> History:
    """``optimise`` on the two errors, each in units of the baseline's, by Adam with a one-cycle schedule.

    The network is left with the weights of its best epoch on ``validation``.
    """
    reference, norms = (_as_array(tensor) for tensor in (network.lift(network.reference), network.norms))
    baseline_errors = baseline(reference, norms, validation, network.row_weight)
    training_batch, validation_batch = _as_batch(training, network), _as_batch(validation, network)
    epochs: list[Errors] = []

    def validate() -> float:
        with torch.no_grad():
            epochs.append(Errors(*map(float, _errors(network, validation_batch))))
        return _relative(epochs[-1], baseline_errors)

    def loss(indices: Tensor) -> Tensor:
        return _loss(network, training_batch.take(indices.to(network.norms.device)), baseline_errors)

    outcome = optimise(
        network,
        *on_sets(network, len(training_batch), spec, run.seed, loss),
        run.limits(spec.max_epochs, spec.patience),
        validate=validate,
        on_epoch=None if on_epoch is None else lambda epoch, loss: on_epoch(epoch, epochs[-1]),
    )
    return History(tuple(epochs), epochs[outcome.best_epoch], baseline_errors, outcome.stopped_by)


def baseline(reference: Float64, norms: Float64, sets: SyntheticSets, row_weight: float = 0.0) -> Errors:
    """The errors of whoever answers every set with the same endmembers (n_endmembers, n_bands) and least squares.

    norms: (n_endmembers,) what the abundances of ``sets`` are counted in. row_weight: see ``nnls_near_one``.
    """
    contributions = np.stack([nnls_near_one(pixels, reference, norms, row_weight) for pixels in sets.pixels])
    errors = []
    for counted, truth in ((norms, sets.abundances), (np.ones_like(norms), sets.shape_abundances)):
        abundances = np.stack([split_brightness(image / counted)[0] for image in contributions])
        power = np.maximum((truth**2).sum(axis=1), SMALLEST_POWER)
        errors.append(float((((abundances - truth) ** 2).sum(axis=1) / power).mean()))
    return Errors(float(np.mean(errors)), float(((reference - sets.endmembers) ** 2).sum(axis=2).mean()))


def layer_errors(network: Unrolled, sets: SyntheticSets) -> list[Errors]:
    """The errors on ``sets`` after each layer."""
    batch = _as_batch(sets, network)
    with torch.no_grad():
        states = list(network.states(batch.pixels))
        return [
            Errors(*map(float, _answer_errors(network, batch, state.contributions, state.endmembers)))
            for state in states
        ]


def _as_array(tensor: Tensor) -> Float64:
    array: Float64 = tensor.detach().cpu().numpy().astype(np.float64)
    return array


def _as_batch(sets: SyntheticSets, network: Unrolled) -> _Batch:
    """The sets in the network's coordinates and on its device."""

    def tensor(array: Float64) -> Tensor:
        return torch.from_numpy(array).to(network.norms.device)

    pixels = network.coordinates(tensor(sets.pixels)).float()
    endmembers = network.endmember_coordinates(tensor(sets.endmembers)).float()
    return _Batch(pixels, endmembers, tensor(sets.abundances).float(), tensor(sets.shape_abundances).float())


def _errors(network: Unrolled, batch: _Batch) -> tuple[Tensor, Tensor]:
    return _answer_errors(network, batch, *network.answers(batch.pixels))


def _answer_errors(
    network: Unrolled, batch: _Batch, contributions: Tensor, endmembers: Tensor
) -> tuple[Tensor, Tensor]:
    areas, _ = network.abundances(contributions)
    guarded = contributions + 1e-9
    shapes = guarded / guarded.sum(dim=-1, keepdim=True)
    abundance_error = (_nmse(areas, batch.areas) + _nmse(shapes, batch.shapes)) / 2
    # Endmembers have unit norm, so their squared error is their NMSE.
    return abundance_error, ((endmembers - batch.endmembers) ** 2).sum(dim=-1).mean()


def _nmse(abundances: Tensor, truth: Tensor) -> Tensor:
    error: Tensor = ((abundances - truth) ** 2).sum(dim=1) / (truth**2).sum(dim=1).clamp_min(SMALLEST_POWER)
    return error.mean()


def _loss(network: Unrolled, batch: _Batch, units: Errors) -> Tensor:
    abundance_error, endmember_error = _errors(network, batch)
    return abundance_error / max(units.abundances, 1e-9) + endmember_error / max(units.endmembers, 1e-9)


def _relative(errors: Errors, units: Errors) -> float:
    return errors.abundances / max(units.abundances, 1e-9) + errors.endmembers / max(units.endmembers, 1e-9)
