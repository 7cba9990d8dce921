"""A valid upload for every reader: the rows of FORMATS and SPECTRUM_FORMATS, masks, corrections, mixtures, requests."""

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import rasterio
from rasterio.io import MemoryFile

from service.reading.messages import ReadTask
from tests.conftest import npy
from tests.io.spectrum_files import asd, ecostress, sed, usgs, zipped
from tests.service import test_damaged_uploads as scenes
from tests.service.test_sensor_uploads import PRODUCTS

BODY = "body.json"
N_BANDS = 8
NM = list(np.linspace(400, 900, N_BANDS))
UM = [value / 1000 for value in NM]
VALUES = list(np.linspace(0.1, 0.6, N_BANDS))
PERCENT = [100 * value for value in VALUES]
WAVES = ("splib07a_Wavelengths_x_1_ch.txt", usgs("Wavelengths x 1 ch", UM, 23))
GEOJSON = {"type": "Polygon", "coordinates": [[[5, 5], [8, 5], [8, 2], [5, 2], [5, 5]]]}


@dataclass(frozen=True)
class Specimen:
    """files: of the upload, by their place in its folder; one called ``BODY`` is the whole request. mutated: those that
    are changed, all when none is named."""

    files: Mapping[str, bytes]
    fields: Mapping[str, str] = field(default_factory=dict)
    mutated: tuple[str, ...] = ()
    task: ReadTask = ReadTask.JOB

    @property
    def targets(self) -> tuple[str, ...]:
        return self.mutated or tuple(self.files)


def specimens(folder: Path) -> dict[str, Specimen]:
    """All of them, by name. folder: empty, for writers that need one."""
    return {**_scenes(folder), **_products(folder), **_libraries(), **_beside_scenes(), **_mixtures(), **_requests()}


def _scenes(folder: Path) -> dict[str, Specimen]:
    made = {write.__name__.removeprefix("as_"): write(folder) for write in scenes.FORMATS}
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("cube", data=scenes.CUBE, chunks=(3, 5, 4), compression="gzip")
    made["hdf5"] = {"a.h5": (folder / "a.h5").read_bytes()}
    tables = {"table": {"n_sources": "2"}}
    image = {"n_endmembers": "2", "method": "vca_fcls"}
    return {f"scene {name}": Specimen(files, tables.get(name, image)) for name, files in made.items()}


def _products(folder: Path) -> dict[str, Specimen]:
    """Of sensors; they are inspected, which reads all of their header and makes a picture."""
    found = {}
    for name, (write, _) in PRODUCTS.items():
        (folder / name).mkdir()
        path = write(folder / name)
        files = {one.name: one.read_bytes() for one in ([path] if path.is_file() else sorted(path.iterdir()))}
        found[f"product {name}"] = Specimen(files, task=ReadTask.INSPECTION)
    return found


def _libraries() -> dict[str, Specimen]:
    header = (
        f"ENVI\nsamples = {N_BANDS}\nlines = 1\nbands = 1\ndata type = 4\ninterleave = bsq\nbyte order = 0\n"
        f"file type = ENVI Spectral Library\nwavelength units = nm\nwavelength = {{{', '.join(map(str, NM))}}}\n"
        "spectra names = {a}\n"
    )
    files: dict[str, dict[str, bytes]] = {
        "ASD": {"a.asd": asd(VALUES, VALUES, first_nm=400.0, step_nm=71.0)},
        "ECOSTRESS": {"a.spectrum.txt": ecostress(UM, PERCENT)},
        "SED": {"a.sed": sed({"Wvl": NM, "Reflect. %": PERCENT})},
        "USGS": {"splib07a_a.txt": usgs("a", VALUES), WAVES[0]: WAVES[1]},
        "CSV": {"a.csv": _csv()},
        "ENVI": {"a.hdr": header.encode(), "a.sli": np.array(VALUES, "<f4").tobytes()},
        "zip": {"a.zip": zipped({"x/a.csv": _csv(), "x/b.asd": asd(VALUES, step_nm=71.0)})},
    }
    scene = {"scene.npz": _npz()}
    return {
        f"library {name}": Specimen(
            scene | {f"library/{place}": content for place, content in found.items()},
            {"n_endmembers": "2", "method": "vca_fcls"},
            tuple(f"library/{place}" for place in found),
        )
        for name, found in files.items()
    }


def _csv() -> bytes:
    rows = (f"{x},{y},{y * y}" for x, y in zip(NM, VALUES, strict=True))
    return "\n".join(["wavelength_nm,a,b", *rows]).encode()


def _geotiff(values: np.ndarray) -> bytes:
    rows, columns = values.shape
    profile = {"driver": "GTiff", "height": rows, "width": columns, "count": 1, "dtype": "uint8"}
    with MemoryFile() as file:
        with file.open(**profile, transform=rasterio.Affine(1, 0, 5, 0, -1, 5)) as dataset:
            dataset.write(values, 1)
        return bytes(file.read())


def _npz() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, cube=scenes.CUBE, wavelengths_nm=np.array(NM))
    return buffer.getvalue()


def _beside_scenes() -> dict[str, Specimen]:
    mask = np.ones(scenes.CUBE.shape[:2], np.uint8)
    mask[0, 0] = 0
    files = {
        "mask .npy": ("mask/mask.npy", npy(mask)),
        "mask GeoTIFF": ("mask/mask.tif", _geotiff(mask)),
        "mask GeoJSON": ("mask/mask.geojson", json.dumps(GEOJSON).encode()),
        "wavelengths": ("wavelengths/w.csv", "\n".join(["nm", *map(str, NM)]).encode()),
    }
    scene = scenes.as_geotiff(Path())
    fields = {"n_endmembers": "2", "method": "vca_fcls"}
    found = {name: Specimen(scene | {place: content}, fields, (place,)) for name, (place, content) in files.items()}
    given = {"scene.npz": _npz(), "endmembers/e.csv": _csv()}
    return {**found, "given endmembers": Specimen(given, fields, ("endmembers/e.csv",))}


def _mixtures() -> dict[str, Specimen]:
    matrix = np.abs(np.random.default_rng(0).standard_normal((30, 4)))
    body = json.dumps({"mixtures": matrix.round(3).tolist(), "n_sources": 2, "method": "nmf"}).encode()
    mixing = np.abs(np.random.default_rng(1).standard_normal((20, 4, 2)))
    return {
        "mixtures JSON": Specimen({BODY: body}),
        "mixing library": Specimen(
            {"m.npy": npy(matrix), "mixing_library/l.npy": npy(mixing)}, {"n_sources": "2"}, ("mixing_library/l.npy",)
        ),
    }


def _requests() -> dict[str, Specimen]:
    file = {"value": base64.b64encode(npy(scenes.CUBE)).decode(), "mediaType": "application/x-npy"}
    inputs = {"file": file, "n_endmembers": 2, "mask": {"value": GEOJSON}, "method": "vca_fcls"}
    body = json.dumps({"inputs": inputs, "outputs": {"stac": {"transmissionMode": "value"}}, "response": "raw"})
    return {"execute request": Specimen({BODY: body.encode()}, task=ReadTask.EXECUTION)}
