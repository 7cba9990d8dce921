"""The numbers of an opened scene row by row, and what is done to them on the way."""

import mmap
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import SceneFormatError
from unmixing.types import Float64, SceneFacts

BLOCK_BYTES = 16 * 2**20
"""How much of a scene ``blocks()`` holds at a time, unless a single row is larger."""


class Rows(Protocol):
    """The numbers of a scene as (rows, columns, bands), however the file arranges them.

    Safe to use from threads. ``read(start, stop)``: rows from ``start`` to the one before ``stop``, unscaled.
    ``rows_per_block``: how many rows are best read at a time.
    """

    @property
    def shape(self) -> tuple[int, int, int]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def rows_per_block(self) -> int: ...
    def read(self, start: int, stop: int) -> NDArray[Any]: ...
    def close(self) -> None: ...


def default_rows_per_block(shape: tuple[int, int, int], dtype: np.dtype[Any]) -> int:
    """As many rows as fit into ``BLOCK_BYTES``, one at least."""
    return max(1, min(shape[0], BLOCK_BYTES // (shape[1] * shape[2] * dtype.itemsize)))


class ArrayRows:
    """Rows of an array that is mapped when the first of them is wanted: the file itself when ``in_place``, else a copy
    that is unpacked then. ``in_memory``: the copy is no file."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        dtype: np.dtype[Any],
        load: Callable[[], NDArray[Any]],
        *,
        in_place: bool = True,
        in_memory: bool = False,
    ) -> None:
        self.shape, self.dtype, self.in_place, self.in_memory = shape, dtype, in_place, in_memory
        self.rows_per_block = default_rows_per_block(shape, dtype)
        self._load = load
        self._array: NDArray[Any] | None = None
        self._lock = threading.Lock()

    def read(self, start: int, stop: int) -> NDArray[Any]:
        with self._lock:
            if self._array is None:
                self._array = self._load()
        return self._array[start:stop]

    def forget(self) -> None:
        """Let go of the pages of a mapped file that have been read; they are read again when wanted."""
        with self._lock:
            base: Any = self._array
            while isinstance(base, np.ndarray):
                base = base.base
            if isinstance(base, mmap.mmap):
                base.madvise(mmap.MADV_DONTNEED)

    def close(self) -> None:
        with self._lock:
            self._array = None


class CalibratedRows:
    """Rows whose bands each have their own gain and offset, applied here: float32, NaN where there is no data.

    raw: as they lie in the file. gains, offsets: (n_bands,).
    """

    def __init__(self, rows: Rows, gains: Float64, offsets: Float64, nodata: float | None) -> None:
        self.shape, self.dtype = rows.shape, np.dtype(np.float32)
        self.rows_per_block = rows.rows_per_block
        self.raw, self.gains, self.offsets, self.nodata = rows, gains, offsets, nodata

    def read(self, start: int, stop: int) -> NDArray[Any]:
        raw = self.raw.read(start, stop)
        values = (raw * self.gains + self.offsets).astype(np.float32)
        if self.nodata is not None:
            values[raw == self.nodata] = np.nan
        return values

    def close(self) -> None:
        self.raw.close()


class JoinedRows:
    """Rows of several cubes of one size as one cube: float32, NaN for pixels that are zero in all bands. order: the
    bands it has, of those of all parts one after the other."""

    def __init__(self, parts: Sequence[Rows], order: NDArray[np.intp]) -> None:
        rows, columns, _ = parts[0].shape
        self.shape, self.dtype = (rows, columns, len(order)), np.dtype(np.float32)
        self.rows_per_block = default_rows_per_block(self.shape, self.dtype)
        self.parts, self._order = parts, order

    def read(self, start: int, stop: int) -> NDArray[Any]:
        stored = np.concatenate([part.read(start, stop) for part in self.parts], axis=2)
        values = stored[:, :, self._order].astype(np.float32)
        values[(values == 0).all(axis=2)] = np.nan
        return values

    def close(self) -> None:
        for part in self.parts:
            part.close()


def arrays_under(rows: Rows) -> list[ArrayRows]:
    """The arrays that rows are read from, whatever is done to their numbers; none where there is no array."""
    if isinstance(rows, CalibratedRows):
        return arrays_under(rows.raw)
    if isinstance(rows, JoinedRows):
        return [array for part in rows.parts for array in arrays_under(part)]
    return [rows] if isinstance(rows, ArrayRows) else []


def calibrated(rows: Rows, facts: SceneFacts, gains: Float64, offsets: Float64) -> tuple[Rows, SceneFacts]:
    """One gain for all bands becomes the scene's scale; different ones, or offsets, are applied while reading.

    gains, offsets: (n_bands,). Raises SceneFormatError unless they are finite and no gain is zero.
    """
    if not (np.isfinite(gains).all() and (gains != 0).all() and np.isfinite(offsets).all()):
        raise SceneFormatError("the file's gains and offsets must be finite numbers, and no gain may be zero")
    if (gains == gains[0]).all() and (offsets == 0).all():
        return rows, replace(facts, scale=float(gains[0]))
    source = {**facts.source, "scale_stated": "a gain and an offset for each band, applied while reading"}
    return CalibratedRows(rows, gains, offsets, facts.nodata), replace(facts, nodata=None, source=source)


def uncalibrated(rows: Rows, facts: SceneFacts) -> tuple[Rows, SceneFacts]:
    """Rows and facts of the numbers as they lie in the file, where these are calibrated while reading."""
    return (rows.raw, replace(facts, nodata=rows.nodata)) if isinstance(rows, CalibratedRows) else (rows, facts)
