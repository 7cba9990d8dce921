"""Rows of an image through an unmixer: read, computed and written block by block, all at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Queue
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unmixing.cubes import usable
from unmixing.inference.images import Block, Image
from unmixing.inference.neighbourhoods import pixel_reader
from unmixing.inference.quality import QualityFlag
from unmixing.inference.reconstruction import ReconstructionMetrics
from unmixing.inference.runtime import BLOCK_PIXELS
from unmixing.inference.unmixers import Unmixer
from unmixing.progress import Progress
from unmixing.types import Bool, Cube, Float32, UInt8

QUEUED_BLOCKS = 2

_END = object()


class Maps(NamedTuple):
    """Maps of pixels, NaN where masked: abundances (n_pixels, n_endmembers), brightness (n_pixels,) and,
    where the unmixer says it, the uncertainty of the abundances. residual: how far off the reconstruction is,
    (n_pixels,). quality: bits of ``QualityFlag``, (n_pixels,), those that a pixel decides alone. Both are None where
    nobody asked for them."""

    abundances: Float32
    brightness: Float32
    uncertainty: Float32 | None
    residual: Float32 | None
    quality: UInt8 | None


Write = Callable[[Block, Maps], None]
"""Takes the maps of a block's own rows; called from one thread, block after block from the top."""


class ArrayMaps:
    """Maps of a whole image in memory, filled block by block.

    shape: (rows, columns, bands) of the image.
    """

    def __init__(self, shape: tuple[int, int, int], unmixer: Unmixer) -> None:
        size = (*shape[:2], len(unmixer.endmembers))
        uncertainty = np.empty(size, np.float32) if unmixer.has_uncertainty else None
        self.maps = Maps(
            np.empty(size, np.float32), np.empty(size[:2], np.float32), uncertainty,
            np.empty(size[:2], np.float32), np.empty(size[:2], np.uint8),
        )  # fmt: skip

    def write(self, block: Block, maps: Maps) -> None:
        """Take in what is known of the block's pixels."""
        for target, values in zip(self.maps, maps, strict=True):
            if target is not None and values is not None:
                rows = target[block.start : block.stop]
                rows[...] = values.reshape(rows.shape)


def unmix_rows(
    image: Image, unmixer: Unmixer, used_bands: Bool, rows: tuple[int, int], write: Write, progress: Progress
) -> ReconstructionMetrics:
    """Unmix ``rows`` (the first, the one after the last) of an image and write what is known of them.

    used_bands: (bands,) bool. Whatever goes wrong, ``progress`` raising included, leaves no thread.
    """
    first, last = rows
    margin = unmixer.neighbourhood - 1
    reconstruction = ReconstructionMetrics()
    with (
        _read_ahead(image.scaled_blocks(first, last, margin)) as blocks,
        _written_in_background(write) as write_later,
    ):
        for block in blocks:
            progress((block.start - first) / max(1, last - first), "unmixing the image")
            write_later(block, unmixed_block(unmixer, block, np.flatnonzero(used_bands), reconstruction))
    return reconstruction


