"""Headers of arrays: their shape, type and notes, before anything of them is read."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class ArrayNotes:
    """Notes of a file on one of its arrays: names of its axes, the unit of its numbers, the number that stands for no
    data, and how the others become values, ``scale * number + offset``."""

    axes: tuple[str, ...] | None = None
    unit: str | None = None
    nodata: float | None = None
    scale: float | None = None
    offset: float | None = None


@dataclass(frozen=True)
class ArrayHeader:
    """Shape and type of an array that has not been read, how many bytes its file has for it, where that is known
    without reading it, and what else the file says of it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    stored_bytes: int | None = None
    notes: ArrayNotes = ArrayNotes()

    @property
    def is_real(self) -> bool:
        """Whether it holds whole numbers or fractions, neither complex ones nor truth values, texts and objects."""
        return self.dtype.kind in "iuf"

    @property
    def size(self) -> int:
        """Number of elements, in Python's unbounded integers."""
        size = 1
        for length in self.shape:
            size *= length
        return size

    @property
    def nbytes(self) -> int:
        """Bytes of all elements in memory."""
        return self.size * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.shape} {self.dtype}"
