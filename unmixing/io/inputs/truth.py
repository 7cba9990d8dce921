"""Scenes with known truth, and the evaluation of an answer against it: always afterwards, never before."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unmixing.io.formats.table import NPZ
from unmixing.simulation.evaluation import Truth

Real = NDArray[np.floating]


def read_truth(path: Path) -> Truth | None:
    """The truth that an .npz scene holds in ``endmembers``, ``abundances`` and ``names``; None without."""
    if path.suffix.lower() not in NPZ.suffixes:
        return None
    with np.load(path, allow_pickle=False) as arrays:
        if "endmembers" not in arrays or arrays["endmembers"].ndim != 2:
            return None
        endmembers = arrays["endmembers"]
        abundances = arrays.get("abundances")
        names = arrays["names"] if "names" in arrays else np.arange(1, len(endmembers) + 1)
        return Truth(tuple(str(name) for name in names), endmembers, abundances)
