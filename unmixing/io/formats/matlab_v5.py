"""MATLAB version 5 files (and 4), through SciPy. They are at most 2 GB and are read whole."""

from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from numpy.typing import NDArray

from unmixing.errors import SceneFormatError
from unmixing.io.formats.arrays import ArrayFormat
from unmixing.io.formats.reader import ArrayHeader

TYPES = {
    "double": "f8", "single": "f4", "int8": "i1", "int16": "i2", "int32": "i4", "int64": "i8",
    "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8",
}  # fmt: skip
"""MATLAB's numeric classes; every other class (cell, struct, char, sparse, ...) is kept as "not a number"."""


def v5_headers(path: Path) -> dict[str, ArrayHeader]:
    """Every variable of a MATLAB file by its name, with its shape in MATLAB. Raises SceneFormatError."""
    try:
        listing = scipy.io.whosmat(str(path), appendmat=False)
    except Exception as error:  # SciPy trusts the file: garbage leads it into errors of any class
        raise SceneFormatError(f"{path.name} is no readable MATLAB file: {error}") from error
    return {
        name: ArrayHeader(tuple(int(length) for length in shape), np.dtype(TYPES.get(kind, "O")))
        for name, shape, kind in listing
    }


def load_v5(path: Path, name: str, scratch: Path | None) -> NDArray[Any]:
    """One variable of a MATLAB file, read into memory. Raises SceneFormatError."""
    try:
        # mat_dtype: MATLAB stores whole doubles as small integers; the class it shows is the type that is
        # meant
        loaded = scipy.io.loadmat(str(path), appendmat=False, variable_names=[name], mat_dtype=True)
        return np.asarray(loaded[name])
    except Exception as error:  # as above
        raise SceneFormatError(f"{path.name} is damaged or truncated: {error}") from error


MAT_V5 = ArrayFormat("mat v5", v5_headers, load_v5, matlab=True)
