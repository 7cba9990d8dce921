"""Whether a stored model fits an image, and what the image is to it; without ONNX Runtime."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from unmixing.errors import BandMismatchError, SpecError
from unmixing.inference.images import Image, blanked, described
from unmixing.inference.sampling import SAMPLE_PIXELS, draw_sample
from unmixing.progress import Progress
from unmixing.screening.fill import FillSearch
from unmixing.types import DroppedBand, FillValue, Float32, ImageInfo, TrainedModel
from unmixing.warnings.reading import reading_warnings
from unmixing.warnings.table import merged

Draw = Callable[[tuple[FillValue, ...]], Float32]
"""Draws the sample of an image whose fill values these are, (n_sample, bands)."""


def require_fit(model: TrainedModel, n_bands: int, n_endmembers: int | None) -> None:
    """Whether a model can be used on an image of ``n_bands`` for ``n_endmembers`` (None: the model's own).

    Raises BandMismatchError and SpecError that name both numbers.
    """
    if model.manifest.kind != "image":
        raise SpecError("the model was trained on mixtures, not on an image")
    trained_bands, trained_count = model.manifest.n_bands, model.manifest.n_endmembers
    if n_bands != trained_bands:
        raise BandMismatchError(f"the cube has {n_bands} bands, the model was trained on {trained_bands} bands")
    if n_endmembers not in (None, trained_count):
        raise SpecError(f"n_endmembers is {n_endmembers}, the model was trained for {trained_count} endmembers")


def trained_for_pure_pixels(model: TrainedModel) -> bool:
    """Whether the scene that a model was trained on was said to have pure pixels."""
    return bool(model.manifest.request.get("pure_pixels", True))


def require_purity(model: TrainedModel, pure_pixels: bool) -> None:
    """Raises SpecError when a model was trained for the other answer: it cannot be asked afterwards."""
    trained = trained_for_pure_pixels(model)
    if pure_pixels != trained:
        asked, said = str(pure_pixels).lower(), str(trained).lower()
        raise SpecError(
            f"pure_pixels is {asked}, the model was trained with pure_pixels={said}; train one on the scene"
        )


def info_for_model(image: Image, model: TrainedModel) -> ImageInfo:
    """Description of an image whose used bands are those of the model."""
    used = np.zeros(image.shape[2], dtype=bool)
    used[list(model.manifest.used_bands)] = True
    left_out = tuple(DroppedBand(int(index), "the model does not use it") for index in np.flatnonzero(~used))
    return replace(described(image, used), dropped_bands=left_out)


def sample_for_model(image: Image, model: TrainedModel, progress: Progress) -> tuple[ImageInfo, Float32]:
    """Description of another image than the model's own, and a sample of its pixels, (n_sample, bands).

    Raises what ``draw_sample`` raises.
    """
    info = info_for_model(image, model)
    used = np.flatnonzero(info.used_bands)
    return described_by_sample(info, lambda fills: draw_sample(blanked(image, fills), used, SAMPLE_PIXELS, progress)[1])


def described_by_sample(info: ImageInfo, draw: Draw) -> tuple[ImageInfo, Float32]:
    """The description of an image with all that a sample of it tells, and that sample, (n_sample, bands)."""
    used = np.flatnonzero(info.used_bands)
    sample = draw(())
    search = FillSearch(len(used), info.scale)
    search.add(sample[:, used])
    if fills := search.found():  # they have taken the place of pixels in the sample
        info = replace(info, fill_values=fills)
        sample = draw(fills)
    return replace(info, warnings=merged(info.warnings, reading_warnings(sample[:, used], used))), sample
