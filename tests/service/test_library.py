"""A spectral library beside the scene: names in every product, and refusals that leave nothing behind."""

import io
from typing import Any

import httpx
import numpy as np
import pytest
import rasterio

from model_store.settings import Settings
from model_store.stores import Stores
from tests.conftest import npy, small_scene
from tests.io.spectrum_files import asd, ecostress, sed, zipped
from tests.service.test_bad_input import assert_nothing_left, assert_problem
from worker.tasks import run_job

N_BANDS = 30
AXIS = np.linspace(0, 1, N_BANDS)
WAVELENGTHS_NM = 400 + 1000 * AXIS
SPECTRA = [0.2 + 0.5 * AXIS, 0.6 - 0.4 * AXIS, 0.3 + 0.3 * np.exp(-(((AXIS - 0.5) / 0.15) ** 2))]


def scene(**arrays: Any) -> tuple[str, bytes]:
    buffer = io.BytesIO()
    np.savez(buffer, cube=small_scene(), **arrays)
    return "scene.npz", buffer.getvalue()


SCENE = scene(wavelengths_nm=WAVELENGTHS_NM)


def csv(names: tuple[str, ...] = ("rise", "fall", "bump"), shift_nm: float = 0.0) -> bytes:
    rows = [["Class", *map(str, WAVELENGTHS_NM + shift_nm)]]
    rows += [[name, *map(str, spectrum)] for name, spectrum in zip(names, SPECTRA, strict=True)]
    return "\n".join(",".join(row) for row in rows).encode()


def field_spectra(last: bytes | None = None) -> tuple[str, bytes]:
    """A zip of an ECOSTRESS, an ASD and an SED file; ``last`` stands in the place of the third."""
    um = list(WAVELENGTHS_NM / 1000)
    rise, bump = list(SPECTRA[0]), list(SPECTRA[2])
    fall = 0.6 - 0.4 * (np.arange(380.0, 1421.0) - 400) / 1000  # from nanometre to nanometre, beyond the image
    white = np.linspace(2e4, 3e4, fall.size)
    files = {
        "a.spectrum.txt": ecostress(um, [100 * value for value in rise], "rise"),
        "b.asd": asd(list(fall * white), list(white), first_nm=380.0, step_nm=1.0, comment="fall"),
        "c.sed": last or sed({"Wvl": list(WAVELENGTHS_NM), "Reflect. %": [100 * value for value in bump]}, "bump"),
    }
    return "spectra.zip", zipped(files)


def post(service: httpx.Client, file: tuple[str, bytes], *library: tuple[str, bytes]) -> httpx.Response:
    fields = {"n_endmembers": "3", "max_training_seconds": "2"}
    parts = [("file", file), *(("library", part) for part in library)]
    return service.post("/unmix", data=fields, files=parts)


def test_endmembers_carry_the_names_of_the_library(service: httpx.Client, settings: Settings, stores: Stores) -> None:
    job = post(service, SCENE, ("library.csv", csv())).json()
    assert job["inputs"]["library"] == ["library.csv"]
    run_job(job["jobID"], settings, on_lost=lambda: None)
    results = service.get(f"/jobs/{job['jobID']}/results").json()
    assert sorted(results["endmembers"]["names"]) == ["bump", "fall", "rise"]
    matches = results["metrics"]["library_matches"]
    assert [found[0]["name"] for found in matches] == results["endmembers"]["names"]
    content = service.get(results["assets"]["abundances.tif"]["href"]).content
    with (
        rasterio.MemoryFile(content) as file,
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
        file.open() as maps,
    ):
        assert list(maps.descriptions) == results["endmembers"]["names"]
    assert results["model"]["manifest"]["endmember_names"][0] == "endmember 1"
    assert not stores.inputs.of(job["jobID"]).exists()


@pytest.mark.parametrize("field", ["library", "endmembers"])
def test_field_spectra_in_a_zip_file_name_and_are_endmembers(
    service: httpx.Client, settings: Settings, field: str
) -> None:
    asked = {"n_endmembers": "3", "method": "nmf"}
    job = service.post("/unmix", data=asked, files=[("file", SCENE), (field, field_spectra())]).json()
    assert job["inputs"][field] == ["spectra.zip"]
    run_job(job["jobID"], settings, on_lost=lambda: None)
    found = service.get(f"/jobs/{job['jobID']}/results").json()["endmembers"]
    assert sorted(found["names"]) == ["bump", "fall", "rise"]
    if field == "endmembers":
        by_name = dict(zip(found["names"], found["values"], strict=True))
        for name, spectrum in zip(("rise", "fall", "bump"), SPECTRA, strict=True):
            np.testing.assert_allclose(by_name[name], spectrum, atol=2e-6)  # as many digits as the files have


def test_the_library_is_part_of_the_work(service: httpx.Client) -> None:
    ids = [
        post(service, SCENE, *library).json()["jobID"]
        for library in (
            [],
            [("library.csv", csv())],
            [("other.csv", csv())],
            [("library.csv", csv(names=("a", "b", "c")))],
        )
    ]
    assert ids[1] == ids[2]
    assert len(set(ids)) == 3


BAD: dict[str, tuple[tuple[str, bytes], list[tuple[str, bytes]], str, list[str]]] = {
    "no library": (SCENE, [("library.csv", b"these are my notes")], "library-format", ["library.csv"]),
    "other wavelengths": (
        SCENE,
        [("library.csv", csv(shift_nm=9000))],
        "library-mismatch",
        ["400 to 1400 nm", "9400 to 10400 nm"],
    ),
    "image without wavelengths": (
        ("scene.npy", npy(small_scene())),
        [("library.csv", csv())],
        "library-mismatch",
        ["image has no wavelengths"],
    ),
    "half of a pair": (SCENE, [("library.hdr", b"ENVI\n")], "library-format", ["library.hdr"]),
    "field spectrum cut off": (
        SCENE,
        [field_spectra(sed({"Wvl": [400.0, 401.0], "Reflect. %": [1.0, 2.0]}, count=1024))],
        "library-format",
        ["c.sed has 2 values, its header says 1024"],
    ),
    "spectrum of irradiance": (SCENE, [("a.asd", asd([1.0, 2.0], kind=4))], "library-format", ["a.asd holds irrad"]),
    "no name": (SCENE, [("..", csv())], "upload-field", ["'library'"]),
    "one name twice": (SCENE, [("library.csv", csv())] * 2, "upload-field", ["library.csv"]),
    "in the way of the scene": (("library", b"scene"), [("library.csv", csv())], "upload-field", ["library.csv"]),
}


@pytest.mark.parametrize("row", BAD)
def test_a_bad_library_is_refused(service: httpx.Client, settings: Settings, row: str) -> None:
    file, library, kind, words = BAD[row]
    problem = assert_problem(post(service, file, *library), 422, words)
    assert problem["type"] == f"/problems/{kind}"
    assert_nothing_left(service, settings)
