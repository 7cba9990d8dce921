"""NumPy's ``.npy`` and ``.npz``: mapped into memory, never unpickled."""

import io
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal, cast

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from unmixing.errors import SceneFormatError
from unmixing.io.formats.archives import open_archive
from unmixing.io.formats.damage import damage_told
from unmixing.io.formats.reader import ArrayHeader, ArrayRows, SceneFacts, SceneReader, require_plausible_size
from unmixing.io.formats.variables import (
    CUBE,
    SCALE,
    WAVELENGTHS,
    choose_variable,
    companion_facts,
    no_cube,
    require_companion,
    require_cube,
)

HEADER_READERS = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}
LENGTH_FIELDS = {(1, 0): "<H", (2, 0): "<I"}
"""How each version of the format states the length of its header."""

MAX_HEADER_BYTES = 2**16
"""NumPy itself writes up to a few hundred, and reads none above 10,000; but it would first load them all."""


def open_npy(path: Path) -> SceneReader:
    """A cube saved by ``numpy.save``. Raises SceneFormatError unless the header fits the file to the byte."""
    with path.open("rb") as file:
        header, order = read_npy_header(file, path.name)
        offset = file.tell()
    shape = require_cube(header, path.name)
    require_size(path.name, header, offset, path.stat().st_size)

    def load() -> NDArray[Any]:
        return np.memmap(path, dtype=header.dtype, mode="r", offset=offset, shape=shape, order=order)

    facts = SceneFacts(source={"format": "npy", "files": [path.name], "dtype": str(header.dtype)})
    return SceneReader(ArrayRows(shape, header.dtype, load), facts)


def read_npy_header(file: IO[bytes], name: str) -> tuple[ArrayHeader, Literal["C", "F"]]:
    """Shape, type and memory order, leaving ``file`` at the first number. Raises SceneFormatError."""
    with damage_told(f"{name} has no valid .npy header"):
        version = npy_format.read_magic(file)
        if version not in HEADER_READERS:
            raise SceneFormatError(f"{name} is a .npy file of version {version}, which holds no plain numbers")
        shape, fortran_order, dtype = HEADER_READERS[version](_header_only(file, LENGTH_FIELDS[version], name))
    if dtype.hasobject:
        raise SceneFormatError(f"{name} holds pickled Python objects, which are never read; save plain numbers")
    if any(length < 0 for length in shape):
        raise SceneFormatError(f"{name} has a negative length in its shape {shape}")
    return ArrayHeader(shape, dtype), "F" if fortran_order else "C"


def _header_only(file: IO[bytes], length_field: str, name: str) -> IO[bytes]:
    """Length and text of the header, once the length has been looked at."""
    length_bytes = file.read(struct.calcsize(length_field))
    (length,) = struct.unpack(length_field, length_bytes)
    if length > MAX_HEADER_BYTES:
        raise SceneFormatError(f"{name} has a .npy header of {length} bytes; {MAX_HEADER_BYTES} are allowed")
    return io.BytesIO(length_bytes + file.read(length))


def require_size(name: str, header: ArrayHeader, offset: int, size: int) -> None:
    needed = offset + header.nbytes
    if size != needed:
        verdict = "it is truncated" if size < needed else "its header does not describe it"
        raise SceneFormatError(f"{name}: {header} needs {needed} bytes, the file has {size}; {verdict}")


def open_npz(path: Path, variable: str | None, scratch: Path | None) -> SceneReader:
    """The cube of a file of ``numpy.savez``, unpacked into ``scratch`` when its first row is wanted.

    Beside it only ``wavelengths_nm`` and ``scale`` are looked into: what else is there does not matter.
    """
    with open_archive(path) as archive:
        members = {
            info.filename.removesuffix(".npy"): info for info in archive.infolist() if info.filename.endswith(".npy")
        }
        name = _cube_name(archive, members, variable, path.name)
        what = f"{path.name}: {name}"
        with archive.open(members[name]) as member:
            header, _ = read_npy_header(member, what)
            offset = member.tell()
        shape = require_cube(header, what)
        require_size(what, header, offset, members[name].file_size)
        companions = {
            key: _companion(archive, members[key], shape[2] if key == WAVELENGTHS else 1)
            for key in (WAVELENGTHS, SCALE)
            if key in members
        }
    require_plausible_size(path, header)
    source = {"format": "npz", "files": [path.name], "variable": name, "dtype": str(header.dtype)}
    load = partial(extract_member, path, members[name], scratch)
    return SceneReader(ArrayRows(shape, header.dtype, load), companion_facts(companions, source))


def _cube_name(
    archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], variable: str | None, file_name: str
) -> str:
    wanted = CUBE if variable is None else variable
    if wanted in members:
        return wanted
    headers = {name: header for name, info in members.items() if (header := peek(archive, info))}
    chosen = choose_variable(headers, variable, file_name)
    if chosen is None:
        raise no_cube(headers, file_name)
    return chosen


def peek(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> ArrayHeader | None:
    """A member's header; None when it is nothing that could be a cube."""
    try:
        with archive.open(info) as member:
            return read_npy_header(member, info.filename)[0]
    except SceneFormatError:
        return None


def _companion(archive: zipfile.ZipFile, info: zipfile.ZipInfo, size: int) -> NDArray[Any]:
    with archive.open(info) as member:
        header, _ = read_npy_header(member, info.filename)
        require_companion(header, info.filename.removesuffix(".npy"), size)
        numbers = member.read(header.nbytes)
    if len(numbers) != header.nbytes:
        raise SceneFormatError(f"{info.filename} is truncated")
    return np.frombuffer(numbers, dtype=header.dtype)


def extract_member(path: Path, info: zipfile.ZipInfo, scratch: Path | None) -> NDArray[Any]:
    """The member as a memory map of an unnamed file, which vanishes with the map, or with the process."""
    with tempfile.TemporaryFile(dir=scratch) as file:
        with open_archive(path) as archive, archive.open(info) as member:
            shutil.copyfileobj(member, file, 2**20)
        file.flush()
        file.seek(0)
        header, order = read_npy_header(file, info.filename)
        return np.memmap(
            cast(Any, file), dtype=header.dtype, mode="r", offset=file.tell(), shape=header.shape, order=order
        )
