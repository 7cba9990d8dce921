"""MATLAB version 5 files (and 4), through SciPy. They are at most 2 GB and are read whole."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from numpy.typing import NDArray

from unmixing.errors import SceneFormatError
from unmixing.io.formats.damage import damage_told
from unmixing.io.formats.matlab import SMALL_NAMES, cube_view, find_cube
from unmixing.io.formats.reader import ArrayHeader, ArrayRows, SceneReader, require_plausible_size
from unmixing.io.formats.variables import SCALE, WAVELENGTHS, companion_facts, require_companion

TYPES = {
    "double": "f8", "single": "f4", "int8": "i1", "int16": "i2", "int32": "i4", "int64": "i8",
    "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8",
}  # fmt: skip
"""MATLAB's numeric classes; every other class (cell, struct, char, sparse, ...) is kept as "not a number"."""


def open_mat_v5(path: Path, variable: str | None) -> SceneReader:
    """The cube in a MATLAB file. Raises SceneFormatError, AmbiguousSceneError."""
    arrays = v5_headers(path)
    small_names = [name for name in SMALL_NAMES if name in arrays and arrays[name].nbytes < 2**20]
    small = load_v5(path, {name: arrays[name] for name in small_names if arrays[name].is_real})
    cube = find_cube(arrays, small, variable, path.name)
    require_plausible_size(path, cube.header)
    for name, size in ((WAVELENGTHS, cube.shape[2]), (SCALE, 1)):
        if name in arrays:
            require_companion(arrays[name], name, size)
    source = {
        "format": "mat v5",
        "files": [path.name],
        "variable": cube.name,
        "dtype": str(cube.header.dtype),
    }
    load = partial(_load_cube, path, cube.name, cube.header, cube.shape)
    return SceneReader(ArrayRows(cube.shape, cube.header.dtype, load, in_memory=True), companion_facts(small, source))


def v5_headers(path: Path) -> dict[str, ArrayHeader]:
    with damage_told(f"{path.name} is no readable MATLAB file"):
        listing = scipy.io.whosmat(str(path), appendmat=False)
    return {
        name: ArrayHeader(tuple(int(length) for length in shape), np.dtype(TYPES.get(kind, "O")))
        for name, shape, kind in listing
    }


def load_v5(path: Path, headers: Mapping[str, ArrayHeader]) -> dict[str, NDArray[Any]]:
    """The arrays of these names, each of the shape and the type that its header announces. Raises SceneFormatError."""
    if not headers:
        return {}
    with damage_told(f"{path.name} is damaged or truncated"):
        loaded = scipy.io.loadmat(str(path), appendmat=False, variable_names=list(headers))
        return {name: _as_announced(loaded[name], header, f"{path.name}: {name}") for name, header in headers.items()}


def _as_announced(found: Any, header: ArrayHeader, what: str) -> NDArray[Any]:
    # MATLAB stores whole doubles as small integers; the class it shows is the type that is meant. SciPy could convert
    # by itself, but would drop imaginary parts with no more than a warning.
    array = np.asarray(found)
    if array.shape != header.shape or array.dtype.kind not in "iuf":
        raise SceneFormatError(f"{what} holds {array.dtype} values of shape {array.shape}, announced as {header}")
    return array.astype(header.dtype, copy=False)


def _load_cube(path: Path, name: str, header: ArrayHeader, shape: tuple[int, int, int]) -> NDArray[Any]:
    return cube_view(load_v5(path, {name: header})[name], shape)
