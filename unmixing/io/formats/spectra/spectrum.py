"""Contents and spectra: what every reader here takes and gives, and the steps that several share."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from unmixing.errors import LibraryFormatError
from unmixing.types import Float64

MAX_NAME_LENGTH = 200


@dataclass(frozen=True)
class Content:
    """A file of spectra in memory, or a member of a zip file. name: without its folder."""

    name: str
    data: bytes

    @property
    def stem(self) -> str:
        """The name without any ending."""
        return PurePosixPath(self.name).name.split(".")[0] or self.name

    @property
    def suffix(self) -> str:
        """The ending, in lower case."""
        return PurePosixPath(self.name).suffix.lower()

    def lines(self) -> list[str]:
        """Of a text as instruments on Windows write it, without its line ends and byte order mark."""
        data = self.data.removeprefix(b"\xef\xbb\xbf")
        return [line.rstrip() for line in data.decode("latin-1").splitlines()]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """One measurement. wavelengths_nm: (bands,), None where bands are only counted. values: (bands,), reflectance of 0
    to 1 where the format says what it is; NaN where nothing was measured. file: what it was read from."""

    name: str
    file: str
    wavelengths_nm: Float64 | None
    values: Float64


def header_fields(lines: list[str]) -> Mapping[str, str]:
    """The lines of the form ``key: value``, keys in lower case; the first of a key counts."""
    fields: dict[str, str] = {}
    for line in lines:
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip().lower(), value.strip())
    return fields


def number_rows(name: str, lines: list[str], n_columns: int) -> list[list[float]]:
    """The numbers of all lines that are not empty, ``n_columns`` each. Raises LibraryFormatError."""
    rows: list[list[float]] = []
    for line in lines:
        cells = line.split()
        if not cells:
            continue
        try:
            numbers = [float(cell) for cell in cells]
        except ValueError:
            raise LibraryFormatError(f"{name}: {line[:60]!r} stands where numbers are expected") from None
        if len(numbers) != n_columns:
            raise LibraryFormatError(f"{name}: {line[:60]!r} has {len(numbers)} numbers, {n_columns} are expected")
        rows.append(numbers)
    if not rows:
        raise LibraryFormatError(f"{name} has no value below its header")
    return rows


def shown_name(*candidates: str) -> str:
    """The first of some free texts that says anything, on one line and no longer than names may be.

    >>> shown_name("", " dry  soil, site\\t3 ")
    'dry soil, site 3'
    """
    shown = (" ".join("".join(c if c.isprintable() else " " for c in text).split()) for text in candidates)
    return next((text[:MAX_NAME_LENGTH].strip() for text in shown if text), "")


def require_reflectance(name: str, quantity: str) -> None:
    """Raises LibraryFormatError for a quantity that is named and is something else, as transmittance or emissivity."""
    if quantity and "reflect" not in quantity.lower():
        raise LibraryFormatError(f"{name} holds {quantity.lower()}; endmembers are spectra of reflectance")
