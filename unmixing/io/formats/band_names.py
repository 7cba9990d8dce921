"""Wavelengths from the names and descriptions of bands: numbers with a unit, or the bands of a known sensor."""

import re
from collections.abc import Mapping, Sequence

from unmixing.io.formats.wavelengths import NANOMETRES_PER_UNIT, wavelengths_in_nm
from unmixing.types import Float64

SENTINEL_2 = {
    "B1": 442.7, "B2": 492.7, "B3": 559.8, "B4": 664.6, "B5": 704.1, "B6": 740.5, "B7": 782.8, "B8": 832.8,
    "B8A": 864.7, "B9": 945.1, "B10": 1373.5, "B11": 1613.7, "B12": 2202.4,
}  # fmt: skip
LANDSAT_8 = {"B1": 443.0, "B2": 482.0, "B3": 561.4, "B4": 654.6, "B5": 864.7, "B6": 1608.9, "B7": 2200.7, "B8": 589.5,
             "B9": 1373.4, "B10": 10895.0, "B11": 12005.0}  # fmt: skip
LANDSAT_5 = {"B1": 485.0, "B2": 560.0, "B3": 660.0, "B4": 830.0, "B5": 1650.0, "B6": 11450.0, "B7": 2220.0}
"""Centres of the bands in nanometres: of Sentinel-2A, of Landsat 8 and 9, of Landsat 4, 5 and 7."""

SENSORS = {
    "sentinel-2": SENTINEL_2, "sentinel2": SENTINEL_2, "s2a": SENTINEL_2, "s2b": SENTINEL_2, "s2c": SENTINEL_2,
    "landsat 8": LANDSAT_8, "landsat-8": LANDSAT_8, "landsat_8": LANDSAT_8, "landsat 9": LANDSAT_8,
    "landsat-9": LANDSAT_8, "landsat_9": LANDSAT_8, "lc08": LANDSAT_8, "lc09": LANDSAT_8, "landsat-5": LANDSAT_5,
    "landsat_5": LANDSAT_5, "landsat 5": LANDSAT_5, "lt05": LANDSAT_5, "landsat-7": LANDSAT_5, "landsat_7": LANDSAT_5,
    "landsat 7": LANDSAT_5, "le07": LANDSAT_5,
}  # fmt: skip
"""Sensors by the words that name them in a file's tags."""

_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zµμ]+)", re.I)
_KEYED = re.compile(r"wave\s*length\w*\s*[:=]?\s*(\d+(?:\.\d+)?)", re.I)
_BAND = re.compile(r"(?:(sr|st|toa)_)?b(?:and)?[ _]?(0?\d{1,2}a?)", re.I)


def wavelengths_of_names(names: Sequence[str | None], tags: Mapping[str, str]) -> tuple[Float64 | None, str | None]:
    """The wavelengths that the names of all bands say, and how; (None, None) unless every one does.

    tags: of the whole file, which may name the sensor.

    >>> wavelengths_of_names(["Band 1 (0.55 um)", "Band 2 (0.66 um)"], {})
    (array([550., 660.]), 'um, from the descriptions of the bands')
    >>> wavelengths_of_names(["B02", "B8A"], {})[1]
    'nm, the bands of Sentinel-2'
    """
    texts = [name or "" for name in names]
    stated = [_length(text) for text in texts]
    units = {unit for _, unit in stated}
    if all(value > 0 for value, _ in stated) and len(units) == 1:
        found, said = wavelengths_in_nm([value for value, _ in stated], units.pop())
        return found, f"{said}, from the descriptions of the bands"
    return _of_a_sensor(texts, tags)


def _length(text: str) -> tuple[float, str | None]:
    """A number and its unit of length, (0, None) without one; without a unit only after the word wavelength."""
    for number, unit in _LENGTH.findall(text):
        if unit.lower() in NANOMETRES_PER_UNIT and unit.lower() not in ("m", "cm", "mm"):
            return float(number), unit.lower()
    keyed = _KEYED.search(text)
    return (float(keyed[1]), None) if keyed else (0.0, None)


def _of_a_sensor(texts: Sequence[str], tags: Mapping[str, str]) -> tuple[Float64 | None, str | None]:
    parts = [_BAND.fullmatch(text.strip()) for text in texts]
    if not parts or not all(parts):
        return None, None
    numbers = ["B" + part[2].lstrip("0").upper() for part in parts if part]
    centres = _sensor(texts, tags)
    if centres is None or not set(numbers) <= set(centres):
        return None, None
    found, _ = wavelengths_in_nm([centres[number] for number in numbers], "nm")
    names = {id(SENTINEL_2): "Sentinel-2", id(LANDSAT_8): "Landsat 8 and 9", id(LANDSAT_5): "Landsat 4, 5 and 7"}
    return found, f"nm, the bands of {names[id(centres)]}"


def _sensor(texts: Sequence[str], tags: Mapping[str, str]) -> Mapping[str, float] | None:
    """The sensor that the file names, or the one that alone names its bands so: ``B02`` and ``B8A`` are Sentinel-2's,
    ``SR_B6`` Landsat 8's. Plain ``B2`` may be either's."""
    named = [centres for word, centres in SENSORS.items() if any(word in text.lower() for text in tags.values())]
    if named:
        return named[0] if all(centres is named[0] for centres in named) else None
    upper = [text.strip().upper() for text in texts]
    if all(text.startswith("SR_B") for text in upper):
        return LANDSAT_8 if "SR_B6" in upper else None
    return SENTINEL_2 if "B8A" in upper or any(re.fullmatch(r"B0\d", text) for text in upper) else None
