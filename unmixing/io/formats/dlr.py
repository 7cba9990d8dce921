"""EnMAP and DESIS, level 2A: a GeoTIFF of all bands, and METADATA.XML, which says what they are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unmixing.errors import SceneFormatError
from unmixing.io.formats.dlr_metadata import Bands, read_bands
from unmixing.io.formats.geotiff import open_geotiff
from unmixing.io.formats.reader import SceneReader
from unmixing.io.formats.units import REFLECTANCE
from unmixing.screening.detectors import detector_overlap, turns
from unmixing.specs import InputSpec
from unmixing.types import Float64

NODATA = -32768.0
"""Of the numbers in the image, where its own header does not say it."""


def open_scene(files: Sequence[Path], asked: InputSpec, scratch: Path | None) -> SceneReader:
    """The scene of METADATA.XML and its image, in this order. Raises SceneFormatError unless their bands agree."""
    metadata, image = files
    bands = read_bands(metadata)
    opened = open_geotiff([image], asked, scratch)
    try:
        return _described(opened, bands, metadata)
    except BaseException:
        opened.close()
        raise


def _described(opened: SceneReader, bands: Bands, metadata: Path) -> SceneReader:
    n_bands = opened.shape[2]
    if len(bands.wavelengths_nm) != n_bands:
        raise SceneFormatError(
            f"{metadata.name} describes {len(bands.wavelengths_nm)} bands, {opened.source['files'][0]} has {n_bands}"
        )
    overlap = detector_overlap(bands.wavelengths_nm, bands.detectors or _detectors_by_order(bands.wavelengths_nm))
    source = {
        **opened.source, "format": f"{bands.sensor} L2A", "files": [metadata.name, *opened.source["files"]],
        "wavelength_units": "nm", "scale_stated": "GainOfBand", "unit": REFLECTANCE, "detector_overlap": overlap.said,
        "fwhm_nm": bands.widths_nm, **bands.acquired,
    }  # fmt: skip
    stored = opened.as_stored()
    nodata = NODATA if stored.nodata is None else stored.nodata
    told = stored.retold(wavelengths_nm=bands.wavelengths_nm, bad_bands=overlap.bad, nodata=nodata, source=source)
    return told.calibrated(bands.gains, bands.offsets)


def _detectors_by_order(wavelengths_nm: Float64) -> list[str]:
    """A detector ends where wavelengths fall back."""
    numbers = np.cumsum(np.isin(np.arange(len(wavelengths_nm)) - 1, turns(wavelengths_nm)))
    return [f"detector {number + 1}" for number in numbers]
