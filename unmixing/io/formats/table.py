"""FORMATS: every file format, one row each. The service, the command line and the readers of files read this table."""

from collections.abc import Iterable
from pathlib import Path

from unmixing.io.formats.envi_header import is_envi_header
from unmixing.io.formats.folders import ZARR_ROOTS
from unmixing.io.formats.format import START_BYTES, Format, both, either, is_called, starts_with

HDF5_MARK = b"\x89HDF\r\n\x1a\n"
ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")

NPZ = Format(
    ".npz",
    (".npz",),
    both(starts_with(*ZIP_MARKS), is_called(".npz")),  # no mark inside tells it from any other zip file
    ("application/x-npz",),
    scene="numpy_files:NPZ.open_scene",
    array="numpy_files:NPZ.read_array",
    several_arrays=True,
)
ZIP = Format("zip", (".zip",), starts_with(*ZIP_MARKS), ("application/zip",))
"""No format of its own: what counts is what is inside."""

ENVI = Format(
    "an ENVI header with its binary",
    (".hdr",),
    lambda start, name: is_envi_header(start),
    scene="envi:open_envi",
    two_files=True,
)
DLR = Format(
    "an EnMAP or DESIS image with its METADATA.XML",
    (".xml",),
    both(is_called("metadata.xml"), starts_with(b"<", b"\xef\xbb\xbf<")),
    scene="dlr:open_scene",
    product="dlr_metadata:is_product",
    two_files=True,
)
"""A description of the bands of a GeoTIFF beside it, of which the image is taken."""

ZARR = Format(
    "Zarr",
    (".zarr",),
    lambda start, name: name in ZARR_ROOTS,
    scene="zarr_stores:ZARR.open_scene",
    array="zarr_stores:ZARR.read_array",
    several_arrays=True,
)
"""Told by the file at the root of a store, which stands for all of it."""

TABLE = Format(
    ".csv",
    (".csv", ".tsv", ".txt"),
    is_called(".csv", ".tsv", ".txt"),
    ("text/csv", "text/tab-separated-values"),
    array="text_tables:read_table",
    max_axes=2,
)

HDF5_LABEL = "HDF5 (netCDF 4)"


def _hdf5_product(module: str) -> Format:
    """The row of a sensor's product that is an HDF5 file: a module with ``is_product`` and ``open_scene``."""
    return Format(
        HDF5_LABEL,
        (".h5", ".hdf5", ".he5", ".nc"),
        starts_with(HDF5_MARK),
        scene=f"{module}:open_scene",
        array="hdf5:HDF5.read_array",
        product=f"{module}:is_product",
        several_arrays=True,
    )


FORMATS = (
    Format(
        ".npy",
        (".npy",),
        starts_with(b"\x93NUMPY"),
        ("application/x-npy",),
        scene="numpy_files:NPY.open_scene",
        array="numpy_files:NPY.read_array",
    ),
    NPZ,
    ZIP,
    Format(
        ".mat",
        (".mat",),
        starts_with(HDF5_MARK, at=(512,)),
        scene="hdf5:MAT_V73.open_scene",
        array="hdf5:MAT_V73.read_array",
        several_arrays=True,
    ),
    _hdf5_product("emit"),
    _hdf5_product("prisma"),
    Format(
        HDF5_LABEL,
        (".h5", ".hdf5", ".he5", ".nc"),
        starts_with(HDF5_MARK),
        ("application/x-hdf5", "application/x-netcdf"),
        scene="hdf5:HDF5.open_scene",
        array="hdf5:HDF5.read_array",
        several_arrays=True,
    ),
    Format(
        "GeoTIFF",
        (".tif", ".tiff"),
        starts_with(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
        ("image/tiff",),
        scene="geotiff:open_geotiff",
    ),
    ENVI,
    DLR,
    ZARR,
    # Below are formats that files may be of by their name alone: those with marks come first.
    Format(
        ".mat",
        (".mat",),
        either(starts_with(b"MATLAB 5.0"), is_called(".mat")),  # version 4 has no mark
        ("application/x-matlab-data",),
        scene="matlab_v5:MAT_V5.open_scene",
        array="matlab_v5:MAT_V5.read_array",
        several_arrays=True,
    ),
    TABLE,
)
"""In the order in which a file is held against them."""


def format_of(path: Path) -> Format | None:
    """The format of a file by its first bytes, else by its name, and for products of sensors by what is in it; None
    when it is of none.

    Binaries of ENVI are of none: any bytes may be one.
    """
    with path.open("rb") as file:
        start = file.read(START_BYTES)
    return next((row for row in FORMATS if row.is_of(path, start)), None)


def listed_formats(rows: Iterable[Format]) -> str:
    """The formats in words, for errors and help.

    >>> listed_formats(row for row in FORMATS if row.several_arrays)
    '.npz, .mat, HDF5 (netCDF 4) or Zarr'
    """
    labels = list(dict.fromkeys(row.label for row in rows))
    return " or ".join(part for part in (", ".join(labels[:-1]), labels[-1]) if part)


IMAGE_FORMATS = listed_formats(row for row in FORMATS if row.holds_image)
MATRIX_FORMATS = listed_formats(row for row in FORMATS if row.holds_array(2))
MIXING_LIBRARY_FORMATS = listed_formats(row for row in FORMATS if row.holds_array(3))
VARIABLE_FORMATS = listed_formats(row for row in FORMATS if row.several_arrays)
