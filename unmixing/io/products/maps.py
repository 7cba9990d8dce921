"""The maps of a result as ``.npy`` files, written rows by rows while an image is unmixed."""

import os
import shutil
from pathlib import Path

import numpy as np
from numpy.lib import format as npy_format

from unmixing.inference.apply import Maps
from unmixing.inference.images import Block
from unmixing.types import Float32

NAMES = Maps._fields
"""``abundances.npy``, ``brightness.npy`` and perhaps ``uncertainty.npy``."""


class MapFiles:
    """The maps of some rows of an image in ``folder``.

    rows: the first, and the one after the last. columns, count: of the image and of its endmembers.
    """

    def __init__(self, folder: Path, rows: tuple[int, int], columns: int, count: int, *, uncertainty: bool) -> None:
        self.folder, self._first_row = folder, rows[0]
        n_rows = rows[1] - rows[0]
        shapes: dict[str, tuple[int, ...]] = {"abundances": (n_rows, columns, count), "brightness": (n_rows, columns)}
        self._shapes = shapes | ({"uncertainty": (n_rows, columns, count)} if uncertainty else {})
        for name, shape in self._shapes.items():
            with self._path(name).open("wb") as file:
                header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                npy_format.write_array_header_1_0(file, header)
                # Files of the full size take no room until they are written.
                file.truncate(file.tell() + 4 * int(np.prod(shape)))

    def write(self, block: Block, maps: Maps) -> None:
        """Maps of the pixels of a block."""
        for name, values in maps._asdict().items():
            if values is None:
                continue
            row_bytes = 4 * int(np.prod(self._shapes[name][1:]))
            with self._path(name).open("r+b") as file:
                npy_format.read_magic(file)
                npy_format.read_array_header_1_0(file)
                file.seek((block.start - self._first_row) * row_bytes, os.SEEK_CUR)
                file.write(np.ascontiguousarray(values, dtype="<f4").data)

    def append(self, first_row: int, folder: Path) -> None:
        """The maps of the rows from ``first_row``, as another folder holds them."""
        for name, shape in self._shapes.items():
            row_bytes = 4 * int(np.prod(shape[1:]))
            with self._path(name).open("r+b") as file, (folder / f"{name}.npy").open("rb") as part:
                for opened in (file, part):
                    npy_format.read_magic(opened)
                    npy_format.read_array_header_1_0(opened)
                file.seek((first_row - self._first_row) * row_bytes, os.SEEK_CUR)
                shutil.copyfileobj(part, file, 2**24)

    def read(self) -> Maps:
        """The maps as they lie in their files, mapped."""
        return read_maps(self.folder)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npy"


def read_maps(folder: Path) -> Maps:
    """The maps in a folder, mapped: (rows, columns, n_endmembers), (rows, columns) and, where it is known, the first
    shape again."""
    return Maps(*(_mapped(folder / f"{name}.npy") for name in NAMES))  # type: ignore[arg-type]


def _mapped(path: Path) -> Float32 | None:
    if not path.exists():
        return None
    values: Float32 = np.load(path, mmap_mode="r", allow_pickle=False)
    return values
