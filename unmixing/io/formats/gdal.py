"""GDAL through rasterio, kept on a short lead: named drivers only, and no file but the one that was asked for."""

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import rasterio
from rasterio.crs import CRS
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError

from unmixing.errors import SceneFormatError
from unmixing.types import Georeference

SAFE_OPTIONS = {
    # .ovr, .msk, .aux.xml, .tfw and their kin can name other files, or change what the numbers mean
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_CACHEMAX": 64 * 2**20,
}

_filters = threading.Lock()


@contextmanager
def safe_gdal(file_name: str) -> Iterator[None]:
    """GDAL's errors inside become SceneFormatError, naming the file. Options are per thread: enter for each use."""
    try:
        with rasterio.Env(**SAFE_OPTIONS):
            yield
    except RasterioError as error:
        reason = re.sub(r"/\S*/", "", str(error.__cause__ or error))  # where our folders lie is nobody's business
        raise SceneFormatError(f"{file_name} is damaged or truncated: {reason}") from error


@contextmanager
def georeference_optional() -> Iterator[None]:
    """A scene without a place on Earth is no reason for rasterio to warn. (Filters are global, hence the
    lock.)"""
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def georeference_of(dataset: rasterio.DatasetReader) -> Georeference | None:
    """Where the pixels lie; None when the file does not say."""
    try:
        crs_wkt = dataset.crs.to_wkt() if dataset.crs else None
    except CRSError:
        crs_wkt = None
    transform = dataset.transform
    if crs_wkt is None and transform.is_identity:
        return None
    a, b, c, d, e, f = (float(value) for value in transform[:6])
    return Georeference(crs_wkt, (a, b, c, d, e, f))


def epsg_wkt(code: int) -> str:
    """A CRS by its number. Raises SceneFormatError for one that there is not."""
    return crs_wkt(f"EPSG:{code}")


def crs_wkt(text: str) -> str:
    """A CRS as WKT, from WKT or ``EPSG:`` and its number alone: GDAL itself would take files and addresses too.

    Raises SceneFormatError for anything else.
    """
    stated = text.strip()
    try:
        if re.fullmatch(r"EPSG:\d{1,6}", stated, re.IGNORECASE):
            return str(CRS.from_epsg(int(stated[5:])).to_wkt())
        if re.match(r"[A-Z_]+\[", stated, re.IGNORECASE):
            return str(CRS.from_wkt(stated).to_wkt())
    except CRSError as error:
        raise SceneFormatError(f"{stated[:80]!r} is no CRS: {error}") from error
    raise SceneFormatError(f"{stated[:80]!r} is no CRS; it has to be WKT, or EPSG: and a number")
