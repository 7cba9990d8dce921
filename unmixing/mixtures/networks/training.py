"""Trains a network for mixtures on synthetic ones, with held-out mixing matrices and early stopping."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unmixing.mixtures.networks.separators import Separator, root_mean_power
from unmixing.mixtures.sources import MixturePrior, MixtureSets, mix, recombine
from unmixing.mixtures.specs import SeparationNetworkSpec
from unmixing.networks.training.loop import Run, one_cycle_adam, optimise
from unmixing.types import Float64

HELD_OUT_SHARE = 0.2
VALIDATION_SHARE = 0.13
FEWEST_MATRICES = 10
"""A smaller library is not split: its start is then too good in training."""
EARLIER_LAYERS = 0.8
"""Weight of a layer's error over that of the layer after it."""
SMALLEST_ERROR = 1e-5


@dataclass(frozen=True, eq=False)
class Batch:
    """Mixtures as a network sees them: in coordinates and scaled, with their truth."""

    mixtures: Tensor
    mixing_matrices: Tensor
    sources: Tensor


Loss = Callable[[Batch, Tensor, Tensor], Tensor]
"""From the truth, sources and mixing matrices to the loss of every mixture, (n_sets,)."""


@dataclass(frozen=True)
class SeparationErrors:
    """Mean NMSE of the sources and of the mixing matrix over mixtures."""

    sources: float
    mixing_matrix: float


@dataclass(frozen=True)
class SeparationHistory:
    """Validation errors per epoch (the first is the untrained network's), those of the epoch that was kept, and why
    training stopped."""

    epochs: tuple[SeparationErrors, ...]
    best: SeparationErrors
    stopped_by: str


def supervised(truth: Batch, sources: Tensor, matrix: Tensor) -> Tensor:
    """Root NMSE of sources and of the mixing matrix: their sum would be ruled by the worst-conditioned mixtures."""
    return (_nmse(sources, truth.sources) + SMALLEST_ERROR).sqrt() + (
        _nmse(matrix, truth.mixing_matrices) + SMALLEST_ERROR
    ).sqrt()


def sources_alone(truth: Batch, sources: Tensor, matrix: Tensor) -> Tensor:
    """NMSE of the sources."""
    return _nmse(sources, truth.sources)


def reconstruction(truth: Batch, sources: Tensor, matrix: Tensor) -> Tensor:
    """NMSE of the reconstructed mixtures; the truth of sources and mixing matrix is not looked at."""
    return _nmse(sources @ matrix, truth.mixtures)


def _nmse(estimated: Tensor, truth: Tensor) -> Tensor:
    return (estimated - truth).square().sum(dim=(-1, -2)) / truth.square().sum(dim=(-1, -2)).clamp_min(1e-30)


def train_separation(
    network: Separator,
    prior: MixturePrior,
    spec: SeparationNetworkSpec,
    run: Run,
    loss: Loss = supervised,
    on_epoch: Callable[[int, SeparationErrors], None] | None = None,
) -> SeparationHistory:
    """Adam with a one-cycle schedule on fresh synthetic mixtures in every step.

    Some mixing matrices are held out for validation. Of the others, every step mixes with one part, columns
    recombined, and lets the network start from the other part: the answer is never in the library it looks in.
    The network keeps the weights of its best epoch.
    """
    library, model, rng = prior.library, prior.sources, np.random.default_rng(run.seed)
    training, held_out = _split(rng.permutation(len(library)), VALIDATION_SHARE)
    validation = as_batch(network, mix(library[held_out], model, spec.samples_per_set, rng))
    epochs: list[SeparationErrors] = []

    def validate() -> float:
        errors, score = _validate(network, validation, training, loss)
        epochs.append(errors)
        return score

    def losses() -> Iterator[Tensor]:
        for _ in range(spec.steps_per_epoch):
            known, unknown = _split(rng.permutation(training), HELD_OUT_SHARE)
            sets = mix(recombine(library[unknown], spec.batch_sets, rng), model, spec.samples_per_set, rng)
            yield _loss(network, as_batch(network, sets), known, loss)

    outcome = optimise(
        network,
        one_cycle_adam(network, spec.learning_rate, spec.max_epochs * spec.steps_per_epoch),
        losses,
        run.limits(spec.max_epochs, spec.patience),
        validate=validate,
        on_epoch=None if on_epoch is None else lambda epoch, mean_loss: on_epoch(epoch, epochs[-1]),
    )
    return SeparationHistory(tuple(epochs), epochs[outcome.best_epoch], outcome.stopped_by)


def as_batch(network: Separator, sets: MixtureSets) -> Batch:
    """The sets in the network's coordinates, on its device."""

    def tensor(array: Float64) -> Tensor:
        return torch.from_numpy(array.astype(np.float32)).to(network.basis.device)

    mixtures = tensor(sets.mixtures)
    scale = root_mean_power(mixtures)
    to_coordinates = network.basis.T
    return Batch(
        (mixtures / scale) @ to_coordinates,
        tensor(sets.mixing_matrices) @ to_coordinates,
        tensor(sets.sources) / scale,
    )


def _split(indices: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """The indices without a ``share`` of them, and that share; all of them twice when they are few."""
    if len(indices) < FEWEST_MATRICES:
        return indices, indices
    n_out = max(1, round(share * len(indices)))
    return indices[n_out:], indices[:n_out]


def _loss(network: Separator, batch: Batch, known: np.ndarray, loss: Loss) -> Tensor:
    """The losses after all layers, those of earlier ones weighing less."""
    states = network.trajectory(batch.mixtures, network.start(batch.mixtures, network.library[known]))
    total = torch.zeros((), device=batch.mixtures.device)
    for sources, matrix in states:
        total = EARLIER_LAYERS * total + loss(batch, sources, matrix).mean()
    return total


def _validate(network: Separator, batch: Batch, known: np.ndarray, loss: Loss) -> tuple[SeparationErrors, float]:
    with torch.no_grad():
        sources, matrix = network.trajectory(batch.mixtures, network.start(batch.mixtures, network.library[known]))[-1]
        errors = SeparationErrors(
            float(_nmse(sources, batch.sources).mean()), float(_nmse(matrix, batch.mixing_matrices).mean())
        )
        return errors, float(loss(batch, sources, matrix).mean())
