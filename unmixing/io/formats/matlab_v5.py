"""MATLAB version 5 files (and 4), through SciPy. They are at most 2 GB and are read whole."""

from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from numpy.typing import NDArray

from unmixing.io.formats.arrays import ArrayFormat
from unmixing.io.formats.damage import damage_reported
from unmixing.io.formats.reader import ArrayHeader

TYPES = {
    "double": "f8", "single": "f4", "int8": "i1", "int16": "i2", "int32": "i4", "int64": "i8",
    "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8",
}  # fmt: skip
"""MATLAB's numeric classes; every other class (cell, struct, char, sparse, ...) is kept as "not a number"."""


def v5_headers(path: Path) -> dict[str, ArrayHeader]:
    """Every variable of a MATLAB file by its name, with its shape in MATLAB. Raises SceneFormatError."""
    with damage_reported(f"{path.name} is no readable MATLAB file"):
        listing = scipy.io.whosmat(str(path), appendmat=False)
    return {
        name: ArrayHeader(tuple(int(length) for length in shape), np.dtype(TYPES.get(kind, "O")))
        for name, shape, kind in listing
    }


def load_v5(path: Path, name: str, scratch: Path | None) -> NDArray[Any]:
    """One variable of a MATLAB file, read into memory. Raises SceneFormatError.

    MATLAB stores whole doubles as small integers, and so they come. SciPy could convert them by itself, but would drop
    imaginary parts with no more than a warning.
    """
    with damage_reported(f"{path.name} is damaged or truncated"):
        return np.asarray(scipy.io.loadmat(str(path), appendmat=False, variable_names=[name])[name])


MAT_V5 = ArrayFormat("mat v5", v5_headers, load_v5, matlab=True, read_whole=True)
