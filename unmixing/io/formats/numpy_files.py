"""NumPy's ``.npy`` and ``.npz``: mapped into memory, never unpickled."""

import io
import shutil
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import IO, Any, Literal, cast

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from unmixing.errors import SceneFormatError
from unmixing.io.formats.archives import open_archive
from unmixing.io.formats.array_header import ArrayHeader
from unmixing.io.formats.arrays import ArrayFormat
from unmixing.io.formats.damage import damage_reported
from unmixing.io.formats.scene_arrays import UNNAMED

HEADER_READERS = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}
LENGTH_FIELDS = {(1, 0): "<H", (2, 0): "<I"}
"""How each version of the format states the length of its header."""

MAX_HEADER_BYTES = 2**16
"""NumPy itself writes up to a few hundred, and reads none above 10,000; but it would first load them all."""

MEMBER_SUFFIX = ".npy"
MAX_ARRAYS = 1000
"""In a ``.npz``: each is unpacked as far as its header before it is known which is meant."""


def npy_headers(path: Path) -> dict[str, ArrayHeader]:
    """The header of the one array, without a name, in a file of ``numpy.save``. Raises SceneFormatError."""
    with path.open("rb") as file:
        header, _ = read_npy_header(file, path.name)
        return {UNNAMED: ArrayHeader(header.shape, header.dtype, path.stat().st_size - file.tell())}


def load_npy(path: Path, name: str, scratch: Path | None) -> NDArray[Any]:
    """The array, mapped into memory as it lies in the file. Raises SceneFormatError."""
    with path.open("rb") as file:
        return _mapped(file, path.name)


def npz_headers(path: Path) -> dict[str, ArrayHeader]:
    """The header of each array in a file of ``numpy.savez``, by its name; members that are none are left out.

    Raises SceneFormatError.
    """
    with open_archive(path) as archive:
        members = [info for info in archive.infolist() if info.filename.endswith(MEMBER_SUFFIX)]
        if len(members) > MAX_ARRAYS:
            raise SceneFormatError(f"{path.name} has {len(members)} arrays; {MAX_ARRAYS} are allowed")
        headers = {info.filename.removesuffix(MEMBER_SUFFIX): _peek(archive, info) for info in members}
        return {name: header for name, header in headers.items() if name != UNNAMED and header is not None}


def load_npz(path: Path, name: str, scratch: Path | None) -> NDArray[Any]:
    """The array as a memory map of an unnamed file in ``scratch``, which vanishes with the map, or with the process.

    Raises SceneFormatError.
    """
    member_name = name + MEMBER_SUFFIX
    with tempfile.TemporaryFile(dir=scratch) as file:
        with open_archive(path) as archive, archive.open(member_name) as member:
            shutil.copyfileobj(member, file, 2**20)
        file.flush()
        file.seek(0)
        return _mapped(file, f"{path.name}: {name}")


def read_npy_header(file: IO[bytes], name: str) -> tuple[ArrayHeader, Literal["C", "F"]]:
    """Shape, type and memory order, leaving ``file`` at the first number. Raises SceneFormatError."""
    header, order = _parsed_header(file, name)
    if header.dtype.hasobject:
        raise SceneFormatError(f"{name} holds pickled Python objects, which are never read; save plain numbers")
    return header, order


def _parsed_header(file: IO[bytes], name: str) -> tuple[ArrayHeader, Literal["C", "F"]]:
    with damage_reported(f"{name} has no valid .npy header"):
        version = npy_format.read_magic(file)
        if version not in HEADER_READERS:
            raise SceneFormatError(f"{name} is a .npy file of version {version}, which holds no plain numbers")
        shape, fortran_order, dtype = HEADER_READERS[version](_header_only(file, LENGTH_FIELDS[version], name))
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


def _peek(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> ArrayHeader | None:
    """A member's header, also of objects, which are listed though never read; None when it is no array."""
    try:
        with archive.open(info) as member:
            header, _ = _parsed_header(member, info.filename)
            return ArrayHeader(header.shape, header.dtype, info.file_size - member.tell())
    except SceneFormatError:
        return None


def _mapped(file: IO[bytes], name: str) -> NDArray[Any]:
    """The array of a ``.npy`` file that lies on disk; the map outlives the file object. Raises SceneFormatError."""
    header, order = read_npy_header(file, name)
    with damage_reported(f"{name} has other numbers than its header says, {header}"):
        return np.memmap(
            cast(Any, file), dtype=header.dtype, mode="r", offset=file.tell(), shape=header.shape, order=order
        )


NPY = ArrayFormat("npy", npy_headers, load_npy, mapped=True)
NPZ = ArrayFormat("npz", npz_headers, load_npz)
