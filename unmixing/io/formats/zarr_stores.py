"""Zarr, version 2 or 3, laid out as xarray does: a folder of chunks with metadata beside them."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import SceneFormatError, needing
from unmixing.io.formats.array_header import ArrayHeader
from unmixing.io.formats.arrays import WHOLE_FILE, ArrayFormat
from unmixing.io.formats.damage import damage_reported
from unmixing.io.formats.hdf5 import copy_to_scratch
from unmixing.io.formats.zarr_metadata import arrays_in, attributes_of_root


def zarr_headers(path: Path) -> dict[str, ArrayHeader]:
    """The arrays of the store of which ``path`` is the metadata at its root. Raises SceneFormatError."""
    return {name: array.header for name, array in arrays_in(path.parent).items()}


def zarr_attributes(path: Path, name: str) -> dict[str, Any]:
    """The attributes of an array, or of the whole store. Raises SceneFormatError."""
    if name == WHOLE_FILE:
        return attributes_of_root(path.parent)
    return dict(arrays_in(path.parent)[name].attributes)


def load_zarr(path: Path, name: str, scratch: Path | None) -> NDArray[Any]:
    """One array of the store, a copy in ``scratch``, mapped into memory, made chunk by chunk. Raises SceneFormatError.

    Its codecs are those of ``zarr_metadata.CODECS``.
    """
    with needing("zarr"):
        import zarr
    store = path.parent
    arrays_in(store)  # refuses what must not be opened
    with damage_reported(f"{store.name}: the array {name!r} cannot be read"):
        opened = zarr.open_array(store / name, mode="r")
        if not isinstance(opened, zarr.Array):
            raise SceneFormatError(f"{store.name}: {name!r} is no array")
        return np.asarray(copy_to_scratch(opened, scratch))


ZARR = ArrayFormat("zarr", zarr_headers, load_zarr, attributes=zarr_attributes)
