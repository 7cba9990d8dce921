"""Which estimated source is which: order and signs, which blind separation leaves open."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from unmixing.algorithms.endmembers import unit_norm
from unmixing.types import Float64

Real = NDArray[np.floating]


def match_sources(estimated: Real, reference: Real) -> tuple[NDArray[np.intp], Float64]:
    """For each row of ``reference`` the row of ``estimated`` it is matched with (Hungarian, by the absolute value of
    the cosine), and the sign that makes them agree: (n_sources,) each. Both are (n_sources, n_channels), finite."""
    cosines = unit_norm(estimated) @ unit_norm(reference).T
    rows, columns = linear_sum_assignment(-np.abs(cosines))
    order = rows[np.argsort(columns)]
    signs = np.where(cosines[order, np.arange(len(reference))] < 0, -1.0, 1.0)
    return order, signs


def matched(estimated: Real, reference: Real) -> Float64:
    """The rows of ``estimated`` in the order and with the signs of ``reference``."""
    order, signs = match_sources(estimated, reference)
    rows: Float64 = np.asarray(estimated, dtype=np.float64)[order] * signs[:, None]
    return rows
