"""From whatever holds an image in Python to an image that can be read as was asked."""

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import SceneFormatError, SpecError
from unmixing.inference.images import Image
from unmixing.io.formats.array_header import ArrayHeader
from unmixing.io.formats.axes import AxisSigns, find_axes
from unmixing.io.formats.labelled import is_labelled, labelled_scene
from unmixing.io.formats.layout import layout_asked
from unmixing.io.formats.reader import SceneReader
from unmixing.io.formats.rows import ArrayRows
from unmixing.io.formats.variables import require_few_bands, require_three_axes
from unmixing.io.inputs.corrections import corrected
from unmixing.io.inputs.scenes import open_scene
from unmixing.specs import InputSpec
from unmixing.types import Cube, SceneFacts


def asked_image(image: Any, asked: InputSpec) -> Image | Cube | NDArray[Any]:
    """An image read as was asked, whatever holds it; itself when nothing has to be done.

    image: a ``Cube``, an opened scene, an array of any real dtype, an ``xarray.DataArray``, an opened rasterio dataset,
    or the path of a scene's file, or of both files. Of an array the axis of the bands is found as in a file.
    Raises SceneFormatError for what holds no image, and SpecError for what cannot be asked of it: of a ``Cube`` all
    bands and pixels are decided.
    """
    if isinstance(image, np.ndarray):
        return _array(image, asked)
    if isinstance(image, SceneReader):
        return corrected(image, asked)
    if isinstance(image, str | PathLike):
        return open_scene([Path(image)], asked)
    if isinstance(image, list | tuple):
        return open_scene([Path(file) for file in image], asked)
    if is_labelled(image):
        return corrected(labelled_scene(image, layout_asked(asked)), asked)
    if type(image).__module__.partition(".")[0] == "rasterio":
        from unmixing.io.formats.geotiff import dataset_scene

        return corrected(dataset_scene(image), asked)
    if given := asked.given():
        raise SpecError(f"{next(iter(given))} was given for a {type(image).__name__}; give the array it was made of")
    if not isinstance(image, Cube) and not hasattr(image, "scaled_blocks"):
        raise SceneFormatError(
            f"a {type(image).__name__} holds no image; give an array, a path, an xarray.DataArray or a rasterio dataset"
        )
    found: Image | Cube = image
    return found


def _array(image: NDArray[Any], asked: InputSpec) -> Image | NDArray[Any]:
    require_three_axes(ArrayHeader(image.shape, image.dtype), "the array")
    n_wavelengths = None if asked.wavelengths is None else len(asked.wavelengths)
    signs = AxisSigns(layout_asked(asked).axes, None, n_wavelengths, lambda: image)
    values = find_axes(image.shape, signs, "the array").view(image)
    require_few_bands(values.shape[2], "the array")
    if not asked.given().keys() - {"axes"}:
        return values
    rows, columns, bands = values.shape
    return corrected(SceneReader(ArrayRows((rows, columns, bands), image.dtype, lambda: values), SceneFacts()), asked)
