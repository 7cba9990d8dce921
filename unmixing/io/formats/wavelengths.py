"""Wavelengths in nanometres, whatever the header calls its unit."""

import re
from collections.abc import Sequence

import numpy as np

from unmixing.errors import SceneFormatError
from unmixing.types import Float64

NANOMETRES_PER_UNIT = {
    "nanometers": 1.0,
    "nanometer": 1.0,
    "nanometres": 1.0,
    "nm": 1.0,
    "micrometers": 1e3,
    "micrometer": 1e3,
    "micrometres": 1e3,
    "microns": 1e3,
    "micron": 1e3,
    "um": 1e3,
    "µm": 1e3,
    "μm": 1e3,
    "millimeters": 1e6,
    "mm": 1e6,
    "centimeters": 1e7,
    "cm": 1e7,
    "meters": 1e9,
    "m": 1e9,
    "angstroms": 0.1,
}
WAVENUMBERS = ("wavenumber", "wavenumbers", "cm-1", "1/cm")
UNSTATED = ("", "unknown", "none")

LARGEST_IN_MICROMETRES, LARGEST_IN_METRES = 100.0, 1e-4
"""Where no unit is stated, smaller numbers are micrometres, or even metres; larger ones nanometres."""

BAND_NUMBERS = "band numbers, no wavelengths"


def wavelengths_in_nm(values: Sequence[float], units: str | None) -> tuple[Float64 | None, str | None]:
    """The wavelengths in nanometres, and the unit they were taken to be in, in words for the report.

    (None, ...) where the unit is no length ("Index", "GHz"), and where bands are only numbered. Raises SceneFormatError
    on numbers that are no wavelengths.

    >>> wavelengths_in_nm([0.4, 2.5], None)
    (array([ 400., 2500.]), 'not stated, taken as micrometres')
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not (np.isfinite(numbers).all() and (numbers >= 0).all()):
        raise SceneFormatError("the wavelengths must be finite and not negative")
    stated = (units or "").strip()
    if stated.lower() in UNSTATED:
        if are_band_numbers(numbers):
            return None, BAND_NUMBERS
        largest = numbers.max(initial=0.0)
        guess, factor = ("metres", 1e9) if 0 < largest < LARGEST_IN_METRES else ("nanometres", 1.0)
        if LARGEST_IN_METRES <= largest < LARGEST_IN_MICROMETRES:
            guess, factor = "micrometres", 1e3
        return numbers * factor, f"not stated, taken as {guess}"
    if stated.lower() in WAVENUMBERS:
        if (numbers == 0).any():
            raise SceneFormatError("a wavenumber of zero is no wavelength")
        return 1e7 / numbers, stated
    known = NANOMETRES_PER_UNIT.get(stated.lower())
    return (None if known is None else numbers * known), stated


def widths_in_nm(widths: Sequence[float], values: Sequence[float], wavelengths_nm: Float64) -> list[float] | None:
    """Widths of bands in nanometres, which are in the unit of ``values``; None where that is no length.

    >>> widths_in_nm([0.01, 0.02], [0.4, 2.5], np.array([400.0, 2500.0]))
    [10.0, 20.0]
    """
    longest = int(np.argmax(values))
    factor = float(wavelengths_nm[longest] / values[longest]) if values[longest] > 0 else np.nan
    if not np.allclose(np.multiply(values, factor), wavelengths_nm, rtol=1e-6) or not np.isfinite(widths).all():
        return None
    return [round(factor * width, 6) for width in widths]


LARGEST_WIDTH = 0.5
"""Of a band of an imaging spectrometer, over its wavelength; those in another unit are a thousand times off."""


def stated_widths_in_nm(widths: Float64, unit: str | None, wavelengths_nm: Float64) -> list[float] | None:
    """Widths of bands in nanometres, from the unit that is stated, else nanometres or micrometres, whichever fits to
    the wavelengths; None for numbers that are no widths.

    >>> stated_widths_in_nm(np.array([8.5, 9.0]), "nm", np.array([400.0, 500.0]))
    [8.5, 9.0]
    >>> stated_widths_in_nm(np.array([0.0085, 0.009]), None, np.array([400.0, 500.0]))
    [8.5, 9.0]
    """
    factor = NANOMETRES_PER_UNIT.get((unit or "").strip().lower())
    if factor is None:
        factor = 1e3 if (1e3 * widths <= LARGEST_WIDTH * wavelengths_nm).all() else 1.0
    found = factor * widths
    if not (np.isfinite(found).all() and (found > 0).all() and (found <= LARGEST_WIDTH * wavelengths_nm).all()):
        return None
    return [round(float(width), 6) for width in found]


def are_band_numbers(values: Float64) -> bool:
    """Whether a list only counts: 1, 2, 3 and so on, or from 0.

    >>> are_band_numbers(np.arange(1.0, 200.0)), are_band_numbers(np.array([400.0, 410.0]))
    (True, False)
    """
    return len(values) > 2 and values[0] in (0, 1) and bool((np.diff(values) == 1).all())


def unit_in_title(title: str) -> str | None:
    """The unit that the title of a column names, None where it names none.

    >>> [unit_in_title(title) for title in ("wavelength_nm", "Wavelength (um)", "Wavenumber (cm-1)", "wavelength")]
    ['nm', 'um', 'cm-1', None]
    """
    if re.search(r"wave[ _]?number|cm *\^? *[-−⁻] *[1¹]|1 */ *cm", title, re.IGNORECASE):  # its cm are no centimetres
        return "cm-1"
    words = re.findall(r"[^\W\d_]+", title.lower())
    return next((word for word in reversed(words) if word in NANOMETRES_PER_UNIT), None)
