"""From whatever holds an image in Python to an image that can be read as was asked."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import SpecError
from unmixing.inference.images import Image
from unmixing.io.formats.array_header import ArrayHeader
from unmixing.io.formats.reader import ArrayRows, SceneReader
from unmixing.io.formats.variables import require_cube
from unmixing.io.inputs.corrections import corrected
from unmixing.specs import InputSpec
from unmixing.types import Cube, SceneFacts


def asked_image(image: Image | Cube | NDArray[Any], asked: InputSpec) -> Image | Cube | NDArray[Any]:
    """An array, or a scene that was opened, read as was asked; what it was when nothing was.

    image: (rows, columns, bands) of any real dtype. Raises SceneFormatError for an array that is no image, and
    SpecError for what cannot be asked of it: of a ``Cube`` all bands and pixels are decided.
    """
    if not (given := asked.given()):
        return image
    if isinstance(image, SceneReader):
        return corrected(image, asked)
    if isinstance(image, np.ndarray):
        shape = require_cube(ArrayHeader(image.shape, image.dtype), "the array")
        return corrected(SceneReader(ArrayRows(shape, image.dtype, lambda: image), SceneFacts()), asked)
    raise SpecError(f"{next(iter(given))} was given for a {type(image).__name__}; give the array it was made of")
