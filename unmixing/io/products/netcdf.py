"""All of a result as one NetCDF file by the CF conventions."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5netcdf
import h5py
import numpy as np

from unmixing.io.products.labelled import (
    BAND,
    COLUMN,
    ENDMEMBER,
    ROW,
    Labelled,
    labelled_coordinates,
    labelled_variables,
    result_attributes,
)
from unmixing.io.products.rasters import row_blocks
from unmixing.io.products.result import ImageResult

CONVENTIONS = "CF-1.11"

ENDMEMBER_NAME = "endmember_name"
"""Where CF wants the labels of an axis: a coordinate that is called like its axis has to be of numbers."""

CF_UNITS = {"reflectance": "1"}
NO_CF_UNITS = ("radiance", "digital numbers")
"""Which kind of number the image has, as far as its file says it; not in which unit."""


def write_netcdf(path: Path, result: ImageResult) -> None:
    """Maps (endmember, y, x), uncertainty, brightness, residual and quality with what their bits mean, spectra over the
    wavelengths, and the place. The maps are written block by block."""
    unmixing, info = result.unmixing, result.info
    rows, columns, bands = info.shape
    coordinates = labelled_coordinates(unmixing, info)
    named = {ENDMEMBER_NAME if name == ENDMEMBER else name: found for name, found in coordinates.items()}
    with h5netcdf.File(path, "w") as file:
        file.dimensions = {ENDMEMBER: len(unmixing.endmember_names), ROW: rows, COLUMN: columns, BAND: bands}
        _describe(file, _file_attributes(result))
        for name, found in named.items():
            _write(file, name, found)
        for name, found in labelled_variables(unmixing, info).items():
            others = _auxiliary(named, found)
            _write(file, name, Labelled(found.axes, found.values, {**found.attributes, **others}))


def _auxiliary(coordinates: Mapping[str, Labelled], variable: Labelled) -> dict[str, str]:
    """The attribute that names the coordinates which are not called like an axis."""
    names = [
        name
        for name, found in coordinates.items()
        if found.axes and found.axes != (name,) and set(found.axes) <= set(variable.axes)
    ]
    return {"coordinates": " ".join(names)} if names else {}


def _file_attributes(result: ImageResult) -> dict[str, str]:
    unmixing = result.unmixing
    said = result_attributes(unmixing.abundances_of, unmixing.provenance)
    version = unmixing.provenance.get("versions", {}).get("project")
    software = "unmixing-service" if version is None else f"unmixing-service {version}"
    method = said.get("method")
    said |= {
        "Conventions": CONVENTIONS,
        "title": "Abundances and spectra of the materials of a hyperspectral image",
        "source": software,
        "history": f"unmixed by {software}" + ("" if method is None else f" with method {method}"),
    }
    if unmixing.warnings:
        said["comment"] = "\n".join(f"{warning.message}. {warning.action}" for warning in unmixing.warnings)
    return said


def _write(file: h5netcdf.File, name: str, labelled: Labelled) -> None:
    values = labelled.values
    if isinstance(values, list):
        variable = file.create_variable(name, labelled.axes, h5py.string_dtype(), data=np.array(values, dtype=object))
    elif ROW in labelled.axes and COLUMN in labelled.axes:
        variable = _written_map(file, name, labelled)
    else:
        values = np.asarray(values)
        plain = values.astype(np.uint8) if values.dtype == bool else values
        variable = file.create_variable(name, labelled.axes, data=plain, fillvalue=_fill(name, values))
    _describe(variable, labelled.attributes)


def _written_map(file: h5netcdf.File, name: str, labelled: Labelled) -> h5netcdf.Variable:
    """A map, not compressed: that takes ten times as long and saves a fifth."""
    along = labelled.axes.index(ROW)
    rows_first = np.moveaxis(labelled.values, along, 0)
    variable = file.create_variable(name, labelled.axes, rows_first.dtype, fillvalue=_fill(name, rows_first))
    for first, block in row_blocks(rows_first):
        place = tuple(slice(first, first + len(block)) if axis == ROW else slice(None) for axis in labelled.axes)
        variable[place] = np.moveaxis(block, 0, along)
    return variable


def _fill(name: str, values: Any) -> float | None:
    """The number that stands for none; coordinates need none."""
    return np.nan if values.dtype == np.float32 and name not in (ROW, COLUMN) else None


def _describe(target: Any, attributes: Mapping[str, Any]) -> None:
    for name, value in _cf_attributes(attributes):
        # As characters: many readers know no other texts.
        target.attrs[name] = np.bytes_(value.encode()) if isinstance(value, str) else np.asarray(value)


def _cf_attributes(attributes: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in attributes.items():
        if name != "units":
            yield name, value
        elif value in NO_CF_UNITS:
            yield "comment", f"the image's numbers are {value}"
        else:
            yield name, CF_UNITS.get(value, value)
