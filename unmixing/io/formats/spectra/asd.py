"""ASD FieldSpec's binary ``.asd`` ("ASD File Format, Version 8, Revision B"): a header of 484 bytes, the spectrum, and
since the second version the white reference."""

import struct
from collections.abc import Sequence

import numpy as np

from unmixing.errors import LibraryFormatError
from unmixing.io.formats.spectra.spectrum import Content, Spectrum, shown_name
from unmixing.types import Float64

HEADER_BYTES = 484
WITHOUT_REFERENCE = (b"ASD", b"asd")
"""The first version; then come as2 to as8."""

MARKS = (*WITHOUT_REFERENCE, b"as2", b"as3", b"as4", b"as5", b"as6", b"as7", b"as8")
COMMENT = slice(3, 160)
DATA_TYPE, FIRST_WAVELENGTH, DATA_FORMAT, N_CHANNELS = 186, 191, 199, 204
"""Where in the header the fields lie; the step of the wavelengths follows the first of them."""

NUMBERS = {0: "<f4", 1: "<i4", 2: "<f8"}
RAW, REFLECTANCE, RADIANCE = 0, 1, 2
KINDS = ("raw counts", "reflectance", "radiance", "no unit", "irradiance", "a quality index", "transmittance")
REFERENCE_HEADER = struct.Struct("<hdd")
"""A flag, and when reference and spectrum were taken; then a text with its length before it."""

LARGEST_REFLECTANCE = 10.0
"""Beyond it numbers are counts, whatever their type says."""


def is_asd(content: Content) -> bool:
    """Whether a file has one of the marks of the format, and is called so or no text."""
    return content.data.startswith(MARKS) and (content.suffix == ".asd" or b"\0" in content.data[:HEADER_BYTES])


def read_asd(contents: Sequence[Content]) -> list[Spectrum]:
    """A spectrum per file: reflectance is the spectrum over the white reference that lies in the same file, or, without
    one, the spectrum itself where its type is reflectance. Raises LibraryFormatError."""
    return [_read(content) for content in contents]


def _read(content: Content) -> Spectrum:
    data, name = content.data, content.name
    if len(data) < HEADER_BYTES:
        raise LibraryFormatError(f"{name} has {len(data)} bytes, the header of an .asd file has {HEADER_BYTES}")
    first, step = struct.unpack_from("<ff", data, FIRST_WAVELENGTH)
    (n_channels,) = struct.unpack_from("<H", data, N_CHANNELS)
    if data[DATA_FORMAT] not in NUMBERS or not (first > 0 and step > 0) or n_channels < 2:
        raise LibraryFormatError(
            f"{name} is no .asd file that can be read: {n_channels} channels from {first:g} nm in steps of {step:g} "
            f"nm, in numbers of format {data[DATA_FORMAT]}"
        )
    wavelengths = float(first) + float(step) * np.arange(n_channels)
    spectrum, end = _numbers(content, HEADER_BYTES, n_channels)
    description, reference = _reference(content, end, n_channels)
    values = _reflectance(content, spectrum, reference)
    comment = data[COMMENT].split(b"\0")[0].decode("latin-1")
    return Spectrum(shown_name(description, comment, content.stem), name, wavelengths, values)


def _numbers(content: Content, start: int, n_channels: int) -> tuple[Float64, int]:
    """The values from ``start`` on, and where they end."""
    dtype = np.dtype(NUMBERS[content.data[DATA_FORMAT]])
    end = start + n_channels * dtype.itemsize
    if len(content.data) < end:
        raise LibraryFormatError(
            f"{content.name} has {len(content.data)} bytes; {n_channels} channels end at byte {end}: it is cut off"
        )
    return np.frombuffer(content.data, dtype, n_channels, start).astype(np.float64), end


def _reference(content: Content, start: int, n_channels: int) -> tuple[str, Float64 | None]:
    """The description of the spectrum and the white reference, None where none was taken."""
    data = content.data
    if data.startswith(WITHOUT_REFERENCE):
        return "", None
    length_at = start + REFERENCE_HEADER.size
    if len(data) < length_at + 2:
        raise LibraryFormatError(f"{content.name} has {len(data)} bytes and ends before its white reference")
    flag, _, _ = REFERENCE_HEADER.unpack_from(data, start)
    (length,) = struct.unpack_from("<H", data, length_at)
    text_end = length_at + 2 + length
    description = data[length_at + 2 : text_end].decode("latin-1")
    return description, _numbers(content, text_end, n_channels)[0] if flag else None


def _reflectance(content: Content, spectrum: Float64, reference: Float64 | None) -> Float64:
    """Spectrum and reference are of one exposure and one gain, so that their quotient needs neither."""
    kind = content.data[DATA_TYPE]
    words = KINDS[kind] if kind < len(KINDS) else f"data of type {kind}"
    if kind not in (RAW, REFLECTANCE, RADIANCE):
        raise LibraryFormatError(f"{content.name} holds {words}; endmembers are spectra of reflectance")
    if reference is not None:
        return spectrum / np.where(reference > 0, reference, np.nan)
    if kind != REFLECTANCE or np.abs(spectrum).max() > LARGEST_REFLECTANCE:
        raise LibraryFormatError(
            f"{content.name} holds {words} up to {spectrum.max():g} without a white reference, so that its "
            "reflectance is not known; export it as reflectance"
        )
    return spectrum
