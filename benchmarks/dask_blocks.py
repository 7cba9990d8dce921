"""A stored model on an image that no memory holds, by Dask: time and memory of one worker and of several.

``python -m benchmarks.dask_blocks`` makes 10 million pixels of 200 bands, block by block in the workers themselves, and
prints a row for each number of workers.
"""

import argparse
import importlib
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import xarray
from dask import array as dask_array
from distributed import Client, LocalCluster

from unmixing import apply_model, unmix
from unmixing.specs import UnmixSpec
from unmixing.types import Float32

BANDS, MATERIALS, COLUMNS = 200, 5, 4_000
BLOCK_ROWS, BLOCK_COLUMNS = 125, 250
"""25 MB: allocators give larger blocks back to the system each time."""


def spectra() -> Float32:
    """Smooth spectra of some materials, (MATERIALS, BANDS)."""
    axis = np.linspace(0.0, 1.0, BANDS)
    peaks = np.linspace(0.1, 0.9, MATERIALS)
    return (0.2 + 0.6 * np.exp(-(((axis - peaks[:, None]) / 0.2) ** 2))).astype(np.float32)


def block(block_info: Any = None) -> Float32:
    """The pixels of one block, always the same for its place, made faster than they are unmixed."""
    row, column, _ = block_info[None]["chunk-location"]
    rng = np.random.default_rng([row, column])
    rows, columns, _ = block_info[None]["chunk-shape"]
    abundances = rng.random((rows * columns, MATERIALS), dtype=np.float32) ** 4
    abundances /= abundances.sum(axis=1, keepdims=True)
    pixels = abundances @ spectra()
    noise = np.float32(0.003) * rng.standard_normal((columns, BANDS), dtype=np.float32)
    made: Float32 = pixels.reshape(rows, columns, BANDS) + noise
    return made


def image(n_pixels: int) -> xarray.DataArray:
    """(y, x, band), computed when it is read."""
    rows = max(1, round(n_pixels / COLUMNS / BLOCK_ROWS)) * BLOCK_ROWS
    chunks = ((BLOCK_ROWS,) * (rows // BLOCK_ROWS), (BLOCK_COLUMNS,) * (COLUMNS // BLOCK_COLUMNS), (BANDS,))
    values = dask_array.map_blocks(block, chunks=chunks, dtype=np.float32, meta=np.empty((0, 0, 0), np.float32))
    return xarray.DataArray(values, dims=("y", "x", "band"))


def train(folder: Path) -> Path:
    """A model of the image's sensor."""
    first = block({None: {"chunk-location": (0, 0, 0), "chunk-shape": (100, 100, BANDS)}})
    model = unmix(first, UnmixSpec(n_endmembers=MATERIALS)).model
    assert model is not None  # the method trains one
    path = folder / "model.onnx"
    path.write_bytes(model.onnx)
    return path


def ready() -> None:
    """The work that a worker does once in its life."""
    importlib.import_module(apply_model.__module__)
    # Linux shares a busy machine between sessions, not between processes: each worker counts as a machine of its own.
    os.setsid()


def peak_mib() -> float:
    """The most memory that this process has had; ``getrusage`` would count that of the process it was forked from."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure(model: Path, n_pixels: int, workers: int) -> str:
    """A row of the table."""
    options = {"threads_per_worker": 1, "memory_limit": "2GB", "dashboard_address": None}
    with LocalCluster(n_workers=workers, processes=True, **options) as cluster, Client(cluster) as client:
        client.run(ready)
        scene, started = image(n_pixels), time.perf_counter()
        found = apply_model(model, scene)
        looked = time.perf_counter()
        # Sums leave nothing on the workers, as files written by them would.
        found[["abundances", "brightness", "uncertainty"]].sum(["y", "x"]).compute()
        ended = time.perf_counter()
        peaks = sorted(client.run(peak_mib).values())
    total = ended - started
    numbers = (total, looked - started, scene.size / BANDS / total / 1e6, peaks[-1], os.getloadavg()[0])
    return " | ".join(["", str(workers), *(f"{number:.4g}" for number in numbers), ""]).strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pixels", type=int, default=10_000_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = train(Path(folder))
        print("| workers | seconds | of them the sample | Mpixel/s | peak MiB of a worker | load |", flush=True)
        print("|---|---|---|---|---|---|", flush=True)
        for workers in arguments.workers:
            print(measure(model, arguments.pixels, workers), flush=True)


if __name__ == "__main__":
    main()
