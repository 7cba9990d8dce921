"""``unmix``: an image in, its materials and their maps out, all in memory."""

from typing import Any

from numpy.typing import NDArray

from unmixing import pipeline
from unmixing.inference.images import Image
from unmixing.io.inputs.images import asked_image
from unmixing.progress import Progress
from unmixing.specs import InputSpec, UnmixSpec
from unmixing.types import Compute, Cube, TrainedModel, Unmixing


def unmix(
    image: Image | Cube | NDArray[Any],
    spec: UnmixSpec | None = None,
    *,
    input: InputSpec | None = None,
    model: TrainedModel | None = None,
    compute: Compute | None = None,
    progress: Progress | None = None,
) -> Unmixing:
    """Find the materials of an image and how much of each is in every pixel.

    image: (rows, columns, bands), a Cube, or an opened scene. spec: method, number of endmembers, seed and so on.
    input: how the image is to be read: wavelengths, bands, pixels, scale. model: use this trained model and train
    nothing. progress: see ``Progress``; it may raise Cancelled. Raises as ``pipeline.unmix`` and ``asked_image`` do.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> cube = rng.dirichlet([0.3, 0.3], size=(20, 20)) @ rng.random((2, 30))
    >>> result = unmix(cube, UnmixSpec(method="vca_fcls", n_endmembers=2), input=InputSpec(bad_bands="0,28-29"))
    >>> np.flatnonzero(np.isnan(result.endmembers[0]))
    array([ 0, 28, 29])
    """
    opened = asked_image(image, input or InputSpec())
    return pipeline.unmix(opened, spec, model=model, compute=compute, progress=progress)
