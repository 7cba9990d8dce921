"""The spectra of the endmembers as a table."""

import csv
from pathlib import Path

import numpy as np

from unmixing.io.products.result import ImageResult


def write_endmembers(path: Path, result: ImageResult) -> None:
    """One row per band: its wavelength, or its index from 0 where none is known, then one column per
    endmember, in the units of the image. The cell is empty where the band was dropped."""
    spectra, wavelengths_nm = result.unmixing.spectra, result.info.wavelengths_nm
    bands = range(spectra.shape[1]) if wavelengths_nm is None else wavelengths_nm.tolist()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["band" if wavelengths_nm is None else "wavelength_nm", *result.unmixing.endmember_names])
        for band, values in zip(bands, spectra.T, strict=True):
            writer.writerow([band, *("" if np.isnan(value) else f"{value:.9g}" for value in values)])
