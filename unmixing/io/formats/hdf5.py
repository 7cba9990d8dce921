"""HDF5 through h5py: MATLAB's version 7.3, whose axes are reversed, netCDF 4, and any other with arrays in groups."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
from numpy.typing import NDArray

from unmixing.errors import SceneFormatError
from unmixing.io.formats.array_header import ArrayHeader, ArrayNotes
from unmixing.io.formats.arrays import WHOLE_FILE, ArrayFormat
from unmixing.io.formats.damage import damage_reported
from unmixing.io.formats.names import wavelength_unit
from unmixing.io.formats.rows import BLOCK_BYTES

MATLAB_MARK, MATLAB_CLASS = b"MATLAB 7.3", "MATLAB_class"
INTERNAL = ("#refs#", "#subsystem#")
"""MATLAB's own groups."""

MAX_DEPTH, MAX_ARRAYS = 5, 1000

ATTRIBUTE_SIGN = "@"
"""Between a dataset or group and its attribute, in the names of arrays that are attributes."""

MAX_ATTRIBUTE = 100_000

NODATA, SCALE, OFFSET = ("_FillValue", "missing_value"), "scale_factor", "add_offset"
"""Attributes by which netCDF says what a number means."""


def hdf5_headers(path: Path) -> dict[str, ArrayHeader]:
    """Every array of an HDF5 file by its name, groups before it, and lists of wavelengths among the attributes.

    Shapes are those of the program that wrote it: MATLAB's are reversed. Raises SceneFormatError.
    """
    with opened_hdf5(path) as file:
        matlab = _is_matlab(path)
        found = {name: _header(data, _reversed(data, matlab)) for name, data in datasets(file).items()}
        holders: dict[str, Any] = {"": file, **datasets(file)}
        for name, holder in holders.items():
            for key in holder.attrs:
                if wavelength_unit(key)[0] and (values := _numbers(holder.attrs, key)) is not None:
                    found[f"{name}{ATTRIBUTE_SIGN}{key}"] = ArrayHeader(values.shape, values.dtype)
        return found


def load_hdf5(path: Path, name: str, scratch: Path | None) -> NDArray[Any]:
    """One array of an HDF5 file, in the order of axes of the program that wrote it: a copy in ``scratch``, mapped into
    memory. Raises SceneFormatError.
    """
    with opened_hdf5(path) as file:
        if ATTRIBUTE_SIGN in name:
            holder, _, key = name.rpartition(ATTRIBUTE_SIGN)
            return np.asarray((file[holder] if holder else file).attrs[key])
        data = datasets(file)[name]
        values = copy_to_scratch(data, scratch)
        return values.T if _reversed(data, _is_matlab(path)) else values


def hdf5_attributes(path: Path, name: str) -> dict[str, Any]:
    """The attributes of an array, or of the whole file, that are texts, or numbers by themselves. Raises
    SceneFormatError."""
    with opened_hdf5(path) as file:
        attributes = file.attrs if name == WHOLE_FILE else datasets(file)[name].attrs
        return {key: _text_or_number(attributes, key) for key in attributes}


@contextmanager
def opened_hdf5(path: Path) -> Iterator[h5py.File]:
    """The file for reading. Whatever is wrong with it, inside the block too, becomes a SceneFormatError."""
    what = f"{path.name} is a damaged or truncated HDF5 file (MATLAB 7.3 is one too)"
    with damage_reported(what), h5py.File(path, "r", locking=False) as file:
        yield file


def datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    """The arrays that lie in this very file, at most ``MAX_DEPTH`` groups deep: HDF5 can also point into others."""
    found: dict[str, h5py.Dataset] = {}
    _collect(file, "", 0, found)
    return found


def _collect(group: h5py.Group, prefix: str, depth: int, found: dict[str, h5py.Dataset]) -> None:
    for name in group:
        if name in INTERNAL or not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        item = group[name]
        if isinstance(item, h5py.Group) and depth < MAX_DEPTH:
            _collect(item, f"{prefix}{name}/", depth + 1, found)
        elif isinstance(item, h5py.Dataset) and item.shape is not None and not (item.external or item.is_virtual):
            found[prefix + name] = item
        if len(found) > MAX_ARRAYS:
            raise SceneFormatError(f"the file has more than {MAX_ARRAYS} arrays")


