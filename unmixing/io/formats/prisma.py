"""PRISMA, level 2 (L2D, L2C, L2B): HDF-EOS5 with a cube for each of its two detectors."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from unmixing.errors import SceneFormatError
from unmixing.io.formats.array_header import ArrayHeader
from unmixing.io.formats.gdal import epsg_wkt
from unmixing.io.formats.hdf5 import HDF5, attribute_text, load_hdf5, opened_hdf5
from unmixing.io.formats.moments import stated_period
from unmixing.io.formats.reader import SceneReader, require_plausible_size
from unmixing.io.formats.rows import ArrayRows, JoinedRows, calibrated
from unmixing.io.formats.units import RADIANCE, REFLECTANCE
from unmixing.io.formats.variables import require_cube
from unmixing.io.formats.wavelengths import stated_widths_in_nm
from unmixing.screening.detectors import detector_overlap
from unmixing.specs import InputSpec
from unmixing.types import Float64, Georeference, SceneFacts

SWATHS, DETECTORS = "HDFEOS/SWATHS", ("Vnir", "Swir")
MOMENTS = ("Product_StartTime", "Product_StopTime")
LARGEST = 65535
"""The number in the file that means the attribute L2Scale...Max; zero means L2Scale...Min."""

AXES = (0, 2, 1)
"""Of rows, columns and bands in a cube, which lies line by line, band by band, sample by sample."""


@dataclass(frozen=True)
class Detector:
    """One of the cubes. header: as stored, (rows, bands, columns). wavelengths_nm: zero for bands without data.
    widths_nm: None where the file does not say them. gain, offset: from the numbers in the file to values."""

    name: str
    variable: str
    header: ArrayHeader
    wavelengths_nm: Float64
    widths_nm: Float64 | None
    gain: float
    offset: float


def is_product(path: Path) -> bool:
    """Whether an HDF5 file is laid out as PRISMA's of level 2 are."""
    try:
        with opened_hdf5(path) as file:
            return _swath(file) is not None
    except SceneFormatError:
        return False


def open_scene(files: Sequence[Path], asked: InputSpec, scratch: Path | None) -> SceneReader:
    """The scene of both detectors, its bands by wavelength. ``variable`` reads one of its arrays as it is.

    Raises SceneFormatError.
    """
    if asked.variable is not None:
        return HDF5.open_scene(files, asked, scratch)
    path = files[0]
    with opened_hdf5(path) as file:
        swath = _swath(file) or ""
        detectors = [_detector(file, swath, name, path.name) for name in DETECTORS]
        place = _georeference(file, detectors[0].header, path.name) if "L2D" in swath else None
        acquired = stated_period(*(attribute_text(file.attrs.get(key)) for key in MOMENTS))
    first, second = (detector.header.shape for detector in detectors)
    if first[::2] != second[::2]:
        raise SceneFormatError(f"{path.name}: the cubes of its detectors have different sizes, {first} and {second}")
    source = {
        "format": f"PRISMA {swath[4:7]}", "files": [path.name], "dtype": "uint16", "axes": "rows, bands, columns",
        "axes_by": "product", "wavelength_units": "nm", "scale_stated": "attributes L2Scale...Min and Max",
        "unit": RADIANCE if "L2B" in swath else REFLECTANCE, **acquired,
    }  # fmt: skip
    return _joined(detectors, [_rows(path, one, scratch) for one in detectors], SceneFacts(georeference=place), source)


def _joined(
    detectors: Sequence[Detector], rows: Sequence[ArrayRows], facts: SceneFacts, source: Mapping[str, Any]
) -> SceneReader:
    """The bands of all detectors by wavelength, without those that have none."""
    wavelengths = np.concatenate([one.wavelengths_nm for one in detectors])
    order = np.argsort(wavelengths, kind="stable")[np.count_nonzero(wavelengths == 0) :]
    n_bands = [len(one.wavelengths_nm) for one in detectors]
    names, gains, offsets = (
        np.repeat(values, n_bands)[order]
        for values in (
            [one.name.upper() for one in detectors], [one.gain for one in detectors], [one.offset for one in detectors],
        )
    )  # fmt: skip
    overlap = detector_overlap(wavelengths[order], names.tolist())
    widths = [one.widths_nm for one in detectors if one.widths_nm is not None]
    told = {
        **source, "variable": ", ".join(one.variable for one in detectors), "detector_overlap": overlap.said,
        "fwhm_nm": stated_widths_in_nm(np.concatenate(widths)[order], "nm", wavelengths[order])
        if len(widths) == len(detectors) else None,
    }  # fmt: skip
    facts = replace(facts, wavelengths_nm=wavelengths[order], bad_bands=overlap.bad, source=told)
    return SceneReader(*calibrated(JoinedRows(rows, order), facts, gains, offsets))


