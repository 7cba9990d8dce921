"""An image from its file to its products: fitted, applied block by block, written."""

import time
from collections.abc import Mapping
from pathlib import Path

from threadpoolctl import threadpool_limits

from unmixing.inference.images import Image
from unmixing.io.apply.rows import apply_to_rows
from unmixing.io.products.false_colour import shown
from unmixing.io.products.maps import MapFiles
from unmixing.io.products.result import ImageResult
from unmixing.io.products.table import write_products
from unmixing.pipeline import FittedMethod, fit_image
from unmixing.progress import Progress, part_of
from unmixing.specs import UnmixSpec
from unmixing.types import Compute, SpectralLibrary, TrainedModel

FITTED_SHARE, LOOKED_SHARE, UNMIXED_SHARE = 0.85, 0.2, 0.95
"""Shares of the progress at which a method is fitted, or a stored model has seen a sample, and all rows are
unmixed."""


def unmix_to_files(
    image: Image, spec: UnmixSpec, folder: Path, compute: Compute, progress: Progress, *,
    model: TrainedModel | None = None, library: SpectralLibrary | None = None,
    endmembers: SpectralLibrary | None = None,
) -> tuple[ImageResult, Mapping[str, str]]:  # fmt: skip
    """Write every product of the method on the image into an existing, empty ``folder``. library: names what is found.
    endmembers: those that are known.

    Returns the result, its maps mapped from the files, and name -> media type. Whatever goes wrong, ``progress``
    raising included, leaves an incomplete folder and no thread: its owner throws it away. Raises as ``unmix``, and
    LibraryMismatchError for a library of other bands.
    """
    started = time.perf_counter()
    share = FITTED_SHARE if model is None else LOOKED_SHARE
    fitted = fit_image(image, spec, model, compute, part_of(progress, 0.0, share), endmembers)
    if library is not None:
        fitted = fitted.named_by(library)
    return apply_fitted(image, fitted, folder, compute, part_of(progress, share, 1.0), started)


def apply_fitted(
    image: Image, fitted: FittedMethod, folder: Path, compute: Compute, progress: Progress, started: float
) -> tuple[ImageResult, Mapping[str, str]]:
    """The second half of ``unmix_to_files``. started: when the first half began, by ``time.perf_counter``."""
    rows, columns, _ = image.shape
    applying = time.perf_counter()
    maps = MapFiles(
        folder, (0, rows), columns, len(fitted.unmixer.endmembers), uncertainty=fitted.unmixer.has_uncertainty
    )
    with threadpool_limits(compute.threads):
        reconstruction, bands = apply_to_rows(image, fitted, (0, rows), maps, part_of(progress, 0.0, UNMIXED_SHARE))
    inference = time.perf_counter() - applying
    progress(UNMIXED_SHARE, "writing the results")
    seconds = {"inference": round(inference, 4), "total": round(time.perf_counter() - started, 4)}
    unmixing = fitted.result(maps.read(), reconstruction, seconds)
    result = ImageResult(unmixing, fitted.info, shown(bands, unmixing.brightness))
    return result, write_products(folder, result)
