"""Corrections of an input, from the fields of a request and the files beside them."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unmixing.errors import SpecError
from unmixing.io.formats.text_tables import is_number
from unmixing.io.formats.wavelengths import unit_in_title, wavelengths_in_nm
from unmixing.io.inputs.input_kind import InputKind
from unmixing.io.inputs.requests import INPUT_FIELDS, refuse, validated
from unmixing.specs import InputSpec

MASK, WAVELENGTHS = "mask", "wavelengths"
CORRECTIONS = (MASK, WAVELENGTHS)
"""The fields of what is said of an input that hold files; the second may be a plain list instead."""

OF_ANY_KIND = frozenset({"variable", "acquired", "derived_from"})
"""Of fields that mixtures have too."""

MAX_BYTES = 2**20
"""Of a file of wavelengths."""


def input_spec(fields: Mapping[str, str], kind: InputKind, files: Mapping[str, Sequence[Path]]) -> InputSpec:
    """Corrections by the fields, and by the files of ``CORRECTIONS`` by field. Empty fields count as not given.

    Raises SpecError, also for what only an image has when the input is a mixture matrix.
    """
    named = {field: paths[0].name for field, paths in files.items() if paths}
    if kind is InputKind.MIXTURES:
        refuse({**fields, **named}, (INPUT_FIELDS | set(CORRECTIONS)) - OF_ANY_KIND, "an image", kind)
    for field, paths in files.items():
        if len(paths) > 1:
            raise SpecError(f"{field} is {len(paths)} files ({', '.join(path.name for path in paths)}); give one")
    given = {name: value for name in INPUT_FIELDS if (value := fields.get(name))}
    if files.get(WAVELENGTHS) and WAVELENGTHS in given:
        raise SpecError(f"wavelengths is a file ({named[WAVELENGTHS]}) and a list; give one of the two")
    asked = validated(InputSpec, given)
    found: dict[str, Any] = {MASK: str(files[MASK][0])} if files.get(MASK) else {}
    if files.get(WAVELENGTHS):
        found[WAVELENGTHS] = read_wavelengths(files[WAVELENGTHS][0])
    return asked.model_copy(update=found)


def input_document(asked: InputSpec) -> dict[str, Any]:
    """All that was said of an input, JSON-able; of a mask its file's name."""
    shown = asked.model_dump(mode="json")
    return shown | {MASK: None if asked.mask is None else Path(asked.mask).name}


def read_wavelengths(path: Path) -> tuple[float, ...]:
    """The wavelengths in a text file, in nanometres: a line or a column of numbers, or the column of a table whose
    title has to do with wavelengths. A unit in the title counts. Raises SpecError."""
    try:
        text = path.read_bytes()[: MAX_BYTES + 1].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(f"wavelengths: {path.name} is no text in UTF-8: {error}") from None
    if len(text) > MAX_BYTES:
        raise SpecError(f"wavelengths: {path.name} has more than {MAX_BYTES} bytes")
    lines = [re.split(r"\s*[,;\t]\s*|\s+", line.strip().rstrip(",;")) for line in text.splitlines() if line.strip()]
    header = lines.pop(0) if lines and not any(is_number(cell) for cell in lines[0]) else []
    if len(lines) == 1 and not header:
        lines = [[cell] for cell in lines[0]]
    column = _column(path.name, header, lines)
    try:
        numbers = [float(line[column]) for line in lines]
    except (ValueError, IndexError):
        raise SpecError(f"wavelengths: {path.name} has lines without a number in column {column + 1}") from None
    title = " ".join(header[column:] if len(lines[0]) == 1 else header[column : column + 1])
    found, _ = wavelengths_in_nm(numbers, unit_in_title(title))
    assert found is not None  # a unit of length, or none
    return tuple(found.tolist())


def _column(name: str, header: Sequence[str], lines: Sequence[Sequence[str]]) -> int:
    if not lines:
        raise SpecError(f"wavelengths: {name} has no number; give a line or a column of them")
    if len(lines[0]) == 1:
        return 0
    titled = [
        index for index, title in enumerate(header) if re.search(r"wave?len|^wl|lambda|nm\b|µm|um\b", title, re.I)
    ]
    if not titled:
        raise SpecError(
            f"wavelengths: {name} has {len(lines[0])} columns and none is called wavelength; give a line or a column"
        )
    return titled[0]