def unmixed_block(
    unmixer: Unmixer, block: Block, used: NDArray[np.intp], reconstruction: ReconstructionMetrics | None = None
) -> Maps:
    """Maps of all pixels of a block, NaN where they are not valid. reconstruction: takes in how well they are fitted;
    without one there is no residual and no quality."""
    n_rows, (_, columns, n_bands) = block.stop - block.start, block.values.shape
    own = block.values[block.above : block.above + n_rows].reshape(-1, n_bands)
    valid, count = usable(own, used), len(unmixer.endmembers)
    maps = Maps(
        _nothing(len(own), count), _nothing(len(own)), _nothing(len(own), count) if unmixer.has_uncertainty else None,
        None if reconstruction is None else _nothing(len(own)),
        None if reconstruction is None else np.where(valid, np.uint8(0), np.uint8(QualityFlag.MASKED)),
    )  # fmt: skip
    read = _whole_pixels if unmixer.neighbourhood == 1 else _neighbourhoods(unmixer.neighbourhood, block, used)
    for start in range(0, len(own), max(1, BLOCK_PIXELS // unmixer.neighbourhood**2)):
        part = slice(start, start + max(1, BLOCK_PIXELS // unmixer.neighbourhood**2))
        mask = valid[part]
        if not mask.any():
            continue
        pixels = own[part] if mask.all() else own[part][mask]
        positions = block.start * columns + start + np.flatnonzero(mask)
        output = unmixer.run(read(pixels, positions, len(used)), positions)
        if maps.residual is not None and maps.quality is not None and reconstruction is not None:
            fit = reconstruction.add(pixels if len(used) == n_bands else pixels[:, used], output)
            maps.residual[part][mask] = fit.residual
            maps.quality[part][mask] = np.where(fit.negative, np.uint8(QualityFlag.NEGATIVE_FIT), np.uint8(0))
        maps.abundances[part][mask], maps.brightness[part][mask] = output.abundances, output.brightness
        if maps.uncertainty is not None and output.uncertainty is not None:
            maps.uncertainty[part][mask] = output.uncertainty
    return maps


def _nothing(*shape: int) -> Float32:
    return np.full(shape, np.nan, dtype=np.float32)


def _whole_pixels(pixels: Float32, positions: NDArray[np.int64], n_used: int) -> Float32:
    """Pixels as they are; bands that are not used may hold NaN, which no arithmetic may meet."""
    return pixels if n_used == pixels.shape[1] else np.nan_to_num(pixels)


def _neighbourhoods(side: int, block: Block, used: NDArray[np.intp]) -> Callable[..., Float32]:
    """Reads valid pixels of a block together with the pixels around them, those of its margin included."""
    rows, columns, n_bands = block.values.shape
    used_bands = np.zeros(n_bands, dtype=bool)
    used_bands[used] = True
    valid = usable(block.values.reshape(-1, n_bands), used)
    shape = (rows, columns, n_bands)
    cube = Cube(shape=shape, used_bands=used_bands, values=block.values, valid_pixels=valid.reshape(rows, columns))
    around, order = pixel_reader(cube, side), np.cumsum(valid) - 1
    top = (block.start - block.above) * columns
    return lambda pixels, positions, n_used: around(order[positions - top])


@contextmanager
def _read_ahead(blocks: Iterator[Any]) -> Iterator[Iterator[Any]]:
    """The blocks, read by a thread of their own, at most QUEUED_BLOCKS ahead; its errors are raised here."""
    queue: Queue[Any] = Queue(QUEUED_BLOCKS)
    stopped = threading.Event()

    def read() -> None:
        try:
            for block in blocks:
                if stopped.is_set():
                    return
                queue.put(block)
            queue.put(_END)
        except BaseException as error:
            queue.put(error)

    def received() -> Iterator[Any]:
        while (item := queue.get()) is not _END:
            if isinstance(item, BaseException):
                raise item
            yield item

    thread = threading.Thread(target=read, name="scene-reader", daemon=True)
    thread.start()
    try:
        yield received()
    finally:
        stopped.set()
        while thread.is_alive():
            while not queue.empty():
                queue.get_nowait()
            thread.join(0.01)


@contextmanager
def _written_in_background(write: Write) -> Iterator[Write]:
    """``write`` in a thread of its own; leaving waits for it, its errors are raised here."""
    queue: Queue[Any] = Queue(QUEUED_BLOCKS)
    failures: list[BaseException] = []

    def work() -> None:
        while (item := queue.get()) is not _END:
            if failures:
                continue
            try:
                write(*item)
            except BaseException as error:
                failures.append(error)

    def hand_over(block: Block, maps: Maps) -> None:
        if failures:
            raise failures[0]
        queue.put((block, maps))

    thread = threading.Thread(target=work, name="product-writer", daemon=True)
    thread.start()
    try:
        yield hand_over
    finally:
        queue.put(_END)
        thread.join()
    if failures:
        raise failures[0]
