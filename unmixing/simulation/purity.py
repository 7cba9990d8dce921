"""Whether pixels of a scene look pure: the only evidence of purity there is, and a weak one."""

import numpy as np

from unmixing.types import Float64

PURE_AND_NEARLY = ((0.99, 0.95), (0.97, 0.9))
"""Shares above the first of which a pixel looks pure, and between the two nearly so."""


def pure_for_each_nearly_pure(abundances: Float64) -> float:
    """Pixels that look pure for each that nearly does, by both of PURE_AND_NEARLY, as a geometric mean over endmembers.

    Where the purest pixels are mixtures, endmembers were made of the few outermost ones, and most lie just inside of
    them; pure pixels pile up at the endmember. abundances: (n_pixels, n_endmembers), summing to one.
    """
    logs = [
        np.log(((abundances > pure).sum(axis=0) + 1) / (((abundances > nearly) & (abundances <= pure)).sum(axis=0) + 1))
        for pure, nearly in PURE_AND_NEARLY
    ]
    return float(np.exp(np.mean(logs)))
