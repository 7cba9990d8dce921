"""Trains an unrolled network on synthetic sets, with held-out sets and early stopping."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unmixing.abundances import nnls, split_brightness
from unmixing.networks.lpalm import LPALM
from unmixing.specs import LpalmSpec
from unmixing.synthesis import SyntheticSets
from unmixing.types import Float64

LARGEST_GRADIENT_NORM = 1.0
SMALLEST_POWER = 1e-3


@dataclass(frozen=True)
class Errors:
    """Mean NMSE over endmembers, each weighing the same, of the abundances and of the endmembers."""

    abundances: float
    endmembers: float


@dataclass(frozen=True)
class History:
    """What training did: validation errors per epoch (the first is the untrained network's), those of the best
    epoch, those of the constant answer (the library's reference endmembers and NNLS), and why it stopped."""

    epochs: tuple[Errors, ...]
    best: Errors
    constant_answer: Errors
    stopped_by: str


@dataclass(frozen=True, eq=False)
class _Batch:
    pixels: Tensor
    endmembers: Tensor
    abundances: Tensor

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, indices: Tensor) -> "_Batch":
        return _Batch(self.pixels[indices], self.endmembers[indices], self.abundances[indices])


def train(
    network: LPALM,
    training: SyntheticSets,
    validation: SyntheticSets,
    spec: LpalmSpec,
    *,
    seed: int,
    max_seconds: float | None,
    clock: Callable[[], float] = time.monotonic,
    on_epoch: Callable[[int, Errors], None] | None = None,
) -> History:
    """Adam with a one-cycle schedule on the two errors, each in units of the constant answer's.

    The network is left with the weights of its best epoch on ``validation``.
    """
    reference, norms = (_as_array(tensor) for tensor in (network.lift(network.reference), network.norms))
    constant = constant_answer(reference, norms, validation)
    taught, held_out = _as_batch(training, network.basis), _as_batch(validation, network.basis)
    shuffle = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(network.parameters(), spec.learning_rate)
    steps_per_epoch = -(-len(taught) // spec.batch_sets)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, spec.learning_rate, total_steps=spec.max_epochs * steps_per_epoch
    )
    epochs = [_errors(network, held_out)]
    best, best_loss, best_epoch, best_weights = (
        epochs[0],
        _relative(epochs[0], constant),
        0,
        _weights(network),
    )
    started, stopped_by = clock(), "max_epochs"
    for epoch in range(1, spec.max_epochs + 1):
        order = torch.randperm(len(taught), generator=shuffle)
        for indices in torch.split(order, spec.batch_sets):
            _step(network, taught.take(indices.to(network.basis.device)), constant, optimiser)
            schedule.step()
        epochs.append(_errors(network, held_out))
        if (loss := _relative(epochs[-1], constant)) < best_loss:
            best, best_loss, best_epoch, best_weights = epochs[-1], loss, epoch, _weights(network)
        if on_epoch is not None:
            on_epoch(epoch, epochs[-1])
        if epoch - best_epoch >= spec.patience:
            stopped_by = "patience"
            break
        if max_seconds is not None and clock() - started > max_seconds:
            stopped_by = "max_training_seconds"
            break
    network.load_state_dict(best_weights)
    return History(tuple(epochs), best, constant, stopped_by)


def constant_answer(reference: Float64, norms: Float64, sets: SyntheticSets) -> Errors:
    """The errors of whoever answers every set with the same endmembers (n_endmembers, n_bands) and NNLS.

    norms: (n_endmembers,) what the abundances of ``sets`` are counted in.
    """
    contributions = np.stack([nnls(pixels, reference) for pixels in sets.pixels])
    abundances = np.stack([split_brightness(image / norms)[0] for image in contributions])
    error = ((abundances - sets.abundances) ** 2).sum(axis=1)
    power = np.maximum((sets.abundances**2).sum(axis=1), SMALLEST_POWER)
    return Errors(float((error / power).mean()), float(((reference - sets.endmembers) ** 2).sum(axis=2).mean()))


def _as_array(tensor: Tensor) -> Float64:
    array: Float64 = tensor.detach().cpu().numpy().astype(np.float64)
    return array


def _as_batch(sets: SyntheticSets, basis: Tensor) -> _Batch:
    """The sets in the network's subspace and on its device."""
    to_subspace = _as_array(basis).T

    def tensor(array: Float64) -> Tensor:
        return torch.from_numpy(array.astype(np.float32)).to(basis.device)

    return _Batch(tensor(sets.pixels @ to_subspace), tensor(sets.endmembers @ to_subspace), tensor(sets.abundances))


def _losses(network: LPALM, batch: _Batch) -> tuple[Tensor, Tensor]:
    contributions, endmembers, _ = network(batch.pixels)
    abundances, _ = network.abundances(contributions)
    error = ((abundances - batch.abundances) ** 2).sum(dim=1)
    power = (batch.abundances**2).sum(dim=1).clamp_min(SMALLEST_POWER)
    # Endmembers have unit norm, so their squared error is their NMSE.
    return (error / power).mean(), ((endmembers - batch.endmembers) ** 2).sum(dim=-1).mean()


def _step(network: LPALM, batch: _Batch, constant: Errors, optimiser: torch.optim.Optimizer) -> None:
    abundance_error, endmember_error = _losses(network, batch)
    loss = abundance_error / max(constant.abundances, 1e-9) + endmember_error / max(constant.endmembers, 1e-9)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT_NORM)
    optimiser.step()


def _errors(network: LPALM, batch: _Batch) -> Errors:
    with torch.no_grad():
        abundance_error, endmember_error = _losses(network, batch)
    return Errors(float(abundance_error), float(endmember_error))


def _relative(errors: Errors, constant: Errors) -> float:
    return errors.abundances / max(constant.abundances, 1e-9) + errors.endmembers / max(constant.endmembers, 1e-9)


def _weights(network: LPALM) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
