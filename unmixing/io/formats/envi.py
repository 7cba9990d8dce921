"""ENVI: a text header and a binary beside it, in any interleave.

The header is read here and held against the binary's size; the numbers are mapped into memory, because GDAL
reads a BIP file once per band. GDAL is asked for the one thing it knows better: what ``map info`` means.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray

from unmixing.errors import SceneFormatError
from unmixing.io.formats.array_header import ArrayHeader
from unmixing.io.formats.envi_header import number, numbers, read_envi_header, whole_number
from unmixing.io.formats.gdal import georeference_of, georeference_optional, safe_gdal
from unmixing.io.formats.moments import stated_period
from unmixing.io.formats.reader import SceneReader
from unmixing.io.formats.rows import ArrayRows, Rows, calibrated
from unmixing.io.formats.units import RADIANCE, REFLECTANCE, stated_unit
from unmixing.io.formats.variables import require_few_bands, require_three_axes
from unmixing.io.formats.wavelengths import wavelengths_in_nm, widths_in_nm
from unmixing.specs import InputSpec
from unmixing.types import Bool, Float64, Georeference, SceneFacts

TYPES = {
    "1": "u1", "2": "i2", "3": "i4", "4": "f4", "5": "f8", "6": "c8", "9": "c16",
    "12": "u2", "13": "u4", "14": "i8", "15": "u8",
}  # fmt: skip
AXES_IN_FILE = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}
"""Which of (rows, columns, bands) each axis of the binary is."""

PLACE_FIELDS = ("map info", "projection info", "coordinate system string")


@dataclass(frozen=True)
class Layout:
    """How the numbers lie in the binary. shape: (rows, columns, bands), however they are interleaved. offset: bytes
    before the first."""

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    offset: int
    interleave: str


def open_envi(files: Sequence[Path], asked: InputSpec, scratch: Path | None) -> SceneReader:
    """The scene of a header and its binary, in this order. Raises SceneFormatError unless both agree to the byte."""
    header, binary = files
    fields = read_envi_header(header)
    if "spectral library" in fields.get("file type", "").lower():
        raise SceneFormatError(f"{header.name} describes a spectral library, not a scene: spectra without an image")
    layout = layout_of(fields, header.name)
    require_size(layout, header, binary)
    require_few_bands(layout.shape[2], header.name, hint="")

    def load() -> NDArray[Any]:
        axes = AXES_IN_FILE[layout.interleave]
        stored = tuple(layout.shape[axis] for axis in axes)
        mapped = np.memmap(binary, dtype=layout.dtype, mode="r", offset=layout.offset, shape=stored)
        return mapped.transpose(np.argsort(axes))

    rows = ArrayRows(layout.shape, layout.dtype, load)
    return SceneReader(*_scaled(fields, rows, _facts(fields, layout, header, binary)))


def layout_of(fields: Mapping[str, str], name: str) -> Layout:
    """Layout of the binary, from the header. Raises SceneFormatError for what is not read here."""
    if whole_number(fields, "file compression", name, default=0) != 0:
        raise SceneFormatError(f"{name}: compressed ENVI files are not read; save it uncompressed")
    for frame in ("major frame offsets", "minor frame offsets"):
        if any(numbers(fields.get(frame, "0"), frame, name)):
            raise SceneFormatError(f"{name}: ENVI files with {frame} are not read")
    code, interleave = fields.get("data type", "").strip(), fields.get("interleave", "bsq").lower()
    if code not in TYPES:
        raise SceneFormatError(f"{name}: data type {code!r} is none of ENVI's ({', '.join(TYPES)})")
    if interleave not in AXES_IN_FILE:
        raise SceneFormatError(f"{name}: interleave {interleave!r} is none of {', '.join(AXES_IN_FILE)}")
    lines, samples, bands = (whole_number(fields, key, name) for key in ("lines", "samples", "bands"))
    order = ">" if whole_number(fields, "byte order", name, default=0) == 1 else "<"
    dtype = np.dtype(order + TYPES[code])
    offset = whole_number(fields, "header offset", name, default=0)
    require_three_axes(ArrayHeader((lines, samples, bands), dtype), name)
    return Layout((lines, samples, bands), dtype, offset, interleave)


def require_size(layout: Layout, header: Path, binary: Path) -> None:
    """Raises SceneFormatError unless the binary has the very size that the header describes."""
    lines, samples, bands = layout.shape
    needed = layout.offset + ArrayHeader(layout.shape, layout.dtype).nbytes
    size = binary.stat().st_size
    if size == needed:
        return
    promise = f"{header.name} describes {lines} lines x {samples} samples x {bands} bands of {layout.dtype.name}"
    if size < needed:
        raise SceneFormatError(f"{binary.name} is truncated: {promise}, {needed} bytes, the file has {size}")
    raise SceneFormatError(f"{promise}, {needed} bytes, but {binary.name} has {size}: the header does not fit")


def _facts(fields: Mapping[str, str], layout: Layout, header: Path, binary: Path) -> SceneFacts:
    n_bands = layout.shape[2]
    wavelengths, widths, units = None, None, fields.get("wavelength units")
    if "wavelength" in fields:
        listed = numbers(fields["wavelength"], "wavelength", header.name, n_bands)
        wavelengths, units = wavelengths_in_nm(listed, units)
        if wavelengths is not None and "fwhm" in fields:
            found = numbers(fields["fwhm"], "fwhm", header.name)
            widths = widths_in_nm(found, listed, wavelengths) if len(found) == n_bands else None
    nodata = number(fields, "data ignore value", header.name)
    source = {
        "format": "ENVI",
        "files": [header.name, binary.name],
        "interleave": layout.interleave,
        "dtype": layout.dtype.name,
        "wavelength_units": units,
        "fwhm_nm": widths,
        "scale_stated": None,
        "unit": stated_unit([fields.get("data units"), fields.get("z plot titles")]),
        **stated_period(fields.get("acquisition time")),
    }
    return SceneFacts(
        wavelengths_nm=wavelengths,
        bad_bands=_bad_bands(fields, header.name, n_bands),
        nodata=None if nodata is None or np.isnan(nodata) else nodata,
        georeference=_georeference(fields, header.name) if "map info" in fields else None,
        source=source,
    )


def _bad_bands(fields: Mapping[str, str], name: str, n_bands: int) -> Bool | None:
    if "bbl" not in fields:
        return None
    return np.equal(numbers(fields["bbl"], "bbl", name, n_bands), 0)


def _scaled(fields: Mapping[str, str], rows: Rows, facts: SceneFacts) -> tuple[Rows, SceneFacts]:
    """Apply ``reflectance scale factor``, by which the numbers are to be divided, else gains and offsets per
    band.

    The factor wins where a header has both: gains lead to radiance, not to what the factor is about.
    """
    n_bands, name = rows.shape[2], facts.source["files"][0]
    factor = number(fields, "reflectance scale factor", name)
    if factor is not None:
        if not (np.isfinite(factor) and factor > 0):
            raise SceneFormatError(f"{name}: reflectance scale factor must be positive, it is {factor:g}")
        gains, offsets, stated = np.full(n_bands, 1 / factor), np.zeros(n_bands), "reflectance scale factor"
        unit: str | None = REFLECTANCE
    elif "data gain values" in fields or "data offset values" in fields:
        gains = _per_band(fields, "data gain values", name, n_bands, 1.0)
        offsets = _per_band(fields, "data offset values", name, n_bands, 0.0)
        stated, unit = "data gain values", facts.source["unit"] or RADIANCE
    else:
        return rows, facts
    source = {**facts.source, "scale_stated": stated, "unit": unit}
    return calibrated(rows, replace(facts, source=source), gains, offsets)


def _per_band(fields: Mapping[str, str], key: str, name: str, n_bands: int, default: float) -> Float64:
    return np.array(numbers(fields[key], key, name, n_bands)) if key in fields else np.full(n_bands, default)


def _georeference(fields: Mapping[str, str], name: str) -> Georeference | None:
    """The georeference that GDAL reads from ``map info`` and its companions, shown to it with a scene of one pixel,
    because the driver looks for neighbours of the real one."""
    header = ["ENVI", "samples = 1", "lines = 1", "bands = 1", "data type = 1", "interleave = bsq"]
    header += [f"{key} = {{{fields[key]}}}" for key in PLACE_FIELDS if key in fields]
    with tempfile.TemporaryDirectory() as folder:
        scene = Path(folder) / "scene"
        scene.write_bytes(bytes(16))  # GDAL takes no file of one byte
        scene.with_name("scene.hdr").write_text("\n".join(header) + "\n", encoding="ascii", errors="replace")
        with (
            safe_gdal(name),
            # without a list of neighbours the driver does not find the header
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="FALSE"),
            georeference_optional(),
            rasterio.open(scene, driver="ENVI") as dataset,
        ):
            return georeference_of(dataset)
