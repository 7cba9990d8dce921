"""MATLAB version 5 files (and 4), through SciPy. They are at most 2 GB and are read whole."""

from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from numpy.typing import NDArray

from unmixing.io.formats.array_header import ArrayHeader
from unmixing.io.formats.arrays import ArrayFormat
from unmixing.io.formats.damage import damage_reported
from unmixing.io.formats.matlab_tags import require_known_types

TYPES = {
    "double": "f8", "single": "f4", "int8": "i1", "int16": "i2", "int32": "i4", "int64": "i8",
    "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8",
}  # fmt: skip
"""MATLAB's numeric classes; every other class (cell, struct, char, sparse, ...) is kept as "not a number"."""

STRUCT, FIELD_SIGN = "struct", "."
MAX_DEPTH = 4

MAX_STRUCT_FILE_BYTES = 256 * 2**20
"""A struct can only be read whole; in larger files they are left alone."""


def v5_headers(path: Path) -> dict[str, ArrayHeader]:
    """Every variable of a MATLAB file by its name, and the fields of structs as ``struct.field``, with its shape in
    MATLAB. Raises SceneFormatError."""
    with damage_reported(f"{path.name} is no readable MATLAB file"):
        require_known_types(path)
        listing = scipy.io.whosmat(str(path), appendmat=False)
        found = {
            name: ArrayHeader(tuple(int(length) for length in shape), np.dtype(TYPES.get(kind, "O")))
            for name, shape, kind in listing
        }
        structs = [name for name, shape, kind in listing if kind == STRUCT and set(shape) == {1}]
        if structs and path.stat().st_size <= MAX_STRUCT_FILE_BYTES:
            loaded = scipy.io.loadmat(str(path), appendmat=False, variable_names=structs)
            for name in structs:
                found |= _fields(name, loaded[name], 0)
        return found


def load_v5(path: Path, name: str, scratch: Path | None) -> NDArray[Any]:
    """One variable of a MATLAB file, read into memory. Raises SceneFormatError.

    MATLAB stores whole doubles as small integers, and so they come. SciPy could convert them by itself, but would drop
    imaginary parts with no more than a warning.
    """
    variable, *fields = name.split(FIELD_SIGN)  # MATLAB's names have no dots
    with damage_reported(f"{path.name} is damaged or truncated"):
        values = scipy.io.loadmat(str(path), appendmat=False, variable_names=[variable])[variable]
        for field in fields:
            values = values[field].ravel()[0]
        return np.asarray(values)


def _fields(name: str, values: Any, depth: int) -> dict[str, ArrayHeader]:
    """The arrays in a struct, those of structs in it too."""
    found: dict[str, ArrayHeader] = {}
    for field in values.dtype.names or ():
        value = values[field].ravel()[0]
        if not isinstance(value, np.ndarray):
            continue
        if value.dtype.names and value.size == 1 and depth < MAX_DEPTH:
            found |= _fields(f"{name}{FIELD_SIGN}{field}", value, depth + 1)
        elif value.dtype.kind in "iuf":
            found[f"{name}{FIELD_SIGN}{field}"] = ArrayHeader(value.shape, value.dtype)
    return found


MAT_V5 = ArrayFormat("mat v5", v5_headers, load_v5, down_columns=True, read_whole=True)
