"""Products of imaging spectrometers over HTTP, through the process that reads uploads."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import httpx
import numpy as np
import pytest
from rasterio.io import MemoryFile

from model_store.settings import Settings
from tests.io.sensor_files import (
    PLACE,
    UTM,
    pace_places,
    write_cf,
    write_desis,
    write_emit,
    write_enmap,
    write_pace,
    write_prisma,
    write_zarr,
    zipped,
)
from tests.io.test_cf_and_zarr import BROKEN
from tests.io.test_lookup_grids import LIES
from tests.io.test_sensor_products import BROKEN_XML
from tests.service.test_bad_input import assert_problem
from worker.tasks import run_job

Writer = Callable[[Path], Path]


def sent(service: httpx.Client, route: str, path: Path, **fields: str) -> httpx.Response:
    """Upload a file, or all files of a folder."""
    paths = sorted(path.iterdir()) if path.is_dir() else [path]
    return service.post(route, data=fields, files=[("file", (one.name, one.read_bytes())) for one in paths])


PRODUCTS: Mapping[str, tuple[Writer, Mapping[str, Any]]] = {
    "EMIT": (write_emit, {"format": "EMIT netCDF", "bands": 40, "pixels_masked": 1}),
    "PRISMA": (write_prisma, {"format": "PRISMA L2D", "bands": 38, "bands_used": 36, "pixels_masked": 1}),
    "EnMAP": (write_enmap, {"format": "EnMAP L2A", "bands_used": 37, "scale": 0.0001, "pixels_masked": 22}),
    "EnMAP, zipped": (lambda folder: zipped(write_enmap(folder)), {"format": "EnMAP L2A", "pixels_masked": 22}),
    "DESIS": (write_desis, {"format": "DESIS L2A", "bands_used": 40, "scale": 0.0001, "pixels_masked": 14}),
    "CF": (write_cf, {"format": "hdf5", "bands_used": 40, "pixels_masked": 1, "nodata": None}),
    "PACE": (write_pace, {"variable": "geophysical_data/rhos", "bands_used": 40, "pixels_masked": 1}),
    "Zarr 2, zipped": (lambda folder: zipped(write_zarr(folder, version=2)), {"format": "zarr", "pixels_masked": 1}),
    "Zarr 3, zipped": (lambda folder: zipped(write_zarr(folder)), {"format": "zarr", "pixels_masked": 1}),
    "DESIS, zipped": (lambda folder: zipped(write_desis(folder)), {"format": "DESIS L2A", "pixels_masked": 14}),
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


ON_UTM = (UTM, (30, 0, PLACE[0] - 15, 0, -30, PLACE[1] + 15))
PLACES: Mapping[str, tuple[int, tuple[float, ...]]] = {
    "EMIT": (4326, (0.0005, 0, 10, 0, -0.0005, 45)),
    "PRISMA": ON_UTM,
    "EnMAP, zipped": ON_UTM,
    "DESIS, zipped": ON_UTM,
    "CF": ON_UTM,
    "Zarr 3, zipped": ON_UTM,
}
"""Where the maps of each product have to lie."""


@pytest.mark.parametrize("name", PLACES)
def test_maps_of_a_job_lie_where_the_product_does(
    service: httpx.Client, settings: Settings, tmp_path: Path, name: str
) -> None:
    job_id = sent(service, "/unmix", PRODUCTS[name][0](tmp_path), n_endmembers="3", method="vca_fcls").json()["jobID"]
    run_job(job_id, settings, on_lost=lambda: None)
    answer = service.get(f"/jobs/{job_id}/results/abundances.tif")
    assert answer.status_code == 200, answer.text
    with MemoryFile(answer.content) as file, file.open() as maps:
        epsg, transform = PLACES[name]
        assert maps.crs.to_epsg() == epsg
        assert tuple(maps.transform)[:6] == pytest.approx(transform)
        assert 0 < maps.read(1, masked=True).count() < maps.width * maps.height


def test_maps_of_a_swath_show_its_pixels_on_a_grid(service: httpx.Client, settings: Settings, tmp_path: Path) -> None:
    job_id = sent(service, "/unmix", write_pace(tmp_path), n_endmembers="3", method="vca_fcls").json()["jobID"]
    run_job(job_id, settings, on_lost=lambda: None)
    sensor = np.load(io.BytesIO(service.get(f"/jobs/{job_id}/results/abundances.npy").content))
    with MemoryFile(service.get(f"/jobs/{job_id}/results/abundances.tif").content) as file, file.open() as maps:
        assert maps.crs.to_epsg() == 4326
        latitude, longitude = pace_places(*sensor.shape[:2])
        row, column, left = 6, 4, maps.bounds.left
        east = left + (longitude[row, column] - left) % 360  # the swath crosses 180 degrees
        shown = maps.read(1)[maps.index(east, latitude[row, column])]
        near = sensor[row - 1 : row + 2, column - 1 : column + 2, 0]
    assert np.abs(near - shown).min() < 1e-6


def without_reflectance_of_the_right_shape(file: h5py.File) -> None:
    del file["reflectance"]
    file["reflectance"] = np.ones((14, 11), "f4")


def zarr_with(name: str) -> tuple[Writer, str]:
    """A zip of a store that is broken in this way."""
    version, change, said = BROKEN[name]
    return lambda folder: zipped(write_zarr(folder, version=version, change=change)), said


def emit_with(name: str) -> tuple[Writer, str]:
    """An EMIT product whose lookup table lies."""
    return lambda folder: write_emit(folder, change=LIES[name][0]), LIES[name][1]


def enmap_with(name: str) -> tuple[Writer, str]:
    """An EnMAP product whose METADATA.XML is broken in this way."""
    return lambda folder: write_enmap(folder, metadata=BROKEN_XML[name][0]), BROKEN_XML[name][1]


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
    "EMIT, a table beyond the scene": emit_with("beyond the columns"),
    "EMIT, a table of another size": emit_with("two sizes"),
    "Zarr, pickled": zarr_with("pickled"),
    "Zarr, vast chunks": (zarr_with("vast chunks")[0], "are read"),
    "Zarr, no JSON": zarr_with("no JSON"),
    "EnMAP, cut": enmap_with("cut"),
    "EnMAP, a billion laughs": enmap_with("laughs"),
    "EnMAP that names another file": enmap_with("other file"),
}
"""Writer of each damaged product, and words of the refusal."""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_damaged_product_is_refused_in_words(service: httpx.Client, tmp_path: Path, name: str) -> None:
    write, word = HOSTILE[name]
    product = write(tmp_path)
    for route in ("/inspect", "/unmix"):
        assert_problem(sent(service, route, product), 422, [word])
