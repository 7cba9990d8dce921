"""Zip files, opened with care: what they claim is checked before it is believed."""

import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unmixing.errors import SceneFormatError
from unmixing.io.formats.damage import damage_reported

MAX_DIRECTORY_BYTES = 16 * 2**20
"""Of a zip's list of members, which ``zipfile`` reads into memory whole."""


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip file for reading. Whatever is wrong with it, inside the block too, becomes a SceneFormatError."""
    with damage_reported(f"{path.name} cannot be unpacked"):
        _require_small_directory(path)
        with zipfile.ZipFile(path) as archive:
            yield archive


def _require_small_directory(path: Path) -> None:
    """Look at the record at the end of the file (and its 64-bit twin) before ``zipfile`` follows it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 2**16 - 42))
        tail = file.read()
        end = tail.rfind(b"PK\x05\x06")
        if end < 0 or len(tail) < end + 22:
            raise SceneFormatError(f"{path.name} is a truncated zip file: its list of members is missing")
        (directory_bytes,) = struct.unpack_from("<I", tail, end + 12)
        locator = tail[max(0, end - 20) : end]
        if len(locator) == 20 and locator.startswith(b"PK\x06\x07"):
            file.seek(min(size, struct.unpack_from("<Q", locator, 8)[0]))
            record = file.read(56)
            directory_bytes = struct.unpack_from("<Q", record, 40)[0] if len(record) == 56 else size
    if directory_bytes > MAX_DIRECTORY_BYTES:
        raise SceneFormatError(f"{path.name}: its list of members takes {directory_bytes} bytes")
