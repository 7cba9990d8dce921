"""The maps of a result as ``.npy`` files, written rows by rows while an image is unmixed."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from unmixing.inference.apply import Maps
from unmixing.inference.images import Block

NAMES = Maps._fields
"""``abundances.npy``, ``brightness.npy``, ``residual.npy``, ``quality.npy`` and perhaps ``uncertainty.npy``."""

DTYPES = {name: "|u1" if name == "quality" else "<f4" for name in NAMES}


class MapFiles:
    """The maps of some rows of an image in ``folder``.

    rows: the first, and the one after the last. columns, count: of the image and of its endmembers.
    """

    def __init__(self, folder: Path, rows: tuple[int, int], columns: int, count: int, *, uncertainty: bool) -> None:
        self.folder, self._first_row = folder, rows[0]
        n_rows = rows[1] - rows[0]
        self._shapes = {
            name: shape for name, shape in map_shapes(n_rows, columns, count).items()
            if uncertainty or name != "uncertainty"
        }  # fmt: skip
        for name, shape in self._shapes.items():
            with self._path(name).open("wb") as file:
                header = {"descr": DTYPES[name], "fortran_order": False, "shape": shape}
                npy_format.write_array_header_1_0(file, header)
                # Files of the full size take no room until they are written.
                file.truncate(file.tell() + _n_bytes(name, shape))

    def write(self, block: Block, maps: Maps) -> None:
        """Maps of the pixels of a block."""
        for name, values in maps._asdict().items():
            if values is None:
                continue
            row_bytes = _n_bytes(name, self._shapes[name][1:])
            with self._path(name).open("r+b") as file:
                npy_format.read_magic(file)
                npy_format.read_array_header_1_0(file)
                file.seek((block.start - self._first_row) * row_bytes, os.SEEK_CUR)
                file.write(np.ascontiguousarray(values, dtype=DTYPES[name]).data)

    def append(self, first_row: int, folder: Path) -> None:
        """The maps of the rows from ``first_row``, as another folder holds them."""
        for name, shape in self._shapes.items():
            row_bytes = _n_bytes(name, shape[1:])
            with self._path(name).open("r+b") as file, (folder / f"{name}.npy").open("rb") as part:
                for opened in (file, part):
                    npy_format.read_magic(opened)
                    npy_format.read_array_header_1_0(opened)
                file.seek((first_row - self._first_row) * row_bytes, os.SEEK_CUR)
                shutil.copyfileobj(part, file, 2**24)

    def read(self) -> Maps:
        """The maps as they lie in their files, mapped; what is set in ``quality`` is written."""
        return read_maps(self.folder)._replace(quality=np.load(self._path("quality"), mmap_mode="r+"))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npy"


def map_shapes(rows: int, columns: int, count: int) -> dict[str, tuple[int, ...]]:
    """By name, the shape of every map of an image with ``count`` endmembers."""
    of_pixels, of_endmembers = (rows, columns), (rows, columns, count)
    return {
        "abundances": of_endmembers, "brightness": of_pixels, "uncertainty": of_endmembers,
        "residual": of_pixels, "quality": of_pixels,
    }  # fmt: skip


def _n_bytes(name: str, shape: tuple[int, ...]) -> int:
    return np.dtype(DTYPES[name]).itemsize * int(np.prod(shape))


def read_maps(folder: Path, prefix: str = "") -> Maps:
    """The maps in a folder, mapped, with the shapes of ``map_shapes``; None for those that are not there. prefix: what
    the names of their files begin with."""
    return Maps(*(_mapped(folder / f"{prefix}{name}.npy") for name in NAMES))  # type: ignore[arg-type]


def _mapped(path: Path) -> NDArray[Any] | None:
    if not path.exists():
        return None
    values: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return values
