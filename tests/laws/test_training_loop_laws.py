"""The one training loop: what it keeps, and when it ends."""

import pytest
import torch

from unmixing.networks.training.loop import Limits, Optimiser, optimise


def descent(n_epochs, learning_rate=0.25, **limits):
    """Gradient descent on (weight - 1)^2 from 0; the scores of all epochs, the outcome and the weight that is left."""
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(network.weight)
    update = torch.optim.SGD(network.parameters(), learning_rate)
    scores = []

    def error():
        return ((network.weight - 1) ** 2).sum()

    def validate():
        scores.append(float(error().detach()))
        return scores[-1]

    outcome = optimise(network, Optimiser(update), lambda: (error() for _ in range(2)), Limits(n_epochs, **limits),
                       validate=validate)  # fmt: skip
    return scores, outcome, float(network.weight.detach())


def test_it_goes_on_to_the_last_epoch_while_it_gets_better():
    scores, outcome, weight = descent(5)
    assert (outcome.best_epoch, outcome.stopped_by) == (5, "max_epochs")
    assert scores == sorted(scores, reverse=True)
    assert weight == pytest.approx(1 - 0.5**10)


def test_without_a_better_score_it_ends_and_keeps_the_best_weights():
    scores, outcome, weight = descent(50, learning_rate=1.5, patience=3)
    assert (outcome.best_epoch, outcome.stopped_by) == (0, "patience")
    assert len(scores) == 1 + 3
    assert weight == 0


def test_it_ends_at_the_first_epoch_after_its_time():
    ticks = iter(range(0, 1000, 10))
    scores, outcome, _ = descent(50, max_seconds=25.0, clock=lambda: float(next(ticks)))
    assert outcome.stopped_by == "max_training_seconds"
    assert len(scores) == 1 + 3


def test_without_validation_the_last_epoch_is_kept_and_its_mean_loss_told():
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(network.weight)
    reported, restored = [], []
    optimiser = Optimiser(torch.optim.SGD(network.parameters(), 0.25), after_step=lambda: restored.append(1))
    outcome = optimise(
        network, optimiser, lambda: (((network.weight - 1) ** 2).sum() for _ in range(2)), Limits(2),
        on_epoch=lambda epoch, loss: reported.append((epoch, loss)),
    )  # fmt: skip
    assert outcome.best_epoch == 2
    assert [epoch for epoch, _ in reported] == [1, 2]
    assert [loss for _, loss in reported] == pytest.approx([(1 + 0.25) / 2, (0.25**2 + 0.25**3) / 2])
    assert len(restored) == 4
