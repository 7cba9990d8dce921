"""MATLAB version 7.3 files, which are HDF5 with the axes reversed, through h5py."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
from numpy.typing import NDArray

from unmixing.io.formats.damage import damage_told
from unmixing.io.formats.matlab import SMALL_NAMES, cube_view, find_cube
from unmixing.io.formats.reader import BLOCK_BYTES, ArrayHeader, ArrayRows, SceneReader, require_plausible_size
from unmixing.io.formats.variables import SCALE, WAVELENGTHS, companion_facts, require_companion


def open_mat_v73(path: Path, variable: str | None, scratch: Path | None) -> SceneReader:
    """The cube in an HDF5 file by MATLAB, copied to ``scratch`` in its own order when a row is wanted.

    Raises SceneFormatError, AmbiguousSceneError.
    """
    with opened_v73(path) as file:
        found = datasets(file)
        arrays = {name: ArrayHeader(data.shape[::-1], data.dtype) for name, data in found.items()}
        small = {
            name: np.asarray(found[name][()])
            for name in SMALL_NAMES
            if name in arrays and arrays[name].is_real and arrays[name].nbytes < 2**20
        }
    cube = find_cube(arrays, small, variable, path.name)
    require_plausible_size(path, cube.header)
    for name, size in ((WAVELENGTHS, cube.shape[2]), (SCALE, 1)):
        if name in arrays:
            require_companion(arrays[name], name, size)
    source = {
        "format": "mat v7.3",
        "files": [path.name],
        "variable": cube.name,
        "dtype": str(cube.header.dtype),
    }
    load = partial(_load_cube, path, cube.name, cube.shape, scratch)
    return SceneReader(ArrayRows(cube.shape, cube.header.dtype, load), companion_facts(small, source))


@contextmanager
def opened_v73(path: Path) -> Iterator[h5py.File]:
    """The file for reading. Whatever is wrong with it, inside the block too, becomes a SceneFormatError."""
    what = f"{path.name} is a damaged or truncated MATLAB 7.3 (HDF5) file"
    with damage_told(what), h5py.File(path, "r", locking=False) as file:
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


def _load_cube(path: Path, name: str, shape: tuple[int, int, int], scratch: Path | None) -> NDArray[Any]:
    with opened_v73(path) as file:
        stored = _copy(datasets(file)[name], scratch)
    return cube_view(stored.T, shape)


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
