"""A stored model on a scene of any size: read, computed and written block by block, all three at once."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from unmixing.errors import SceneContentError
from unmixing.io.blockwise import BlockMaps, BlockProducts
from unmixing.io.products import media_types_in, write_endmembers
from unmixing.io.quicklook import write_quicklook
from unmixing.io.reader import SceneReader
from unmixing.naming import name_endmembers
from unmixing.pipeline import require_fit
from unmixing.runtime import BLOCK_PIXELS, ModelOutput, ModelRunner, SceneRunner
from unmixing.streaming import Misfit, Sample, usable
from unmixing.types import Bool, Compute, Cube, DroppedBand, Float32, Progress, SpectralLibrary, TrainedModel, Unmixing

QUEUED_BLOCKS = 2
LOOKING_SHARE = 0.2
_END = object()


def can_stream(model: TrainedModel | None) -> bool:
    """Whether a scene can be unmixed block by block: with a stored model that looks at single pixels."""
    return model is not None and int(model.manifest.get("neighbourhood", 1)) == 1


def apply_to_scene(
    reader: SceneReader,
    model: TrainedModel,
    folder: Path,
    *,
    n_endmembers: int | None = None,
    library: SpectralLibrary | None = None,
    compute: Compute,
    progress: Progress,
) -> tuple[Unmixing, Cube, dict[str, str]]:
    """Write every product of ``model`` on the scene into an existing, empty ``folder``.

    Returns the result, its maps mapped from the files; the scene without its values; and name -> media type. Whatever
    goes wrong, ``progress`` raising included, leaves an incomplete folder and no thread: its owner throws it away.

    Raises BandMismatchError and SpecError for a model that does not fit, SceneContentError without a usable pixel.
    """
    require_fit(model, reader.shape[2], n_endmembers)
    started = time.perf_counter()
    used = np.asarray(model.manifest["used_bands"], dtype=np.intp)
    with threadpool_limits(compute.threads):
        progress(0.0, "choosing a sample of the scene")
        sample = _sample(reader, used, progress)
        ready = ModelRunner(model.onnx, compute).look(sample)
        cube = _without_values(reader, used)
        unmixing = _unmixing(ready.endmembers, cube, model)
        if library is not None:
            unmixing = name_endmembers(unmixing, cube, library)
        misfit, rows = Misfit(), reader.shape[0]
        with (
            BlockProducts(folder, cube, unmixing.endmember_names, uncertainty=ready.has_uncertainty) as products,
            _ahead(reader.scaled_blocks()) as blocks,
            _behind(products) as write,
        ):
            for start, values in blocks:
                flat = values.reshape(-1, values.shape[2])
                valid = usable(flat, used)
                cube.valid_pixels[start : start + len(values)] = valid.reshape(values.shape[:2])
                write((start, values, _unmixed(ready, flat, valid, used, misfit)))
                progress(LOOKING_SHARE + (0.95 - LOOKING_SHARE) * start / rows, "unmixing the image")
            inference = time.perf_counter() - started
        progress(0.95, "writing the results")
        thinned, thin_cube = products.finish(unmixing, cube)
    write_endmembers(folder / "endmembers.csv", unmixing, cube.wavelengths_nm)
    (folder / "model.onnx").write_bytes(model.onnx)
    write_quicklook(folder / "quicklook.png", thinned, thin_cube)
    seconds = {"inference": round(inference, 4), "total": round(time.perf_counter() - started, 4)}
    metrics = {**unmixing.metrics, **misfit.metrics(), "seconds": seconds}
    maps = {
        name: np.load(folder / f"{name}.npy", mmap_mode="r")
        for name in BlockMaps._fields
        if (folder / f"{name}.npy").exists()
    }
    return replace(unmixing, metrics=metrics, **maps), cube, media_types_in(folder)


def _sample(reader: SceneReader, used: Any, progress: Progress) -> Float32:
    columns = reader.shape[1]
    sample = Sample(reader.shape[2], used)
    for start, stop in reader.windows():
        positions = np.arange(start * columns, stop * columns)
        chosen = sample.candidates(positions)
        if len(chosen):
            sample.add(positions[chosen], reader.read_pixels(start, stop, chosen))
        progress(LOOKING_SHARE * stop / reader.shape[0], "choosing a sample of the scene")
    if not len(sample.pixels):
        raise SceneContentError(f"no pixel has data in all of the {len(used)} bands the model uses")
    return sample.pixels


def _without_values(reader: SceneReader, used: Any) -> Cube:
    """The scene's facts, its values NaN throughout and of no size, its mask to be filled in."""
    n_bands = reader.shape[2]
    used_bands = np.zeros(n_bands, dtype=bool)
    used_bands[used] = True
    dropped = tuple(DroppedBand(int(index), "the model does not use it") for index in np.flatnonzero(~used_bands))
    return Cube(
        np.broadcast_to(np.float32(np.nan), reader.shape), used_bands, np.zeros(reader.shape[:2], dtype=bool), dropped,
        reader.wavelengths_nm, reader.scale, reader.nodata, reader.georeference, reader.source,
    )  # fmt: skip


def _unmixing(found: Float32, cube: Cube, model: TrainedModel) -> Unmixing:
    endmembers = np.full((len(found), cube.shape[2]), np.nan, dtype=np.float32)
    endmembers[:, cube.used_bands] = found
    nothing = np.empty((0, 0), dtype=np.float32)
    return Unmixing(endmembers, nothing, nothing, tuple(model.manifest["endmember_names"]), {}, model)


def _unmixed(ready: SceneRunner, flat: Float32, valid: Bool, used: Any, misfit: Misfit) -> BlockMaps:
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
        misfit.add(pixels if len(used) == flat.shape[1] else pixels[:, used], output)
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
def _behind(products: BlockProducts) -> Iterator[Any]:
    """A function that hands a block to a thread that writes; leaving waits for it, its errors are raised here."""
    queue: Queue[Any] = Queue(QUEUED_BLOCKS)
    failures: list[BaseException] = []

    def work() -> None:
        while (item := queue.get()) is not _END:
            if failures:
                continue
            try:
                products.write(*item)
            except BaseException as error:
                failures.append(error)

    def write(item: Any) -> None:
        if failures:
            raise failures[0]
        queue.put(item)

    thread = threading.Thread(target=work, name="product-writer", daemon=True)
    thread.start()
    try:
        yield write
    finally:
        queue.put(_END)
        thread.join()
    if failures:
        raise failures[0]
