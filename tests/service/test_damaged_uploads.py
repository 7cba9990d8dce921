"""Valid files of every format with some bytes changed or missing: a job or a refusal, never an error of the service."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import httpx
import numpy as np
import pytest
import rasterio
import scipy.io
from rasterio.io import MemoryFile

from tests.conftest import npy, small_scene

CUBE = small_scene(rows=6, columns=5, bands=8)
N_DAMAGED = 50

Files = dict[str, bytes]


def as_npy(folder: Path) -> Files:
    return {"a.npy": npy(CUBE)}


def as_npz(folder: Path) -> Files:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, cube=CUBE, wavelengths_nm=np.linspace(400, 900, 8), scale=1.0)
    return {"a.npz": buffer.getvalue()}


def as_mat_v5(folder: Path, *, compressed: bool = False) -> Files:
    buffer = io.BytesIO()
    arrays = {"cube": CUBE, "wavelengths_nm": np.linspace(400, 900, 8), "notes": np.array(["a", "b"], dtype=object)}
    scipy.io.savemat(buffer, arrays, do_compression=compressed)  # type: ignore[arg-type] # it takes files too
    return {"a.mat": buffer.getvalue()}


def as_mat_v5_compressed(folder: Path) -> Files:
    return as_mat_v5(folder, compressed=True)


def as_mat_v73(folder: Path) -> Files:
    path = folder / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset("cube", data=CUBE.T, chunks=(4, 5, 3), compression="gzip")
        file["wavelengths_nm"] = np.linspace(400, 900, 8)
    return {"a.mat": path.read_bytes()}


def as_geotiff(folder: Path) -> Files:
    profile = {"driver": "GTiff", "height": 6, "width": 5, "count": 8, "dtype": "float32", "compress": "deflate"}
    with MemoryFile() as file:
        with file.open(**profile, transform=rasterio.Affine(1, 0, 5, 0, -1, 5)) as dataset:
            dataset.write(CUBE.transpose(2, 0, 1))
        return {"a.tif": bytes(file.read())}


def as_envi(folder: Path) -> Files:
    wavelengths = ", ".join(str(400 + 50 * band) for band in range(8))
    header = (
        "ENVI\nsamples = 5\nlines = 6\nbands = 8\nheader offset = 0\ndata type = 4\ninterleave = bip\nbyte order = 0\n"
        f"wavelength units = nm\nwavelength = {{{wavelengths}}}\nmap info = {{UTM, 1, 1, 5, 5, 1, 1, 32, North}}\n"
    )
    return {"a.hdr": header.encode(), "a.img": CUBE.tobytes()}


def as_zip(folder: Path) -> Files:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in as_envi(folder).items():
            archive.writestr(f"flight/{name}", content)
    return {"a.zip": buffer.getvalue()}


def as_table(folder: Path) -> Files:
    text = io.StringIO()
    np.savetxt(text, CUBE.reshape(30, 8), delimiter=",")
    return {"a.csv": text.getvalue().encode()}


FORMATS: list[Callable[[Path], Files]] = [
    as_npy, as_npz, as_mat_v5, as_mat_v5_compressed, as_mat_v73, as_geotiff, as_envi, as_zip, as_table,
]  # fmt: skip


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes changed, near the beginning or the end as often as anywhere, or the end cut off."""
    changed = bytearray(content)
    window = int(rng.choice([64, 512, len(content)]))
    first = 0 if rng.random() < 0.5 else max(0, len(content) - window)
    for _ in range(rng.integers(1, 6)):
        place = min(len(content) - 1, first + int(rng.integers(window)))
        changed[place] = rng.choice([0, 0xFF, int(rng.integers(256)), changed[place] ^ 1 << int(rng.integers(8))])
    if rng.random() < 0.2:
        del changed[rng.integers(len(changed)) :]
    return bytes(changed)


@pytest.mark.parametrize("write", FORMATS)
def test_damage_is_a_job_or_a_refusal(service: httpx.Client, tmp_path: Path, write: Callable[[Path], Files]) -> None:
    files = write(tmp_path)
    fields = {"n_sources": "2"} if write is as_table else {}
    assert service.post("/unmix", files=[("file", part) for part in files.items()], data=fields).status_code == 202
    for seed in range(N_DAMAGED):
        rng = np.random.default_rng(seed)
        hit = str(rng.choice(list(files)))
        parts = files | {hit: damaged(files[hit], rng)}
        response = service.post("/unmix", files=[("file", part) for part in parts.items()], data=fields)
        assert response.status_code in (200, 202, 422), f"seed {seed}: {response.text}"
