"""The files of a result."""

import csv
from pathlib import Path

import numpy as np

from unmixing.io.products.cog import write_cog
from unmixing.io.products.quicklook import write_quicklook
from unmixing.types import Cube, Float64, Unmixing

COG = "image/tiff; application=geotiff; profile=cloud-optimized"

MEDIA_TYPES = {
    "abundances.tif": COG,
    "abundances.npy": "application/x-npy",
    "brightness.npy": "application/x-npy",
    "endmembers.csv": "text/csv",
    "model.onnx": "application/onnx",
    "quicklook.png": "image/png",
    "uncertainty.tif": COG,
    "uncertainty.npy": "application/x-npy",
}


def write_products(folder: Path, unmixing: Unmixing, cube: Cube) -> dict[str, str]:
    """Write every product of ``unmixing`` into an existing, empty ``folder``; returns name -> media type.

    ``model.onnx`` and the uncertainty are there only when the method has them. A failure leaves an incomplete
    folder: its owner throws it away.
    """
    maps = {"abundances": unmixing.abundances, "uncertainty": unmixing.uncertainty}
    for name, values in maps.items():
        if values is not None:
            write_cog(folder / f"{name}.tif", values, unmixing.endmember_names, cube.georeference)
            np.save(folder / f"{name}.npy", np.asarray(values, np.float32), allow_pickle=False)
    np.save(folder / "brightness.npy", np.asarray(unmixing.brightness, np.float32), allow_pickle=False)
    write_endmembers(folder / "endmembers.csv", unmixing, cube.wavelengths_nm)
    if unmixing.model is not None:
        (folder / "model.onnx").write_bytes(unmixing.model.onnx)
    write_quicklook(folder / "quicklook.png", unmixing, cube)
    return media_types_in(folder)


def media_types_in(folder: Path) -> dict[str, str]:
    """Name -> media type of the products that lie in ``folder``."""
    return {name: kind for name, kind in MEDIA_TYPES.items() if (folder / name).exists()}


def write_endmembers(path: Path, unmixing: Unmixing, wavelengths_nm: Float64 | None) -> None:
    """One row per band: its wavelength, or its index from 0 where none is known, then one column per
    endmember. The cell is empty where the band was dropped."""
    bands = range(unmixing.endmembers.shape[1]) if wavelengths_nm is None else wavelengths_nm.tolist()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["band" if wavelengths_nm is None else "wavelength_nm", *unmixing.endmember_names])
        for band, spectrum_values in zip(bands, unmixing.endmembers.T, strict=True):
            writer.writerow([band, *("" if np.isnan(value) else f"{value:.9g}" for value in spectrum_values)])
