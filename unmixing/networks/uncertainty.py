"""How far an abundance may be off: a small network beside an unrolled one, fitted on wider synthetic truth."""

import numpy as np
import torch
from torch import Tensor, nn

from unmixing.algorithms.conventions import shape_deviations, shape_of_area
from unmixing.algorithms.metrics import NORMAL_QUANTILE
from unmixing.networks.unrolled import Unrolled
from unmixing.simulation.training_sets import SyntheticSets
from unmixing.types import Float64

COVERAGE = 0.9
N_HIDDEN = 16
N_STEPS = 400
BATCH_PIXELS = 2_048
LEARNING_RATE = 1e-2
DARKEST = 1e-3


class Uncertainty(nn.Module):
    """From a pixel's abundances and brightness to a standard deviation for each of its abundances.

    It learns the 90 % quantile of the absolute error by the pinball loss (Koenker and Bassett 1978), which asks for no
    distribution; divided by that of the normal distribution it is a standard deviation, so that 1.645 of them on
    either side hold the truth nine times in ten.
    """

    scale: Tensor

    def __init__(self, n_endmembers: int) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(n_endmembers + 1, N_HIDDEN), nn.Linear(N_HIDDEN, n_endmembers)
        self.register_buffer("scale", torch.ones(n_endmembers))

    def forward(self, abundances: Tensor, brightness: Tensor) -> Tensor:
        """abundances: (n_endmembers, n_pixels), brightness: (n_pixels,). Returns standard deviations, as abundances."""
        return self.quantiles(abundances, brightness) / NORMAL_QUANTILE

    def quantiles(self, abundances: Tensor, brightness: Tensor) -> Tensor:
        """The absolute errors that COVERAGE of all pixels stay below, (n_endmembers, n_pixels)."""
        log_brightness = torch.log(brightness.clamp_min(DARKEST))
        known = torch.cat([abundances, log_brightness[None]])
        hidden = torch.relu(self.hidden.weight @ known + self.hidden.bias[:, None])
        return torch.exp(self.out.weight @ hidden + self.out.bias[:, None]) * self.scale[:, None]


def fit_uncertainty(network: Unrolled, training: SyntheticSets, held_out: SyntheticSets, seed: int) -> Uncertainty:
    """The uncertainty of ``network`` on pixels like those of ``training``, scaled to COVERAGE on ``held_out``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = Uncertainty(training.abundances.shape[-1])
        abundances, brightness, errors = _answers(network, training)
        optimiser = torch.optim.Adam(head.parameters(), LEARNING_RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, N_STEPS)
        for _ in range(N_STEPS):
            chosen = torch.randint(len(brightness), (BATCH_PIXELS,))
            optimiser.zero_grad()
            _pinball(errors[:, chosen], head.quantiles(abundances[:, chosen], brightness[chosen])).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    abundances, brightness, errors = _answers(network, held_out)
    with torch.no_grad():
        ratios = errors / head.quantiles(abundances, brightness).clamp_min(1e-9)
        head.scale = torch.quantile(ratios, COVERAGE, dim=1)
    return head.eval()


def coverage(head: Uncertainty, network: Unrolled, sets: SyntheticSets) -> float:
    """The share of all abundances of ``sets`` that lie within the interval meant to hold COVERAGE of them."""
    abundances, brightness, errors = _answers(network, sets)
    with torch.no_grad():
        return float((errors <= head.quantiles(abundances, brightness)).float().mean())


def shape_deviation_factors(head: Uncertainty, network: Unrolled, sets: SyntheticSets) -> Float64:
    """By what the standard deviations of ``shape`` that follow from those of ``area`` (``shape_deviations``) have to be
    multiplied to hold COVERAGE of ``sets`` too, (n_endmembers,): an error of the norms alone is none of ``shape``."""
    abundances, brightness, _ = _answers(network, sets)
    with torch.no_grad():
        deviations = head(abundances, brightness).T.numpy().astype(np.float64)
    area, norms = abundances.T.numpy().astype(np.float64), network.norms.numpy().astype(np.float64)
    truth = sets.shape_abundances.reshape(area.shape)
    carried = shape_deviations(area, deviations, norms)
    errors = np.abs(shape_of_area(area, norms)[0] - truth)
    factors: Float64 = np.quantile(errors / np.maximum(NORMAL_QUANTILE * carried, 1e-9), COVERAGE, axis=0)
    return factors


def _answers(network: Unrolled, sets: SyntheticSets) -> tuple[Tensor, Tensor, Tensor]:
    """The network's abundances (n_endmembers, n_pixels) and brightness (n_pixels,), and the absolute errors of its
    abundances."""
    with torch.no_grad():
        pixels = network.coordinates(torch.from_numpy(sets.pixels)).float()
        abundances, brightness = network.abundances(network.answers(pixels)[0])
        errors = (abundances - torch.from_numpy(sets.abundances).float()).abs()
    columns, errors = (array.flatten(0, -2).T.contiguous() for array in (abundances, errors))
    return columns, brightness.flatten(), errors


def _pinball(errors: Tensor, quantiles: Tensor) -> Tensor:
    short = errors - quantiles
    return torch.maximum(COVERAGE * short, (COVERAGE - 1) * short).mean()
