"""An opened scene: what its header says, and its numbers block by block."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unmixing.cubes import cube_from_array, scaled_values
from unmixing.errors import SceneFormatError
from unmixing.inference.images import Block, blocks_of
from unmixing.io.formats.array_header import ArrayHeader
from unmixing.io.formats.folders import shown_name, stored_bytes
from unmixing.io.formats.rows import Rows, arrays_under, calibrated, uncalibrated
from unmixing.types import Cube, Float32, Float64, SceneFacts

MAX_EXPANSION = 200
ALWAYS_ALLOWED_BYTES = 64 * 2**20
"""A file holds a cube of at most ``MAX_EXPANSION`` times its size (bombs hold more), or below the allowed bytes."""


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
        self.georeference, self.grid = facts.georeference, facts.grid
        self.source = dict(facts.source)

    @property
    def in_memory(self) -> bool:
        """Whether the first row takes memory for all: the format can only be read whole."""
        return any(array.in_memory for array in arrays_under(self._rows))

    @property
    def in_place(self) -> bool:
        """Whether any rows can be read without unpacking all others first."""
        return all(array.in_place for array in arrays_under(self._rows))

    def retold(self, **facts: Any) -> "SceneReader":
        """The same scene with other facts, those of ``SceneFacts``."""
        return SceneReader(self._rows, replace(self._facts, **facts))

    def as_stored(self) -> "SceneReader":
        """The same scene by the numbers that lie in the file, without the scale or gains that it states."""
        rows, facts = uncalibrated(self._rows, self._facts)
        return SceneReader(rows, replace(facts, scale=1.0))

    def calibrated(self, gains: Float64, offsets: Float64) -> "SceneReader":
        """The same scene with these gains and offsets, (bands,). Raises SceneFormatError as ``calibrated``."""
        return SceneReader(*calibrated(self._rows, self._facts, gains, offsets))

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
        for array in arrays_under(self._rows):
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
    file_bytes = stored_bytes(path)
    if header.nbytes > max(ALWAYS_ALLOWED_BYTES, MAX_EXPANSION * file_bytes):
        raise SceneFormatError(
            f"{shown_name(path)}: its header promises {header}, {header.nbytes} bytes, but the file has only "
            f"{file_bytes}; more than {MAX_EXPANSION}:1 is not believed"
        )
