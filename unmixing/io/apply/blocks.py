"""The work on a block of an image in any process: pixels for the sample, and the maps of all of them.

A task carries where the model lies and what it knows of the image, never a running session: each process opens one.
"""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.cubes import scaled_values
from unmixing.errors import ModelFormatError, needing
from unmixing.inference.apply import unmixed_block
from unmixing.inference.images import Block
from unmixing.inference.resampling import Resampling
from unmixing.inference.runtime import ModelRunner
from unmixing.inference.sampling import SAMPLE_PIXELS, PixelSample, draw_keys, lowest
from unmixing.inference.stored import read_model
from unmixing.inference.unmixers import ModelUnmixer, Unmixer
from unmixing.pipeline import answering
from unmixing.screening.fill import blank
from unmixing.specs import AbundancesOf
from unmixing.types import Compute, FillValue, Float32, ImageInfo, TrainedModel

MODEL = "model.onnx"

SAMPLES_AT_A_TIME = 16
"""So many samples of blocks are made one at a time."""


@dataclass(frozen=True)
class ModelSource:
    """Where a model comes from in any process. path: of its file, else ``onnx`` has the bytes. sha256: of those."""

    path: str | None
    onnx: bytes | None
    sha256: str

    def model(self) -> TrainedModel:
        """Raises ModelFormatError, also where the file is another one by now."""
        return _opened(self)[0]

    def runner(self) -> ModelRunner:
        """The session of this process, with one thread: Dask runs several tasks beside each other."""
        return _opened(self)[1]


def model_source(model: TrainedModel | str | PathLike[str]) -> ModelSource:
    """Where a model comes from, whatever names it. Raises ModelFormatError when there is none."""
    if isinstance(model, TrainedModel):
        return ModelSource(None, model.onnx, hashlib.sha256(model.onnx).hexdigest())
    path = Path(model).resolve()
    path = path / MODEL if path.is_dir() else path
    return ModelSource(str(path), None, hashlib.sha256(_bytes_of(str(path))).hexdigest())


@functools.lru_cache(maxsize=4)
def _opened(source: ModelSource) -> tuple[TrainedModel, ModelRunner]:
    name = source.path or MODEL
    onnx = _bytes_of(name) if source.onnx is None else source.onnx
    if (found := hashlib.sha256(onnx).hexdigest()) != source.sha256:
        raise ModelFormatError(f"{name} has the SHA-256 {found}; the maps were asked for with {source.sha256}")
    model = read_model(onnx, name)
    return model, ModelRunner(model.onnx, Compute())


def _bytes_of(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ModelFormatError(f"{path} cannot be read ({error.strerror}); every process needs the model") from error


@dataclass(frozen=True, eq=False)
class Reading:
    """How numbers of a block become pixels: what means no data, and how they come to the bands of the model."""

    nodata: float | None
    fills: tuple[FillValue, ...] = ()
    resampling: Resampling | None = None

    def pixels(self, values: NDArray[Any]) -> Float32:
        """A block (..., bands) as pixels (n_pixels, bands), NaN where there is no data."""
        found = np.ascontiguousarray(scaled_values(np.asarray(values).reshape(-1, values.shape[-1]), 1.0, self.nodata))
        blank(found, self.fills)
        return found if self.resampling is None else self.resampling.apply(found)


@dataclass(frozen=True, eq=False)
class BlockWork:
    """A model that knows an image, as a task carries it. endmembers, state: see ``PreparedModel``."""

    source: ModelSource
    info: ImageInfo
    reading: Reading
    endmembers: Float32
    state: Mapping[str, Float32]
    abundances_of: AbundancesOf
    has_uncertainty: bool

    def unmixer(self) -> Unmixer:
        """Ready for pixels, in this process."""
        prepared = self.source.runner().restore(self.endmembers, self.state)
        return answering(ModelUnmixer(prepared), self.source.model().manifest, self.abundances_of)


def block_maps(values: NDArray[Any], work: BlockWork) -> tuple[NDArray[Any], ...]:
    """Maps of a block of pixels (..., bands): abundances (..., n_endmembers), brightness (...), perhaps uncertainty."""
    around = values.shape[:-1]
    block = Block(0, 1, 0, work.reading.pixels(values)[None])
    maps = unmixed_block(work.unmixer(), block, np.flatnonzero(work.info.used_bands))
    wanted = (maps.abundances, maps.brightness, maps.uncertainty)
    return tuple(found.reshape(*around, *found.shape[1:]) for found in wanted if found is not None)


def drawn_sample(data: Any, used: NDArray[np.intp], reading: Reading) -> Float32:
    """The pixels that stand for the image, (n_sample, bands): those that ``draw_sample`` draws of it whole.

    data: (rows, columns, bands), an array or one of Dask, whose chunks have all bands and are looked at where they are
    computed. used: indices of bands, as ``reading`` has them.
    """
    whole = (int(data.shape[1]), used, reading)
    if not hasattr(data, "dask"):
        return _block_sample(data, (0, 0), *whole).result()[1]
    with needing("xarray"):
        from dask.delayed import delayed

    blocks = data.to_delayed()[:, :, 0]
    corners = [np.concatenate([[0], np.cumsum(lengths)[:-1]]) for lengths in data.chunks[:2]]
    look, merge = delayed(_block_sample), delayed(_merged)
    samples = [
        look(block, (int(corners[0][row]), int(corners[1][column])), *whole)
        for (row, column), block in np.ndenumerate(blocks)
    ]
    while len(samples) > 1:
        groups = range(0, len(samples), SAMPLES_AT_A_TIME)
        samples = [merge(samples[first : first + SAMPLES_AT_A_TIME]) for first in groups]
    sample: PixelSample = samples[0].compute()
    return sample.result()[1]


def _block_sample(
    block: NDArray[Any], corner: tuple[int, int], columns: int, used: NDArray[np.intp], reading: Reading
) -> PixelSample:
    """Of one block, whose first pixel is at ``corner`` of an image of so many columns."""
    rows = corner[0] + np.arange(block.shape[0], dtype=np.int64)
    positions = (rows[:, None] * columns + corner[1] + np.arange(block.shape[1], dtype=np.int64)).ravel()
    pixels, keys, n_looked_at = np.asarray(block).reshape(len(positions), -1), draw_keys(positions), 2 * SAMPLE_PIXELS
    while True:
        # Pixels of higher keys matter only where too many of lower ones have no data.
        chosen = lowest(keys, n_looked_at)
        read = reading.pixels(pixels[chosen])
        sample = PixelSample(read.shape[1], used, SAMPLE_PIXELS)
        sample.add(positions[chosen], read)
        if sample.is_full or len(chosen) == len(keys):
            return sample
        n_looked_at *= 8


def _merged(samples: Sequence[PixelSample]) -> PixelSample:
    first, *others = samples
    for other in others:
        first.take(other)
    return first
