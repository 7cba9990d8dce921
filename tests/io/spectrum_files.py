"""Field spectra in the layouts that are published, as small files."""

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np

ECOSTRESS = """Name: {name}
Type: vegetation
Class: Tree
Genus: Quercus
Species: douglasii
Sample No.: VH282
Owner: UCSB
Wavelength Range: VSWIR
Origin: Santa Barbara; 34.4 N, 119.8 W
Collection Date: N/A
Description: Leaves, fresh.
Measurement: {measurement}
First Column: X
Second Column: Y
X Units: {x_units}
Y Units: {y_units}
First X Value: {first:.4f}
Last X Value: {last:.4f}
Number of X Values: {count}
Additional Information: vegetation.tree.quercus.douglasii.ancillary.txt

"""

NUMBERS = {"f": "<f4", "i": "<i4", "d": "<f8"}

SED = """Comment: {comment}
Version: 2.3 [1.2.6947C]
File Name: C:\\Samples\\{name}.sed
Instrument: PSR+3500_SN19160B9 [3]
Detectors: 512,256,256
Measurement: {measurement}
Date: 01/29/2026,01/29/2026
Time: 15:34:22,15:34:38
Temperature (C): 27.26,8.81,-5.44,27.34,8.81,-5.44
Averages: 10,10
Integration: 20,50,30,20,50,30
Foreoptic: LENS4  {{RADIANCE}}, LENS4  {{RADIANCE}}
Units: W/m^2/sr/nm
Wavelength Range: 350,2500
Channels: {count}
Columns [{n_columns}]:
Data:
"""


def ecostress(
    wavelengths_um: Sequence[float], values: Sequence[float], name: str = "Quercus douglasii", **changes: str
) -> bytes:
    """Percent and micrometres, from long wavelengths to short ones where those of the library are."""
    said = {
        "x_units": "Wavelength (micrometers)",
        "y_units": "Reflectance (percent)",
        "measurement": "Bidirectional reflectance",
        "count": str(len(values)),
    } | changes
    head = ECOSTRESS.format(name=name, first=wavelengths_um[0], last=wavelengths_um[-1], **said)
    rows = [f" {x:.9f}\t {y:.7f}" for x, y in zip(wavelengths_um, values, strict=True)]
    return (head + "\r\n".join(rows) + "\r\n").encode("latin-1")


def sed(
    columns: dict[str, Sequence[float]], comment: str = "", measurement: str = "REFLECTANCE", count: int = 0
) -> bytes:
    """Titles and values between tabs; ``Wvl`` in nanometres."""
    n_rows = len(next(iter(columns.values())))
    head = SED.format(
        comment=comment, name="19160B9_00001", measurement=measurement, count=count or n_rows, n_columns=len(columns)
    )
    rows = [
        "\t".join(columns),
        *("\t".join(f" {cell:.7f}" for cell in row) for row in zip(*columns.values(), strict=True)),
    ]
    return (head + "\n".join(rows) + "\n").encode("latin-1")


def usgs(title: str, values: Sequence[float], record: int = 108, library: str = "splib07a") -> bytes:
    """A file of the USGS library 7: of a spectrum, or of wavelengths."""
    return (f" {library} Record={record}: {title}\n" + "".join(f" {value: .7E}\n" for value in values)).encode()


def asd(
    spectrum: Sequence[float],
    reference: Sequence[float] | None = None,
    *,
    version: bytes = b"as8",
    kind: int = 1,
    first_nm: float = 400.0,
    step_nm: float = 100.0,
    number: str = "d",
    comment: str = "",
    description: str = "",
) -> bytes:
    """By "ASD File Format, Version 8, Revision B"."""
    header = bytearray(484)
    header[0:3] = version
    header[3 : 3 + len(comment)] = comment.encode("latin-1")
    header[186], header[199] = kind, {"f": 0, "i": 1, "d": 2}[number]
    struct.pack_into("<ff", header, 191, first_nm, step_nm)
    struct.pack_into("<H", header, 204, len(spectrum))
    body = np.asarray(spectrum, dtype=NUMBERS[number]).tobytes()
    if version.lower() == b"asd":
        return bytes(header) + body
    text = description.encode("latin-1")
    flag = 0 if reference is None else -1
    white = np.zeros(len(spectrum)) if reference is None else np.asarray(reference)
    tail = struct.pack("<hdd", flag, 45000.0, 45000.5) + struct.pack("<H", len(text)) + text
    return bytes(header) + body + tail + white.astype(NUMBERS[number]).tobytes()


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()
