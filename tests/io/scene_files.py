"""Writers of small scene files with known numbers, independent of the readers under test."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

DATA = Path(os.environ.get("UNMIX_DATA", Path(__file__).parents[2] / "../shared/data"))
ENVI_CODES = {"u1": 1, "i2": 2, "i4": 3, "f4": 4, "f8": 5, "c8": 6, "u2": 12, "u4": 13, "i8": 14, "u8": 15}
AXES = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}
ROTATED = rasterio.Affine(1.86562657, 2.47577008, 277811.628, 2.47577008, -1.86562657, 4483607.425)


def real_scene(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not in UNMIX_DATA ({DATA})")
    return path


def small_cube(rows: int = 5, columns: int = 4, bands: int = 6, dtype: str = "f4", seed: int = 0) -> Any:
    """All numbers differ, so that no mistake in the order of axes can hide; three different lengths."""
    numbers = np.random.default_rng(seed).permutation(rows * columns * bands) + 1
    return numbers.reshape(rows, columns, bands).astype(dtype)


def write_envi(
    folder: Path,
    cube: Any,
    *,
    interleave: str = "bsq",
    byte_order: int = 0,
    offset: int = 0,
    names: tuple[str, str] = ("scene.hdr", "scene.img"),
    **extra: str,
) -> list[Path]:
    """An ENVI pair; ``extra`` adds or overrides header lines (underscores stand for blanks, one at the end
    keeps a name apart from the arguments)."""
    rows, columns, bands = cube.shape
    fields = {
        "samples": columns,
        "lines": rows,
        "bands": bands,
        "header offset": offset,
        "file type": "ENVI Standard",
        "data type": ENVI_CODES[cube.dtype.str[1:]],
        "interleave": interleave,
        "byte order": byte_order,
    } | {key.rstrip("_").replace("_", " "): value for key, value in extra.items()}
    header, binary = (folder / name for name in names)
    header.write_text("ENVI\n" + "".join(f"{key} = {value}\n" for key, value in fields.items()))
    stored = cube.transpose(AXES[interleave]).astype(cube.dtype.newbyteorder("<>"[byte_order]))
    binary.write_bytes(b"\0" * offset + stored.tobytes())
    return [header, binary]


def write_geotiff(path: Path, cube: Any, band_tags: list[dict[str, str]] | None = None, **options: Any) -> Path:
    """A GeoTIFF, by default with a place on Earth (rasterio warns where there is none)."""
    rows, columns, bands = cube.shape
    place = {"crs": "EPSG:32613", "transform": ROTATED}
    scales, offsets = options.pop("scales", None), options.pop("offsets", None)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=rows,
        width=columns,
        count=bands,
        dtype=cube.dtype,
        **(place | options),
    ) as dataset:
        dataset.write(cube.transpose(2, 0, 1))
        for index, tags in enumerate(band_tags or [], start=1):
            dataset.update_tags(index, **tags)
        if scales is not None:
            dataset.scales, dataset.offsets = scales, offsets
    return path


def braces(values: Any) -> str:
    return "{" + ", ".join(str(value) for value in values) + "}"
