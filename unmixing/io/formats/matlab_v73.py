"""MATLAB version 7.3 files, which are HDF5 with the axes reversed, through h5py."""

import tempfile
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
from numpy.typing import NDArray

from unmixing.errors import SceneFormatError
from unmixing.io.formats.arrays import ArrayFormat
from unmixing.io.formats.reader import BLOCK_BYTES, ArrayHeader

HDF5_DAMAGE = (OSError, RuntimeError, ValueError, KeyError, TypeError)
"""What h5py raises on damaged files, depending on where the damage lies."""


def v73_headers(path: Path) -> dict[str, ArrayHeader]:
    """Every array of an HDF5 file by MATLAB by its name, with its shape in MATLAB. Raises SceneFormatError."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            return {name: ArrayHeader(data.shape[::-1], data.dtype) for name, data in datasets(file).items()}
    except HDF5_DAMAGE as error:
        raise damaged_v73(path, error) from error


def load_v73(path: Path, name: str, scratch: Path | None) -> NDArray[Any]:
    """One array of an HDF5 file by MATLAB, in MATLAB's order of axes: a copy in ``scratch``, mapped into memory.

    Raises SceneFormatError.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            return _copy(datasets(file)[name], scratch).T
    except HDF5_DAMAGE as error:
        raise damaged_v73(path, error) from error


def datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    """The arrays of the root group that lie in this very file: HDF5 can also point into others."""
    found = {}
    for name in file:
        if not isinstance(file.get(name, getlink=True), h5py.HardLink):
            continue
        item = file[name]
        if isinstance(item, h5py.Dataset) and item.shape is not None and not (item.external or item.is_virtual):
            found[name] = item
    return found


def _copy(data: h5py.Dataset, scratch: Path | None) -> NDArray[Any]:
    """The array as a memory map of an unnamed file. Rows of a scene cut across all chunks, so that reading
    them from the HDF5 file itself would unpack everything again for each block."""
    with tempfile.TemporaryFile(dir=scratch) as file:
        copy = np.memmap(cast(Any, file), dtype=data.dtype, mode="w+", shape=data.shape)
    slab_bytes = max(1, data.nbytes // data.shape[0])
    step = max(1, BLOCK_BYTES // slab_bytes)
    if data.chunks is not None:
        step = max(step // data.chunks[0], 1) * data.chunks[0]
    for start in range(0, data.shape[0], step):
        copy[start : start + step] = data[start : start + step]
    return copy


def damaged_v73(path: Path, error: Exception) -> SceneFormatError:
    return SceneFormatError(f"{path.name} is a damaged or truncated MATLAB 7.3 (HDF5) file: {error}")


MAT_V73 = ArrayFormat("mat v7.3", v73_headers, load_v73, matlab=True)