def _swath(file: h5py.File) -> str | None:
    """The name of the hyperspectral swath, such as PRS_L2D_HCO."""
    swaths = file.get(SWATHS)
    names = list(swaths) if isinstance(swaths, h5py.Group) else []
    return next((name for name in names if re.fullmatch(r"PRS_L2[BCD]_HCO", name)), None)


def _detector(file: h5py.File, swath: str, name: str, file_name: str) -> Detector:
    variable = f"{SWATHS}/{swath}/Data Fields/{name.upper()}_Cube"
    data = file.get(variable)
    if not isinstance(data, h5py.Dataset) or data.external or data.is_virtual:
        raise SceneFormatError(f"{file_name} has no array {variable}; a PRISMA product has the cubes of both detectors")
    header = ArrayHeader(data.shape, data.dtype)
    if header.dtype != np.uint16:
        raise SceneFormatError(f"{file_name}: {variable} holds {header.dtype} values; PRISMA's cubes hold uint16")
    require_cube(ArrayHeader(tuple(np.take(data.shape, AXES)) if data.ndim == 3 else data.shape, data.dtype), variable)
    wavelengths = _attribute(file, f"List_Cw_{name}", data.shape[1], file_name)
    if (wavelengths < 0).any() or not wavelengths.any():
        raise SceneFormatError(f"{file_name}: List_Cw_{name} must be wavelengths, and zero for bands without data")
    lowest, highest = (float(_attribute(file, f"L2Scale{name}{end}", 1, file_name)[0]) for end in ("Min", "Max"))
    if not highest > lowest:
        raise SceneFormatError(f"{file_name}: L2Scale{name}Min is {lowest:g} and L2Scale{name}Max {highest:g}")
    listed = np.asarray(file.attrs.get(f"List_Fwhm_{name}", ())).ravel()
    widths = listed.astype(np.float64) if listed.dtype.kind in "iuf" and listed.size == data.shape[1] else None
    return Detector(name, variable, header, wavelengths, widths, (highest - lowest) / LARGEST, lowest)


def _attribute(file: h5py.File, name: str, size: int, file_name: str) -> Float64:
    """An attribute of the whole product: so many finite numbers. Raises SceneFormatError."""
    if name not in file.attrs:
        raise SceneFormatError(f"{file_name}: the attribute {name} is missing, and the numbers mean nothing without it")
    values = np.asarray(file.attrs[name]).ravel()
    if values.dtype.kind not in "iuf" or values.size != size or not np.isfinite(values).all():
        raise SceneFormatError(
            f"{file_name}: the attribute {name} must be {size} finite number(s); it is {values.dtype} of {values.size}"
        )
    return values.astype(np.float64)


def _rows(path: Path, detector: Detector, scratch: Path | None) -> ArrayRows:
    require_plausible_size(path, detector.header)
    rows, bands, columns = detector.header.shape
    load = partial(load_hdf5, path, detector.variable, scratch)
    return ArrayRows((rows, columns, bands), detector.header.dtype, lambda: load().transpose(AXES), in_place=False)


def _georeference(file: h5py.File, header: ArrayHeader, file_name: str) -> Georeference | None:
    """From the corners of the product, which are centres of pixels; None where it names none."""
    corners = ("ULcorner_easting", "ULcorner_northing", "LRcorner_easting", "LRcorner_northing")
    if "Epsg_Code" not in file.attrs or any(f"Product_{corner}" not in file.attrs for corner in corners):
        return None
    left, top, right, bottom = (float(_attribute(file, f"Product_{name}", 1, file_name)[0]) for name in corners)
    rows, _, columns = header.shape
    width, height = (right - left) / max(columns - 1, 1), (bottom - top) / max(rows - 1, 1)
    if not (width > 0 > height):
        raise SceneFormatError(
            f"{file_name}: its corners, {left:g} {top:g} and {right:g} {bottom:g}, are no upper left and lower right"
        )
    wkt = epsg_wkt(int(_attribute(file, "Epsg_Code", 1, file_name)[0]))
    return Georeference(wkt, (width, 0.0, left - width / 2, 0.0, height, top - height / 2))
