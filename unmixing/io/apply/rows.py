"""Rows of a scene of any size through a stored model: read, computed and written block by block, all at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Queue
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from unmixing.errors import SceneContentError
from unmixing.inference.reconstruction import ReconstructionMetrics
from unmixing.inference.runtime import BLOCK_PIXELS, ModelOutput, ModelRunner, PreparedModel
from unmixing.inference.sampling import Sample, usable
from unmixing.io.apply.maps import BlockMaps, SceneMaps
from unmixing.io.formats.reader import SceneReader
from unmixing.io.products.quicklook import false_colour_bands
from unmixing.pipeline import require_fit
from unmixing.progress import Progress
from unmixing.types import Bool, Compute, Cube, DroppedBand, Float32, TrainedModel

QUEUED_BLOCKS = 2
_END = object()


def can_stream(model: TrainedModel | None) -> bool:
    """Whether a scene can be unmixed block by block: with a stored model that looks at single pixels."""
    return model is not None and model.manifest.neighbourhood == 1


@dataclass(frozen=True, eq=False)
class Rows:
    """What is left of unmixed rows once their maps are written: how far off they are, and every so many pixels in
    false colour (rows, columns, 3), not stretched."""

    reconstruction: ReconstructionMetrics
    picture: Float32


def look(reader: SceneReader, model: TrainedModel, compute: Compute, progress: Progress) -> PreparedModel:
    """The model made ready for the scene by a sample of it. Raises BandMismatchError for a model that does not fit,
    SceneContentError without a usable pixel."""
    require_fit(model, reader.shape[2], None)
    progress(0.0, "choosing a sample of the scene")
    with threadpool_limits(compute.threads):
        sample = _sample(reader, np.asarray(model.manifest.used_bands, dtype=np.intp), progress)
        return ModelRunner(model.onnx, compute).prepare(sample)


def unmix_rows(
    reader: SceneReader,
    ready: PreparedModel,
    used: NDArray[np.intp],
    maps: SceneMaps,
    part: tuple[int, int],
    step: int,
    progress: Progress,
) -> Rows:
    """Unmix the rows of ``part`` (first, one after the last) and write what is known of them; every ``step``-th pixel
    is kept for the picture. Whatever goes wrong, ``progress`` raising included, leaves no thread."""
    shown_bands = false_colour_bands(scene_facts(reader, used))[0]
    reconstruction, shown, first_row, n_rows = ReconstructionMetrics(), [], part[0], part[1] - part[0]
    with _ahead(reader.scaled_blocks(*part)) as blocks, _behind(maps.write) as write:
        for start, values in blocks:
            progress((start - first_row) / n_rows, "unmixing the image")
            flat = values.reshape(-1, values.shape[2])
            write(start, _unmixed(ready, flat, usable(flat, used), used, reconstruction))
            shown.append(values[-start % step :: step, ::step, shown_bands])
    return Rows(reconstruction, np.concatenate(shown))


def _sample(reader: SceneReader, used: Any, progress: Progress) -> Float32:
    columns = reader.shape[1]
    sample = Sample(reader.shape[2], used)
    for start, stop in reader.windows():
        positions = np.arange(start * columns, stop * columns)
        chosen = sample.candidates(positions)
        if len(chosen):
            sample.add(positions[chosen], reader.read_pixels(start, stop, chosen))
        progress(stop / reader.shape[0], "choosing a sample of the scene")
    if not len(sample.pixels):
        raise SceneContentError(f"no pixel has data in all of the {len(used)} bands the model uses")
    return sample.pixels


def scene_facts(reader: SceneReader, used: NDArray[np.intp]) -> Cube:
    """The scene's facts as a cube, its values NaN throughout and of no size, its mask to be found."""
    n_bands = reader.shape[2]
    used_bands = np.zeros(n_bands, dtype=bool)
    used_bands[used] = True
    dropped = tuple(DroppedBand(int(index), "the model does not use it") for index in np.flatnonzero(~used_bands))
    return Cube(
        np.broadcast_to(np.float32(np.nan), reader.shape), used_bands, np.zeros(reader.shape[:2], dtype=bool), dropped,
        reader.wavelengths_nm, reader.scale, reader.nodata, reader.georeference, reader.source,
    )  # fmt: skip


def _unmixed(
    ready: PreparedModel, flat: Float32, valid: Bool, used: Any, reconstruction: ReconstructionMetrics
) -> BlockMaps:
    """What the model says of all pixels of a block, NaN where they are not valid."""
    n_pixels, count = len(flat), len(ready.endmembers)
    maps = BlockMaps(_nothing(n_pixels, count), _nothing(n_pixels), None)
    if ready.has_uncertainty:
        maps = maps._replace(uncertainty=_nothing(n_pixels, count))
    for first in range(0, len(flat), BLOCK_PIXELS):
        part = slice(first, first + BLOCK_PIXELS)
        mask = valid[part]
        if not mask.any():
            continue
        pixels = flat[part] if mask.all() else flat[part][mask]
        if len(used) < flat.shape[1]:
            pixels = np.nan_to_num(pixels)
        output: ModelOutput = ready.run(pixels)
        reconstruction.add(pixels if len(used) == flat.shape[1] else pixels[:, used], output)
        maps.abundances[part][mask], maps.brightness[part][mask] = output.abundances, output.brightness
        if maps.uncertainty is not None and output.uncertainty is not None:
            maps.uncertainty[part][mask] = output.uncertainty
    return maps


def _nothing(*shape: int) -> Float32:
    return np.full(shape, np.nan, dtype=np.float32)


@contextmanager
def _ahead(blocks: Iterator[Any]) -> Iterator[Iterator[Any]]:
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
def _behind(write: Callable[..., None]) -> Iterator[Callable[..., None]]:
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

    def hand_over(*item: Any) -> None:
        if failures:
            raise failures[0]
        queue.put(item)

    thread = threading.Thread(target=work, name="product-writer", daemon=True)
    thread.start()
    try:
        yield hand_over
    finally:
        queue.put(_END)
        thread.join()
    if failures:
        raise failures[0]
