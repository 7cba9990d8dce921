"""Whether a stored model fits an image, and what the image is to it; without ONNX Runtime."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from unmixing.errors import BandMismatchError, SpecError
from unmixing.inference.images import Image, blanked, described
from unmixing.inference.resampling import ResampledImage, Resampling, at_model_bands, resampling_for
from unmixing.inference.sampling import SAMPLE_PIXELS, draw_sample
from unmixing.progress import Progress
from unmixing.screening.fill import FillSearch
from unmixing.types import DroppedBand, FillValue, Float32, ImageInfo, TrainedModel
from unmixing.warnings.reading import reading_warnings
from unmixing.warnings.table import merged

Draw = Callable[[tuple[FillValue, ...]], Float32]
"""Draws the sample of an image whose fill values these are, (n_sample, bands)."""


def require_fit(model: TrainedModel, image: Image, n_endmembers: int | None) -> Resampling | None:
    """Whether a model can be used on an image for ``n_endmembers`` (None: the model's own), and how the image comes to
    the model's bands, None where they are its own.

    Raises BandMismatchError and SpecError that name both numbers.
    """
    if model.manifest.kind != "image":
        raise SpecError("the model was trained on mixtures, not on an image")
    trained_bands, trained_count = model.manifest.n_bands, model.manifest.n_endmembers
    resampling = resampling_for(model.manifest, image)
    if resampling is None and image.shape[2] != trained_bands:
        whose = " and ".join(
            name for name, known in (("the cube", image.wavelengths_nm), ("the model", model.manifest.wavelengths_nm))
            if known is None
        )  # fmt: skip
        raise BandMismatchError(
            f"the cube has {image.shape[2]} bands, the model was trained on {trained_bands} bands; it could be "
            f"resampled to these if the wavelengths of {whose} were known"
        )
    if n_endmembers not in (None, trained_count):
        raise SpecError(f"n_endmembers is {n_endmembers}, the model was trained for {trained_count} endmembers")
    return resampling


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
    warnings = (image.resampling.warning(),) if isinstance(image, ResampledImage) else ()
    return replace(described(image, used), dropped_bands=left_out, warnings=warnings)


def sample_for_model(image: Image, model: TrainedModel, progress: Progress) -> tuple[ImageInfo, Float32]:
    """Description of another image than the model's own, and a sample of its pixels, (n_sample, bands).

    Raises what ``draw_sample`` raises.
    """
    seen = at_model_bands(image, model)
    info = info_for_model(seen, model)
    used = np.flatnonzero(info.used_bands)

    def draw(fills: tuple[FillValue, ...]) -> Float32:
        return draw_sample(at_model_bands(blanked(image, fills), model), used, SAMPLE_PIXELS, progress)[1]

    if not isinstance(seen, ResampledImage):
        return described_by_sample(info, draw)
    needed = seen.resampling.needed
    return described_by_sample(info, draw, draw_sample(image, needed, SAMPLE_PIXELS, progress)[1][:, needed])


def described_by_sample(info: ImageInfo, draw: Draw, own: Float32 | None = None) -> tuple[ImageInfo, Float32]:
    """The description of an image with all that a sample of it tells, and that sample, (n_sample, bands). own: of an
    image that is resampled, a sample as it was measured, (n_sample, n): fill values are found there alone."""
    used = np.flatnonzero(info.used_bands)
    sample = draw(())
    looked_at = sample[:, used] if own is None else own
    search = FillSearch(looked_at.shape[1], info.scale)
    search.add(looked_at)
    if fills := search.found():  # they have taken the place of pixels in the sample
        info = replace(info, fill_values=fills)
        sample = draw(fills)
    return replace(
        info, warnings=merged(info.warnings, reading_warnings(sample[:, used], used, info.wavelengths_nm))
    ), sample
