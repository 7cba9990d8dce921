"""LPALM's layers with their gradient written out: a step of its training is less than half as long."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

NORM_FLOOR, POWER_FLOOR = 1e-9, 1e-6
"""Added to the norm of an endmember, and to the power of its contributions, before either divides."""


class Learned(NamedTuple):
    """weights W (n_layers + 1, n_endmembers, n_inputs) and thresholds (n_layers + 1, n_endmembers), those of the start
    in front; steps (n_layers, n_endmembers)."""

    weights: Tensor
    thresholds: Tensor
    steps: Tensor


class Fixed(NamedTuple):
    """basis B (n_inputs, n_bands): no bands for an input that is none of the subspace's. rest (n_endmembers, n_inputs):
    what of the endmembers never changes: their coordinates in such inputs, and the first ``n_given`` altogether."""

    basis: Tensor
    rest: Tensor
    n_given: int


class _Layer(NamedTuple):
    """One layer's numbers, of each set. S and E before it; I - E W^T and S after the step of the contributions; of the
    step of the endmembers S^T S, its row sums, S^T (Y - S E), the step; relu(E B), its norms and E B's projection."""

    before: Tensor
    used: Tensor
    mixing: Tensor
    after: Tensor
    gram: Tensor
    powers: Tensor
    direction: Tensor
    step: Tensor
    lifted: Tensor
    norms: Tensor
    projected: Tensor


class LPALMLayers(torch.autograd.Function):
    """The layers of ``LPALM`` on many sets of pixels, and their gradient.

    Arrays are so small that the number of operations is what a step costs, so products that layers have in common are
    one. Contributions S are (n_sets, n_endmembers, n_pixels): few rows are faster than few columns.
    """

    @staticmethod
    def forward(ctx: Any, pixels: Tensor, reference: Tensor, fixed: Fixed, *learned: Tensor) -> tuple[Tensor, Tensor]:
        """pixels Y: (n_sets, n_pixels, n_inputs). reference: (n_endmembers, n_inputs). learned: the fields of
        ``Learned``. Returns contributions (n_sets, n_pixels, n_endmembers), endmembers (n_sets, n_endmembers,
        n_inputs)."""
        weights, thresholds, steps = Learned(*learned)
        rows = torch.addmm(-thresholds.flatten()[:, None], weights.flatten(0, 1), pixels.flatten(0, 1).T)
        first, *updates = rows.view(*weights.shape[:2], *pixels.shape[:2]).transpose(1, 2).unbind(0)
        contributions, endmembers = first.relu(), reference.expand(len(pixels), -1, -1)
        layers = []
        for update, weight, step in zip(updates, weights[1:], steps, strict=True):
            layers.append(_layer(pixels, (contributions, endmembers), update, weight, step, fixed))
            contributions, endmembers = layers[-1].after, layers[-1].projected + fixed.rest
        ctx.layers, ctx.fixed = layers, fixed
        ctx.save_for_backward(pixels, weights)
        # Another view than the layers keep, because what a context keeps may not refer to the context.
        return contributions.transpose(1, 2), endmembers

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, contributions: Tensor, endmembers: Tensor) -> tuple[Tensor | None, ...]:
        """From the gradients of what ``forward`` returned."""
        pixels, weights = ctx.saved_tensors
        rows = pixels.new_empty(*weights.shape[:2], *pixels.shape[:2])
        updates = rows.transpose(1, 2)
        by_mixing, by_step = torch.zeros_like(weights), []
        contributions = contributions.transpose(1, 2)
        for number in range(len(ctx.layers), 0, -1):
            layer = ctx.layers[number - 1]
            contributions, endmembers, step = _endmember_gradient(layer, pixels, contributions, endmembers, ctx.fixed)
            by_step.append(step)
            update = torch.mul(contributions, layer.after.sign(), out=updates[number])
            mixing = layer.before @ update.transpose(1, 2)
            by_mixing[number] = mixing.flatten(0, 1).T @ layer.used.flatten(0, 1)
            contributions, endmembers = layer.mixing @ update, endmembers - mixing @ weights[number]
        torch.mul(contributions, ctx.layers[0].before.sign(), out=updates[0])
        learned = (rows.flatten(0, 1).flatten(1) @ pixels.flatten(0, 1)).view_as(weights) - by_mixing
        return None, None, None, learned, -rows.sum(dim=(2, 3)), torch.stack(by_step[::-1])


def _layer(
    pixels: Tensor, state: tuple[Tensor, Tensor], update: Tensor, weight: Tensor, step: Tensor, fixed: Fixed
) -> _Layer:
    """One layer on the contributions and endmembers of ``state``. update: Y W^T - threshold."""
    before, used = state
    # S <- relu(S + (Y - S E) W^T - threshold)
    mixing = torch.eye(len(weight), device=weight.device) - used @ weight.T
    after = torch.baddbmm(update, mixing.transpose(1, 2), before).relu_()
    # E <- project(E + step * S^T (Y - S E) / rowsum(S^T S))
    gram = after @ after.transpose(1, 2)
    powers = gram.sum(dim=2, keepdim=True) + POWER_FLOOR
    direction = torch.baddbmm(after @ pixels, gram, used, alpha=-1)
    step = step[:, None] / powers
    lifted = (torch.addcmul(used, step, direction) @ fixed.basis).relu_()
    norms = torch.linalg.vector_norm(lifted, dim=2, keepdim=True) + NORM_FLOOR
    projected = lifted @ fixed.basis.T / norms
    if fixed.n_given:
        projected[:, : fixed.n_given] = 0.0
    return _Layer(before, used, mixing, after, gram, powers, direction, step, lifted, norms, projected)


def _endmember_gradient(
    layer: _Layer, pixels: Tensor, contributions: Tensor, endmembers: Tensor, fixed: Fixed
) -> tuple[Tensor, Tensor, Tensor]:
    """Through the layer's step of the endmembers: the gradients of S after and E before it, and of the steps."""
    along = endmembers / layer.norms
    if fixed.n_given:
        along[:, : fixed.n_given] = 0.0
    shrunk = (along * layer.projected).sum(dim=2, keepdim=True)
    lifted = (along @ fixed.basis).mul_(layer.lifted.sign())
    moved = torch.addcmul(lifted @ fixed.basis.T, shrunk, layer.projected, value=-1)
    step = (moved * layer.direction).sum(dim=2, keepdim=True) / layer.powers
    direction = layer.step * moved
    gram = torch.baddbmm(step * layer.step, direction, layer.used.transpose(1, 2), beta=-1, alpha=-1)
    contributions = torch.baddbmm(contributions, direction, pixels.transpose(1, 2))
    contributions.baddbmm_(gram + gram.transpose(1, 2), layer.after)
    return contributions, torch.baddbmm(moved, layer.gram, direction, alpha=-1), step.sum(dim=0).flatten()
