"""Products of imaging spectrometers over HTTP, through the process that reads uploads."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import httpx
import numpy as np
import pytest

from tests.io.sensor_files import write_emit, write_prisma
from tests.service.test_bad_input import assert_problem

Writer = Callable[[Path], Path]


def sent(service: httpx.Client, route: str, path: Path, **fields: str) -> httpx.Response:
    """Upload a file, or all files of a folder."""
    paths = sorted(path.iterdir()) if path.is_dir() else [path]
    return service.post(route, data=fields, files=[("file", (one.name, one.read_bytes())) for one in paths])


PRODUCTS: Mapping[str, tuple[Writer, Mapping[str, Any]]] = {
    "EMIT": (write_emit, {"format": "EMIT netCDF", "bands": 40, "pixels_masked": 1}),
    "PRISMA": (write_prisma, {"format": "PRISMA L2D", "bands": 38, "bands_used": 36, "pixels_masked": 1}),
}  # fmt: skip
"""Writer of each product, and what is said of it."""


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product_is_inspected_and_taken_as_a_job(service: httpx.Client, tmp_path: Path, name: str) -> None:
    write, said = PRODUCTS[name]
    path = write(tmp_path)
    answer = sent(service, "/inspect", path)
    assert answer.status_code == 200, answer.text
    read = answer.json()["input"]
    assert {field: read[field] for field in said} == said
    assert read["wavelength_range_nm"][0] < 500
    assert sent(service, "/unmix", path, n_endmembers="3", method="vca_fcls").status_code == 202


def without_reflectance_of_the_right_shape(file: h5py.File) -> None:
    del file["reflectance"]
    file["reflectance"] = np.ones((14, 11), "f4")


HOSTILE: Mapping[str, tuple[Writer, str]] = {
    "EMIT without a cube": (
        lambda folder: write_emit(folder, change=without_reflectance_of_the_right_shape),
        "reflectance",
    ),
    "PRISMA without a scale": (
        lambda folder: write_prisma(folder, attributes={"L2ScaleVnirMax": None}),
        "L2ScaleVnirMax is missing",
    ),
    "PRISMA with a scale of NaN": (
        lambda folder: write_prisma(folder, attributes={"L2ScaleVnirMax": np.nan}),
        "L2ScaleVnirMax must be 1 finite number",
    ),
    "PRISMA of two sizes": (lambda folder: write_prisma(folder, swir_columns=5), "different sizes"),
}
"""Writer of each damaged product, and words of the refusal."""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_damaged_product_is_refused_in_words(service: httpx.Client, tmp_path: Path, name: str) -> None:
    write, word = HOSTILE[name]
    for route in ("/inspect", "/unmix"):
        assert_problem(sent(service, route, write(tmp_path)), 422, [word])
