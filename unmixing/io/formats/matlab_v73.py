"""MATLAB version 7.3 files, which are HDF5 with the axes reversed, through h5py."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
from numpy.typing import NDArray

from unmixing.io.formats.arrays import ArrayFormat
from unmixing.io.formats.damage import damage_reported
from unmixing.io.formats.reader import BLOCK_BYTES, ArrayHeader


def v73_headers(path: Path) -> dict[str, ArrayHeader]:
    """Every array of an HDF5 file by MATLAB by its name, with its shape in MATLAB. Raises SceneFormatError."""
    with opened_v73(path) as file:
        return {name: ArrayHeader(data.shape[::-1], data.dtype) for name, data in datasets(file).items()}


def load_v73(path: Path, name: str, scratch: Path | None) -> NDArray[Any]:
    """One array of an HDF5 file by MATLAB, in MATLAB's order of axes: a copy in ``scratch``, mapped into memory.

    Raises SceneFormatError.
    """
    with opened_v73(path) as file:
        return _copy(datasets(file)[name], scratch).T


@contextmanager
def opened_v73(path: Path) -> Iterator[h5py.File]:
    """The file for reading. Whatever is wrong with it, inside the block too, becomes a SceneFormatError."""
    what = f"{path.name} is a damaged or truncated MATLAB 7.3 (HDF5) file"
    with damage_reported(what), h5py.File(path, "r", locking=False) as file:
        yield file


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


MAT_V73 = ArrayFormat("mat v7.3", v73_headers, load_v73, matlab=True)
