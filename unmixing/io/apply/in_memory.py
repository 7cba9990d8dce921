"""``unmix``: an image in, its materials and their maps out, all in memory."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unmixing.inference.images import as_image
from unmixing.io.formats.reader import SceneReader
from unmixing.io.inputs.images import asked_image
from unmixing.io.inputs.libraries import known_library
from unmixing.io.products.false_colour import PictureRows, shown
from unmixing.io.products.notebook import UnmixingResult
from unmixing.pipeline import FITTING_SHARE, apply_in_memory, fit_image
from unmixing.progress import Progress, never_back, part_of, silent
from unmixing.specs import InputSpec, UnmixSpec
from unmixing.types import Compute, SpectralLibrary, TrainedModel


def unmix(
    image: Any,
    spec: UnmixSpec | None = None,
    *,
    input: InputSpec | None = None,
    model: TrainedModel | None = None,
    compute: Compute | None = None,
    progress: Progress | None = None,
    endmembers: SpectralLibrary | str | Path | Sequence[str | Path] | None = None,
) -> UnmixingResult:
    """Find the materials of an image and how much of each is in every pixel.

    image: an array, a path or the paths of a scene's files, an ``xarray.DataArray``, an opened rasterio dataset, a Cube
    or an opened scene. An array is (rows, columns, bands), unless its numbers show that its bands lie on another axis.
    spec: method, number of endmembers, seed and so on. input: how the image is to be read: axes, wavelengths, bands,
    pixels, scale. model: use this trained model and train nothing. endmembers: those that are known, a library or the
    path of its file, on the scale of the image: they are the first of the answer and stay as they are, while the others
    are found. progress: see ``Progress``; it may raise Cancelled. Raises as ``fit_image`` and ``asked_image`` do,
    and LibraryFormatError.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> cube = rng.dirichlet([0.3, 0.3], size=(20, 20)) @ rng.random((2, 30))
    >>> result = unmix(cube, UnmixSpec(method="vca_fcls", n_endmembers=2), input=InputSpec(bad_bands="0,28-29"))
    >>> np.flatnonzero(np.isnan(result.endmembers[0]))
    array([ 0, 28, 29])
    """
    opened = asked_image(image, input or InputSpec())
    try:
        seen, started, asked = as_image(opened), time.perf_counter(), spec or UnmixSpec()
        report, where = never_back(progress or silent), compute or Compute()
        given = known_library(endmembers)
        fitted = fit_image(seen, asked, model, where, part_of(report, 0.0, FITTING_SHARE), given)
        picture = PictureRows(fitted.info)
        after = part_of(report, FITTING_SHARE, 1.0)
        unmixing = apply_in_memory(seen, fitted, where, after, started, picture.add)
        return UnmixingResult.of(unmixing, fitted.info, shown(picture.picture(), unmixing.brightness))
    finally:
        if isinstance(opened, SceneReader) and not isinstance(image, SceneReader):
            opened.close()
