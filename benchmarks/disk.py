"""From a scene on disk to its maps on disk, beside a copy of as many bands through the same library."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.windows import Window

from benchmarks.inference import mixed_pixels, trained_on
from unmixing.io.apply.image import unmix_to_files
from unmixing.io.formats.gdal import georeference_optional
from unmixing.io.inputs.scenes import open_scene
from unmixing.io.products.cog import OPTIONS
from unmixing.progress import silent
from unmixing.specs import UnmixSpec
from unmixing.types import Compute, TrainedModel

COLUMNS, BANDS, N_ENDMEMBERS, ROWS_AT_ONCE = 1000, 200, 5, 100
FORMATS = ("ENVI", "GeoTIFF")


@dataclass(frozen=True)
class Streamed:
    """Memory is the peak of the process that applied the model, imports included; a mapped page counts."""

    format: str
    pixels: int
    model_seconds: float
    copy_seconds: float
    ratio_to_copy: float
    peak_mib: float


def measure_disk(
    sizes: Sequence[int], compute: Compute, formats: Sequence[str] = ("ENVI", "GeoTIFF")
) -> list[Streamed]:
    """Stream one model over scenes of these numbers of pixels, each in a process of its own."""
    model = trained_on(mixed_pixels(10_000, BANDS, N_ENDMEMBERS), N_ENDMEMBERS, compute, 5.0)
    found = []
    for name in formats:
        for n_pixels in sizes:
            with TemporaryDirectory() as folder:
                scene = write_scene(Path(folder), name, n_pixels // COLUMNS)
                seconds, peak = _alone(_apply, scene, model, compute)
                copied, _ = _alone(_copy, scene)
            found.append(Streamed(name, n_pixels, seconds, copied, seconds / copied, peak))
    return found


def write_scene(folder: Path, name: str, rows: int) -> Path:
    """A float32 scene whose rows repeat, ENVI line by line, GeoTIFF pixel by pixel."""
    path = folder / ("scene.tif" if name == "GeoTIFF" else "scene.img")
    block = mixed_pixels(ROWS_AT_ONCE * COLUMNS, BANDS, N_ENDMEMBERS)
    block = np.ascontiguousarray(block.reshape(ROWS_AT_ONCE, COLUMNS, BANDS).transpose(2, 0, 1))
    driver = {"GeoTIFF": "GTiff"}.get(name, name)
    with georeference_optional(), rasterio.open(
        path, "w", driver=driver, height=rows, width=COLUMNS, count=BANDS, dtype="float32",
        **({"interleave": "pixel", "BIGTIFF": "YES"} if driver == "GTiff" else {"interleave": "bil"}),
    ) as file:  # fmt: skip
        for start in range(0, rows, ROWS_AT_ONCE):
            n_rows = min(ROWS_AT_ONCE, rows - start)
            file.write(block[:, :n_rows], window=Window(0, start, COLUMNS, n_rows))
    for extra in folder.glob("*.aux.xml"):
        extra.unlink()
    return path


def _alone(work: Callable[..., tuple[float, float]], *arguments: object) -> tuple[float, float]:
    """Seconds and peak MiB of a call in a fresh process."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(work, *arguments).result()


def _peak_mib() -> float:
    """Of this process alone: what getrusage says begins at the size of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _apply(scene: Path, model: TrainedModel, compute: Compute) -> tuple[float, float]:
    started = time.perf_counter()
    with TemporaryDirectory(dir=scene.parent) as out, open_scene([scene]) as reader:
        unmix_to_files(reader, UnmixSpec(), Path(out), compute, silent, model=model)
    return time.perf_counter() - started, _peak_mib()


def _copy(scene: Path) -> tuple[float, float]:
    """All bands read, as many maps as there are endmembers written and compressed as the model's are."""
    started = time.perf_counter()
    plain, target = scene.with_name("plain.tif"), scene.with_name("copy.tif")
    with georeference_optional(), rasterio.open(scene) as source:
        profile = {"height": source.height, "width": source.width, "count": N_ENDMEMBERS, "dtype": "float32"}
        with rasterio.open(plain, "w", driver="GTiff", interleave="pixel", BIGTIFF="IF_SAFER", **profile) as file:
            for start in range(0, source.height, ROWS_AT_ONCE):
                window = Window(0, start, source.width, min(ROWS_AT_ONCE, source.height - start))
                file.write(np.ascontiguousarray(source.read(window=window)[:N_ENDMEMBERS]), window=window)
        rasterio.shutil.copy(plain, target, driver="COG", **OPTIONS)
    return time.perf_counter() - started, _peak_mib()
