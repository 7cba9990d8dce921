"""An opened scene: what its header says, and its numbers row by row."""

import mmap
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from unmixing.cubes import cube_from_array, scaled_values
from unmixing.errors import SceneFormatError
from unmixing.inference.images import Block, blocks_of
from unmixing.io.formats.array_header import ArrayHeader
from unmixing.types import Cube, Float32, Float64, SceneFacts

BLOCK_BYTES = 16 * 2**20
"""How much of a scene ``blocks()`` holds at a time, unless a single row is larger."""

MAX_EXPANSION = 200
ALWAYS_ALLOWED_BYTES = 64 * 2**20
"""A file holds a cube of at most ``MAX_EXPANSION`` times its size (bombs hold more), or below the allowed bytes."""


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


def _arrays_under(rows: Rows) -> list[ArrayRows]:
    """The arrays that rows are read from, whatever is done to their numbers; none where there is no array."""
    if isinstance(rows, CalibratedRows):
        return _arrays_under(rows.raw)
    if isinstance(rows, JoinedRows):
        return [array for part in rows.parts for array in _arrays_under(part)]
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


class SceneReader:
    """An opened scene; a context manager. shape: (rows, columns, bands).

    Readers share nothing, and one reader may be used from several threads.
    """

    def __init__(self, rows: Rows, facts: SceneFacts) -> None:
        self._rows, self._facts = rows, facts
        self.shape = rows.shape
        self.dtype = rows.dtype
        self.wavelengths_nm = facts.wavelengths_nm
        self.bad_bands, self.bands_chosen = facts.bad_bands, facts.bands_chosen
        self.scale = facts.scale
        self.nodata = facts.nodata
        self.georeference = facts.georeference
        self.source = dict(facts.source)

    @property
    def in_memory(self) -> bool:
        """Whether the first row takes memory for all: the format can only be read whole."""
        return any(array.in_memory for array in _arrays_under(self._rows))

    @property
    def in_place(self) -> bool:
        """Whether any rows can be read without unpacking all others first."""
        return all(array.in_place for array in _arrays_under(self._rows))

    def retold(self, **facts: Any) -> "SceneReader":
        """The same scene with other facts, those of ``SceneFacts``."""
        return SceneReader(self._rows, replace(self._facts, **facts))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back. Closing twice is allowed."""
        self._rows.close()

    def blocks(self) -> Iterator[NDArray[Any]]:
        """The numbers as they lie in the file, (rows_i, columns, bands) from top to bottom.

        Raises SceneFormatError where the file turns out to be damaged.
        """
        for start, stop in self.windows():
            yield self._rows.read(start, stop)

    def windows(self) -> list[tuple[int, int]]:
        """First row and the one after the last of each block."""
        step = self._rows.rows_per_block
        return [(start, min(start + step, self.shape[0])) for start in range(0, self.shape[0], step)]

    def scaled_blocks(self, first: int = 0, last: int | None = None, margin: int = 0) -> Iterator[Block]:
        """The rows from ``first`` to ``last``, block by block, each with ``margin`` rows more on either side. What was
        read does not stay in memory."""
        for start, stop in blocks_of(self.windows(), first, last):
            top = max(0, start - margin)
            numbers = self._rows.read(top, min(stop + margin, self.shape[0]))
            values = np.ascontiguousarray(scaled_values(numbers, self.scale, self.nodata))
            self._forget()
            yield Block(start, stop, start - top, values)

    def read_pixels(self, start: int, stop: int, chosen: NDArray[np.intp]) -> Float32:
        """Those pixels of the rows from ``start`` to ``stop`` whose number there is in ``chosen``, scaled, (n_chosen,
        bands). Of a mapped file only these are read."""
        block = self._rows.read(start, stop)
        values = scaled_values(block[chosen // self.shape[1], chosen % self.shape[1]], self.scale, self.nodata)
        self._forget()
        return values

    def _forget(self) -> None:
        for array in _arrays_under(self._rows):
            array.forget()

    def read(self) -> Cube:
        """The whole scene, scaled, its usable bands and pixels decided. Raises as ``cube_from_array`` does."""
        values = np.empty(self.shape, dtype=self.dtype.newbyteorder("="))
        start = 0
        for block in self.blocks():
            values[start : start + len(block)] = block
            start += len(block)
        return cube_from_array(values, self._facts)


def require_plausible_size(path: Path, header: ArrayHeader) -> None:
    """Refuse a header that promises more than its file can hold, before anything is allocated for it."""
    file_bytes = path.stat().st_size
    if header.nbytes > max(ALWAYS_ALLOWED_BYTES, MAX_EXPANSION * file_bytes):
        raise SceneFormatError(
            f"{path.name}: its header promises {header}, {header.nbytes} bytes, but the file has only "
            f"{file_bytes}; more than {MAX_EXPANSION}:1 is not believed"
        )
