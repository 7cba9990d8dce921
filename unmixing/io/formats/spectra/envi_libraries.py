"""ENVI's spectral libraries: a ``.sli`` with its header."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unmixing.errors import LibraryFormatError
from unmixing.io.formats.envi import layout_of, require_size
from unmixing.io.formats.envi_header import number, numbers, read_envi_header
from unmixing.io.formats.spectra.spectrum import Spectrum
from unmixing.io.formats.wavelengths import wavelengths_in_nm


def read_envi_library(pair: Sequence[Path]) -> list[Spectrum]:
    """The spectra of a header and its binary, by their names there. Raises LibraryFormatError and SceneFormatError."""
    header, binary = pair
    fields = read_envi_header(header)
    contents = fields.get("file type", "")
    if "spectral library" not in contents.lower():
        raise LibraryFormatError(f"{header.name} describes {contents or 'a scene'!r}, not a spectral library")
    layout = layout_of(fields, header.name)
    n_spectra, n_bands, depth = layout.shape
    if depth != 1:
        raise LibraryFormatError(f"{header.name}: a spectral library has 1 band of lines and samples, not {depth}")
    require_size(layout, header, binary)
    stored = np.fromfile(binary, dtype=layout.dtype, offset=layout.offset).reshape(n_spectra, n_bands)
    spectra = stored.astype(np.float64)
    nodata = number(fields, "data ignore value", header.name)
    if nodata is not None:
        spectra[stored == nodata] = np.nan
    wavelengths = None
    if "wavelength" in fields:
        listed = numbers(fields["wavelength"], "wavelength", header.name, n_bands)
        wavelengths, _ = wavelengths_in_nm(listed, fields.get("wavelength units"))
    factor = number(fields, "reflectance scale factor", header.name)
    factor = 1.0 if factor is None else factor
    if not (np.isfinite(factor) and factor > 0):
        raise LibraryFormatError(f"{header.name}: reflectance scale factor must be positive, it is {factor:g}")
    names = fields["spectra names"].split(",") if fields.get("spectra names") else [""] * n_spectra
    if len(names) != n_spectra:
        raise LibraryFormatError(f"{header.name} has {len(names)} names for {n_spectra} spectra")
    return [Spectrum(name, header.name, wavelengths, row / factor) for name, row in zip(names, spectra, strict=True)]
