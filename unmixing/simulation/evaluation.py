"""How good an answer is, where the truth is known."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.metrics import coverage, match_endmembers, nmse, rmse, sad_radians
from unmixing.specs import AbundancesOf

Real = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Truth:
    """endmembers: (n_endmembers, bands); abundances: (rows, columns, n_endmembers) or None. abundances_of: what they
    are shares of, None where nobody said it; of ``area``, endmembers are as bright as the materials are."""

    names: tuple[str, ...]
    endmembers: Real
    abundances: Real | None
    abundances_of: AbundancesOf | None = None

    def counting(self, abundances_of: AbundancesOf) -> "Truth":
        """The same truth with abundances of ``abundances_of``, or without any where they cannot be converted: the
        endmembers of a truth of ``shape`` need not be as bright as the materials. One that says nothing is believed to
        be of that."""
        if self.abundances is None or self.abundances_of in (None, abundances_of):
            return replace(self, abundances_of=abundances_of)
        if self.abundances_of == "shape":
            return replace(self, abundances=None, abundances_of=abundances_of)
        shares = self.abundances * np.linalg.norm(self.endmembers, axis=1)
        return replace(self, abundances=shares, abundances_of=abundances_of)


@dataclass(frozen=True)
class Evaluation:
    """Per true material the endmember matched with it, counted from 0, their spectral angle, and the errors of the
    abundances, both summing to one; None when the truth has no abundances of this size.

    ``abundance_coverage`` is the share of the true abundances within the answer's 90 % intervals, where it has any.
    """

    names: tuple[str, ...]
    matched: tuple[int, ...]
    sad_radians: tuple[float, ...]
    abundance_rmse: float | None = None
    abundance_nmse: float | None = None
    abundance_coverage: float | None = None

    @property
    def mean_sad_radians(self) -> float:
        return float(np.mean(self.sad_radians))


def evaluate(truth: Truth, endmembers: Real, abundances: Real, uncertainty: Real | None = None) -> Evaluation | None:
    """Compare an answer with the truth, whose abundances have to be shares of the same (``Truth.counting``); None when
    it has fewer endmembers, or other bands.

    endmembers: (n_found, bands), NaN in bands that were not used, which the angles leave out.
    abundances: (rows, columns, n_found), NaN where masked, compared elsewhere. uncertainty: their standard deviations.
    """
    if len(endmembers) < len(truth.endmembers) or endmembers.shape[1] != truth.endmembers.shape[1]:
        return None
    used = np.isfinite(endmembers).all(axis=0)
    found, reference = endmembers[:, used], truth.endmembers[:, used]
    order = match_endmembers(found, reference)
    matches = tuple(int(index) for index in order)
    angles = tuple(float(angle) for angle in sad_radians(found[order], reference))
    if truth.abundances is None or truth.abundances.shape[:2] != abundances.shape[:2]:
        return Evaluation(truth.names, matches, angles)
    matched = abundances[:, :, order]
    valid = np.isfinite(matched).all(axis=2)
    true = truth.abundances[valid].astype(np.float64)
    shares = _sum_to_one(true)
    return Evaluation(
        truth.names,
        matches,
        angles,
        rmse(matched[valid], shares),
        nmse(matched[valid], shares),
        None if uncertainty is None else coverage(matched[valid], shares, uncertainty[:, :, order][valid]),
    )


def _sum_to_one(abundances: Real) -> Real:
    shares: Real = abundances / np.maximum(abundances.sum(axis=1, keepdims=True), 1e-12)
    return shares
