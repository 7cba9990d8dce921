"""The tags of a MATLAB 5 file, looked at before SciPy is: it takes a type of numbers that it does not know for an
address, and crashes."""

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from unmixing.errors import SceneFormatError

HEADER_BYTES, ORDERS = 128, {b"IM": "<", b"MI": ">"}
MATRIX, COMPRESSED = 14, 15
NUMERIC = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 12, 13})
"""Types of numbers."""

KNOWN = NUMERIC | {MATRIX, 16, 17, 18}
"""All that may stand in a matrix: numbers, matrices in cells and structs, texts."""

SPARSE, LAST_CLASS = 5, 15
"""From the one to the other the classes hold numbers alone; those before are cells, structs, objects and texts."""

MAX_NESTING = 32
COMPRESSED_START = 1 << 16
"""So much of a compressed variable is looked at: the tags of an array of real numbers stand at its beginning."""


@dataclass(frozen=True)
class _Tag:
    """The beginning of an element. place: of its numbers. following: of the next element."""

    kind: int
    place: int
    following: int


def require_known_types(path: Path) -> None:
    """Raises SceneFormatError for a variable with a type of numbers that there is not. Version 4 has no tags."""
    with path.open("rb") as file:
        order = ORDERS.get(file.read(HEADER_BYTES)[-2:])
        while order is not None and (tag := _tag(file, order)) is not None:
            if tag.kind == MATRIX:
                _check_matrix(file, order, tag.following, path.name)
            elif tag.kind == COMPRESSED:
                packed = file.read(min(tag.following - tag.place, COMPRESSED_START))
                _check_start(zlib.decompressobj().decompress(packed, COMPRESSED_START), order, path.name)
            file.seek(tag.following)


def _check_start(start: bytes, order: str, name: str) -> None:
    inside = io.BytesIO(start)
    tag = _tag(inside, order)
    if tag is not None and tag.kind == MATRIX:
        _check_matrix(inside, order, min(len(start), tag.following), name)


def _check_matrix(file: IO[bytes], order: str, end: int, name: str, depth: int = 0) -> None:
    """Look at all tags between here and ``end``."""
    allowed, is_flags = KNOWN, True
    while file.tell() < end and (tag := _tag(file, order)) is not None:
        if tag.kind not in allowed or depth > MAX_NESTING:
            raise SceneFormatError(f"{name} is damaged: the type {tag.kind} in it is none of numbers")
        if is_flags and SPARSE <= _class(file.read(4), order) <= LAST_CLASS:
            allowed = NUMERIC
        is_flags = False
        if tag.kind == MATRIX:
            _check_matrix(file, order, min(end, tag.following), name, depth + 1)
        file.seek(tag.following)


def _class(flags: bytes, order: str) -> int:
    """The class of a matrix: the lowest byte of its flags."""
    return 0 if len(flags) < 4 else int(struct.unpack(f"{order}I", flags)[0]) & 0xFF


def _tag(file: IO[bytes], order: str) -> _Tag | None:
    """The tag that begins here; None at the end. Small elements have their numbers in it."""
    start, word = file.tell(), file.read(8)
    if len(word) < 8:
        return None
    kind, n_bytes = struct.unpack(f"{order}II", word)
    if kind > 0xFFFF:
        file.seek(start + 4)
        return _Tag(kind & 0xFFFF, start + 4, start + 8)
    length = n_bytes if kind in (MATRIX, COMPRESSED) else -(-n_bytes // 8) * 8
    return _Tag(kind, start + 8, start + 8 + length)
