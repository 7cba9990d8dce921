"""METADATA.XML of EnMAP's and DESIS's products: the bands of the image beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import parse

from unmixing.errors import SceneFormatError
from unmixing.io.formats.moments import stated_period
from unmixing.io.formats.wavelengths import stated_widths_in_nm
from unmixing.types import Float64

MAX_XML_BYTES = 64 * 2**20

BANDS = "bandcharacterisation"
WAVELENGTH, GAIN, OFFSET = "wavelengthcenterofband", "gainofband", "offsetofband"
WIDTHS = ("fwhmofband", "wavelengthwidthofband")
COVERAGE, BEGIN, END = "temporalcoverage", "starttime", ("stoptime", "endtime")
"""Names of elements, in lower case: EnMAP writes GainOfBand, DESIS gainOfBand."""

DETECTORS = ("vnir", "swir")


@dataclass(frozen=True, eq=False)
class Bands:
    """The bands of an image in its order: (n_bands,) each. detectors: by name, None where there is one, or none is
    named. sensor: EnMAP or DESIS. widths_nm: None where they are not stated. acquired: when, as
    a fact of the scene."""

    sensor: str
    wavelengths_nm: Float64
    gains: Float64
    offsets: Float64
    detectors: Sequence[str] | None
    widths_nm: Sequence[float] | None
    acquired: Mapping[str, str]


def is_product(path: Path) -> bool:
    """Whether an XML file describes bands as EnMAP's and DESIS's do; one that cannot be read may."""
    try:
        return next(_named(_root(path), BANDS), None) is not None
    except SceneFormatError:
        return True


def read_bands(path: Path) -> Bands:
    """The bands in a METADATA.XML. Raises SceneFormatError."""
    root = _root(path)
    table = next(_named(root, BANDS), None)
    bands = [] if table is None else [band for band in table if _name(band) in ("bandid", "band")]
    if not bands:
        raise SceneFormatError(f"{path.name} describes no bands: bandCharacterisation is missing or empty")
    numbers = partial(_numbers, bands, path.name)
    wavelengths, gains, offsets = numbers(WAVELENGTH), numbers(GAIN), numbers(OFFSET)
    if (wavelengths <= 0).any():
        raise SceneFormatError(f"{path.name}: every wavelengthCenterOfBand must be positive")
    sensor = "EnMAP" if _name(bands[0]) == "bandid" else "DESIS"
    return Bands(
        sensor, wavelengths, gains, offsets, _detectors(root, len(bands)), _widths(bands, wavelengths), _acquired(root)
    )


def _root(path: Path) -> Element:
    """The document, in which nothing is expanded and which names no other file. Raises SceneFormatError."""
    if (size := path.stat().st_size) > MAX_XML_BYTES:
        raise SceneFormatError(f"{path.name} has {size} bytes; {MAX_XML_BYTES} are allowed")
    try:
        root: Element = parse(path, forbid_dtd=True).getroot()
    except DefusedXmlException as error:
        raise SceneFormatError(f"{path.name} declares entities or a document type, which are never read") from error
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise SceneFormatError(f"{path.name} is no XML that can be read: {error}") from error
    return root


def _name(element: Element) -> str:
    """Without its namespace, in lower case."""
    return str(element.tag).rpartition("}")[2].lower()


def _named(root: Element, name: str) -> Iterator[Element]:
    return (element for element in root.iter() if _name(element) == name)


def _numbers(bands: Sequence[Element], file_name: str, name: str) -> Float64:
    """The number that each band has under a name. Raises SceneFormatError that names the band without one."""
    values = []
    for number, band in enumerate(bands, start=1):
        text = next((child.text for child in band if _name(child) == name), None)
        try:
            value = float(text or "")
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            raise SceneFormatError(f"{file_name}: {name} of band {number} is {text or 'missing'}, which is no number")
        values.append(value)
    return np.array(values)


def _widths(bands: Sequence[Element], wavelengths_nm: Float64) -> Sequence[float] | None:
    """The width that each band has, None unless all of them have one."""
    texts = [next((child.text for child in band if _name(child) in WIDTHS), None) for band in bands]
    try:
        widths = np.array([float(text or "") for text in texts])
    except ValueError:
        return None
    return stated_widths_in_nm(widths, "nm", wavelengths_nm)


def _acquired(root: Element) -> Mapping[str, str]:
    """When the scene was taken, as ``stated_period`` has it."""
    coverage = next(_named(root, COVERAGE), None)
    if coverage is None:
        return {}
    begin, end = (next((child.text for child in coverage if _name(child) in names), None) for names in ((BEGIN,), END))
    return stated_period(begin, end)


def _detectors(root: Element, n_bands: int) -> Sequence[str] | None:
    """From the lists of channels of each detector, counted from 1, where these name every band once."""
    names: list[str | None] = [None] * n_bands
    for detector in DETECTORS:
        quality = next(_named(root, f"{detector}productquality"), None)
        listed = None if quality is None else next(_named(quality, "expectedchannelslist"), None)
        for text in (listed.text or "").split(",") if listed is not None else ():
            if text.strip().isdecimal() and 1 <= int(text) <= n_bands and names[int(text) - 1] is None:
                names[int(text) - 1] = detector.upper()
    return [name for name in names if name] if all(names) else None
