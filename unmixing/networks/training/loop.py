"""The one training loop: optimiser steps epoch by epoch, validation, best weights, an end."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from unmixing.specs import TrainingSpec

LARGEST_GRADIENT_NORM = 1.0

Losses = Callable[[], Iterator[Tensor]]
"""The losses of one epoch's batches, each computed when it is asked for: after the step on the one before."""


@dataclass(frozen=True)
class Limits:
    """When a training ends: after ``max_epochs``, after ``patience`` epochs without a better score, or at the first
    epoch after ``max_seconds``. None stands for no such limit."""

    max_epochs: int
    patience: int | None = None
    max_seconds: float | None = None
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class Run:
    """Seed of all random choices and time limit of one training; neither belongs to the spec."""

    seed: int = 0
    max_seconds: float | None = None
    clock: Callable[[], float] = time.monotonic

    def limits(self, max_epochs: int, patience: int | None = None) -> Limits:
        return Limits(max_epochs, patience, self.max_seconds, self.clock)


@dataclass(frozen=True, eq=False)
class Optimiser:
    """One step on a loss: its gradients, limited in norm where ``largest_gradient_norm`` says so, torch's own step, the
    next learning rate of ``schedule``, and ``after_step``, where there is something to restore."""

    update: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None
    largest_gradient_norm: float | None = None
    after_step: Callable[[], None] = field(default=lambda: None)

    def step(self, loss: Tensor) -> None:
        self.update.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.largest_gradient_norm is not None:
            learned = [parameter for group in self.update.param_groups for parameter in group["params"]]
            torch.nn.utils.clip_grad_norm_(learned, self.largest_gradient_norm)
        self.update.step()
        if self.schedule is not None:
            self.schedule.step()
        self.after_step()


@dataclass(frozen=True)
class Outcome:
    """best_epoch: the one whose weights were kept, 0 being the untrained network. stopped_by: what ended the training:
    ``max_epochs``, ``patience`` or ``max_training_seconds``."""

    best_epoch: int
    stopped_by: str


def one_cycle_adam(network: nn.Module, learning_rate: float, n_steps: int, warm_up: float = 0.3) -> Optimiser:
    """Adam with a one-cycle schedule over ``n_steps`` (Kingma and Ba 2015; Smith and Topin 2019), ``learning_rate``
    being the largest, after ``warm_up`` of the steps, on gradients of norm at most LARGEST_GRADIENT_NORM."""
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    adam = torch.optim.Adam(learned, learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, learning_rate, total_steps=n_steps, pct_start=warm_up)
    return Optimiser(adam, schedule, LARGEST_GRADIENT_NORM)


def on_sets(
    network: nn.Module, n_sets: int, spec: TrainingSpec, seed: int, loss: Callable[[Tensor], Tensor]
) -> tuple[Optimiser, Losses]:
    """``one_cycle_adam`` for the epochs of ``spec``, and the losses of those epochs: ``loss`` takes the indices of a
    batch of the ``n_sets``, all of which come in another random order each time."""
    shuffle = torch.Generator().manual_seed(seed)

    def losses() -> Iterator[Tensor]:
        for indices in torch.split(torch.randperm(n_sets, generator=shuffle), spec.batch_sets):
            yield loss(indices)

    n_batches = -(-n_sets // spec.batch_sets)
    n_steps = spec.max_epochs * n_batches
    return one_cycle_adam(network, spec.learning_rate, n_steps, spec.warm_up), losses


def optimise(
    network: nn.Module,
    optimiser: Optimiser,
    losses: Losses,
    limits: Limits,
    *,
    validate: Callable[[], float] | None = None,
    on_epoch: Callable[[int, float], None] | None = None,
) -> Outcome:
    """Take a step on each of the ``losses``, epoch by epoch, until one of the ``limits`` is reached.

    validate: called before the first epoch and after each, says how good the network is, less being better; the network
    is left with its best weights. Without it the last epoch is kept. on_epoch: told the epoch, counted from 1, and its
    mean loss.
    """
    best_score, best_epoch, best_weights = (validate() if validate else 0.0), 0, _weights(network)
    started, stopped_by = limits.clock(), "max_epochs"
    for epoch in range(1, limits.max_epochs + 1):
        mean_loss = _epoch(optimiser, losses)
        score = validate() if validate else -float(epoch)  # then the last epoch is the best
        if score < best_score:
            best_score, best_epoch, best_weights = score, epoch, _weights(network)
        if on_epoch is not None:
            on_epoch(epoch, mean_loss)
        if limits.patience is not None and epoch - best_epoch >= limits.patience:
            stopped_by = "patience"
            break
        if limits.max_seconds is not None and limits.clock() - started > limits.max_seconds:
            stopped_by = "max_training_seconds"
            break
    network.load_state_dict(best_weights)
    return Outcome(best_epoch, stopped_by)


def _epoch(optimiser: Optimiser, losses: Losses) -> float:
    """A step on each loss; returns their mean."""
    seen = []
    for loss in losses():
        seen.append(loss.item())
        optimiser.step(loss)
    return sum(seen) / len(seen)


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
