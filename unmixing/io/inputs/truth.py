"""Scenes with known truth, and the evaluation of an answer against it: always afterwards, never before."""

from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from unmixing.io.formats.table import NPZ
from unmixing.simulation.evaluation import Truth
from unmixing.specs import AbundancesOf

Real = NDArray[np.floating]


def read_truth(path: Path) -> Truth | None:
    """The truth that an .npz scene holds in ``endmembers``, ``abundances``, ``names`` and ``abundances_of`` (``area``
    or ``shape``: what its makers counted, perhaps not said); None without endmembers."""
    if path.suffix.lower() not in NPZ.suffixes:
        return None
    with np.load(path, allow_pickle=False) as arrays:
        if "endmembers" not in arrays or arrays["endmembers"].ndim != 2:
            return None
        endmembers = arrays["endmembers"]
        abundances = arrays.get("abundances")
        names = arrays["names"] if "names" in arrays else np.arange(1, len(endmembers) + 1)
        counted = str(arrays["abundances_of"]) if "abundances_of" in arrays else None
        known: AbundancesOf | None = next((each for each in get_args(AbundancesOf) if each == counted), None)
        return Truth(tuple(str(name) for name in names), endmembers, abundances, known)