def _is_matlab(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MATLAB_MARK)) == MATLAB_MARK


def _reversed(data: h5py.Dataset, matlab: bool) -> bool:
    return matlab or MATLAB_CLASS in data.attrs


def _header(data: h5py.Dataset, is_reversed: bool) -> ArrayHeader:
    if is_reversed:
        is_text = attribute_text(data.attrs.get(MATLAB_CLASS)) == "char"  # letters are stored as numbers
        return ArrayHeader(data.shape[::-1], np.dtype("O") if is_text else data.dtype)
    nodata = next((value for key in NODATA if (value := _number(data.attrs, key)) is not None), None)
    notes = ArrayNotes(
        axes=_axis_names(data), unit=attribute_text(data.attrs.get("units")), nodata=nodata,
        scale=_number(data.attrs, SCALE), offset=_number(data.attrs, OFFSET),
    )  # fmt: skip
    return ArrayHeader(data.shape, data.dtype, notes=notes)


def _axis_names(data: h5py.Dataset) -> tuple[str, ...] | None:
    """Names of the axes: of the dimension scales, as netCDF and xarray write, or in an attribute."""
    listed = data.attrs.get("_dims", data.attrs.get("dims", data.attrs.get("_ARRAY_DIMENSIONS")))
    if isinstance(listed, np.ndarray) and listed.shape == (data.ndim,):
        return tuple(attribute_text(name) or "" for name in listed)
    names = []
    for dimension in data.dims:
        scale = dimension[0].name if len(dimension) else None
        names.append(dimension.label or (scale or "").rsplit("/", 1)[-1])
    return tuple(names) if any(names) else None


def attribute_text(value: Any) -> str | None:
    """An attribute that is a text; None for all others."""
    value = value.item() if isinstance(value, np.ndarray | np.generic) and value.size == 1 else value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else None


def _numbers(attributes: h5py.AttributeManager, key: str) -> NDArray[Any] | None:
    """An attribute that is a list of real numbers."""
    kind = attributes.get_id(key)
    if kind.dtype.kind not in "iuf" or len(kind.shape) != 1 or kind.shape[0] > MAX_ATTRIBUTE:
        return None
    return np.asarray(attributes[key])


def _text_or_number(attributes: h5py.AttributeManager, key: str) -> str | float | None:
    """An attribute that is one of both; None for all others, and for types that Python does not know."""
    try:
        text = attribute_text(attributes[key])
        return _number(attributes, key) if text is None else text
    except (TypeError, ValueError, OSError):
        return None


def _number(attributes: h5py.AttributeManager, key: str) -> float | None:
    if key not in attributes or attributes.get_id(key).dtype.kind not in "iuf":
        return None
    values = np.asarray(attributes[key])
    return float(str(values.ravel()[0])) if values.size == 1 else None


def copy_to_scratch(data: Any, scratch: Path | None) -> NDArray[Any]:
    """The array as a memory map of an unnamed file. Rows of a scene cut across all chunks, so that reading
    them from the HDF5 file itself would unpack everything again for each block."""
    if data.ndim == 0:
        return np.asarray(data[()])
    with tempfile.TemporaryFile(dir=scratch) as file:
        copy = np.memmap(cast(Any, file), dtype=data.dtype, mode="w+", shape=data.shape)
    slab_bytes = max(1, data.nbytes // data.shape[0])
    step = max(1, BLOCK_BYTES // slab_bytes)
    if data.chunks is not None:
        step = max(step // data.chunks[0], 1) * data.chunks[0]
    for start in range(0, data.shape[0], step):
        copy[start : start + step] = data[start : start + step]
    return copy


MAT_V73 = ArrayFormat("mat v7.3", hdf5_headers, load_hdf5, down_columns=True)
HDF5 = ArrayFormat("hdf5", hdf5_headers, load_hdf5, attributes=hdf5_attributes)
