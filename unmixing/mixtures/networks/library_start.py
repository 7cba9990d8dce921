"""Where the separation starts: the columns of a library that lie in the span of the mixtures."""

import torch
from torch import Tensor

NOISE_FLOOR = 3e-4
"""Share of the power of the mixtures that counts as noise in every direction."""
SHARPNESS = 5e-4
"""Scores that differ by this much differ by a factor e in weight."""
SMALLEST_NOVELTY = 1e-2
"""Added to the share of a column that the others do not explain: the least share that differs from none."""


def spd_inverse(matrix: Tensor) -> Tensor:
    """Inverse of symmetric positive definite matrices (..., n, n) by Gauss-Jordan; ONNX has no operator for it."""
    n = matrix.shape[-1]
    identity = torch.eye(n, device=matrix.device)
    work = torch.cat([matrix, identity.expand(matrix.shape)], dim=-1)
    for pivot in range(n):
        row = work[..., pivot : pivot + 1, :] / work[..., pivot : pivot + 1, pivot : pivot + 1]
        work = work - (work[..., pivot : pivot + 1] - identity[:, pivot : pivot + 1]) * row
    return work[..., n:]


def library_start(mixtures: Tensor, library: Tensor) -> Tensor:
    """A first mixing matrix, made of the library's columns that fit the mixtures. No gradient passes.

    A column that was mixed lies in the span of the mixtures. Every candidate is scored by its power outside of that
    span (MUSIC, Schmidt 1986, in its soft form, Capon 1969) over its power outside of the span of the columns already
    found (RAP-MUSIC, Mosher and Leahy 1999): else a candidate that resembles another source's column would do. The
    start is the mean of the candidates, weighted by their scores. The last source found has the best chance, so every
    source is the last once, and the start that explains most of the mixtures is taken,
    or the mean of those that explain as much.
    mixtures: (..., n_samples, n_dimensions), library: (n_matrices, n_sources, n_dimensions), unit norm.
    Returns (..., n_sources, n_dimensions).
    """
    with torch.no_grad():
        n_sources = library.shape[1]
        moment = mixtures.transpose(-1, -2) @ mixtures
        identity = torch.eye(moment.shape[-1], device=moment.device)
        moment = moment / (moment * identity).sum(dim=(-1, -2), keepdim=True).clamp_min(1e-30)
        outside = NOISE_FLOOR * spd_inverse(moment + NOISE_FLOOR * identity)
        columns = [library[:, source] for source in range(n_sources)]
        powers = [((candidates @ outside) * candidates).sum(dim=-1) for candidates in columns]
        starts = []
        for last in range(n_sources):
            order = [source for source in range(n_sources) if source != last] + [last]
            starts.append(_found_in(order, columns, powers, moment))
        explained = torch.stack([share for _, share in starts], dim=-1)
        # Not the very best: where several are equally good, rounding would decide.
        best = torch.softmax(explained / NOISE_FLOOR, dim=-1)
        return (torch.stack([start for start, _ in starts], dim=-1) * best[..., None, None, :]).sum(dim=-1)


def _found_in(order: list[int], columns: list[Tensor], powers: list[Tensor], moment: Tensor) -> tuple[Tensor, Tensor]:
    """The columns found one after the other, (..., n_sources, n_dimensions), and the share they explain, (...,)."""
    directions: list[Tensor] = []
    found: dict[int, Tensor] = {}
    for source in order:
        candidates = columns[source]
        novelty = candidates.square().sum(dim=-1)
        for direction in directions:
            novelty = novelty - (candidates @ direction[..., None]).squeeze(-1).square()
        score = powers[source] / (novelty.clamp_min(0.0) + SMALLEST_NOVELTY)
        column = torch.softmax(-score / SHARPNESS, dim=-1) @ candidates
        found[source] = column
        for direction in directions:
            column = column - (column * direction).sum(dim=-1, keepdim=True) * direction
        directions.append(column / torch.linalg.vector_norm(column, dim=-1, keepdim=True).clamp_min(1e-12))
    basis = torch.stack(directions, dim=-2)
    explained = ((basis @ moment) * basis).sum(dim=(-1, -2))
    return torch.stack([found[source] for source in range(len(order))], dim=-2), explained
