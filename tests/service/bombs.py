"""Uploads made to bring a reader down: small files that take all memory, all time, or crash the library that reads
them. Sizes are those that trip limits scaled down for tests."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import h5py
import rasterio
import scipy.io
from rasterio.io import MemoryFile

from tests.conftest import npy, small_scene


def mat_v5() -> bytearray:
    """An uncompressed MATLAB 5 file with a small cube."""
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, {"cube": small_scene(rows=4, columns=5, bands=6)}, do_compression=False)  # type: ignore[arg-type] # it takes files too
    return bytearray(buffer.getvalue())


def _real_part(content: bytearray) -> int:
    """Where the real part of the only array of ``mat_v5`` begins: type, number of bytes, numbers."""
    place = 128 + 8  # the file's header, the tag of the matrix
    for _ in range(3):  # flags, dimensions, name
        kind, n_bytes = struct.unpack_from("<II", content, place)
        place += 8 if kind >> 16 else 8 + -(-n_bytes // 8) * 8
    return place


def mat_v5_of_no_type() -> bytes:
    """The numbers are of the type 0xffff, of which SciPy's table knows nothing: it crashes."""
    content = mat_v5()
    struct.pack_into("<I", content, _real_part(content), 0xFFFF)
    return bytes(content)


def mat_v5_that_claims(n_bytes: int) -> bytes:
    """A real part that claims more than the file has."""
    content = mat_v5()
    struct.pack_into("<I", content, _real_part(content) + 4, n_bytes)
    return bytes(content)


def hdf5_deflated_twice(folder: Path, n_bytes: int) -> bytes:
    """One chunk of ``n_bytes`` zeros, as two filters of deflate leave them."""
    path = folder / "twice.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        space = h5py.h5s.create_simple((2, 2, n_bytes // 16))
        facts = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        facts.set_chunk((2, 2, n_bytes // 16))
        facts.set_deflate(9)
        facts.set_deflate(9)
        data = h5py.h5d.create(file.id, b"cube", h5py.h5t.IEEE_F32LE, space, facts)
        once = zlib.compressobj(9)
        packed = b"".join(once.compress(bytes(2**20)) for _ in range(n_bytes // 2**20)) + once.flush()
        data.write_direct_chunk((0, 0, 0), zlib.compress(packed, 9))
    return path.read_bytes()


def npz_with_a_header_of(n_bytes: int) -> bytes:
    """A .npy member whose header alone takes ``n_bytes``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("cube.npy", "w") as member:
        member.write(b"\x93NUMPY\x02\x00" + struct.pack("<I", n_bytes))
        for _ in range(n_bytes // 2**20):
            member.write(b" " * 2**20)
    return buffer.getvalue()


def short_lines(n_lines: int) -> bytes:
    return b"1,2\n" * n_lines


def short_rows(n_rows: int) -> bytes:
    return b'{"n_sources": 2, "mixtures": [' + b"[0,1]," * n_rows + b"[1,0]]}"


def geotiff_of(n_bands: int) -> bytes:
    """Few pixels of many interleaved bands, each of which GDAL looks up by itself; their numbers are left out."""
    profile = {"driver": "GTiff", "height": 4, "width": 4, "count": n_bands, "dtype": "uint8"}
    with MemoryFile() as file:
        transform = rasterio.Affine(1, 0, 5, 0, -1, 5)
        with file.open(**profile, interleave="pixel", sparse_ok=True, transform=transform):
            pass
        return bytes(file.read())


def zip_of(n_members: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(n_members):
            archive.writestr(f"{number}.npy", npy(small_scene(rows=4, columns=4, bands=4)))
    return buffer.getvalue()
