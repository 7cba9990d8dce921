"""Corrections of an input over HTTP reach the job."""

from typing import Any

import httpx
import numpy as np
import pytest

from model_store.settings import Settings
from model_store.stores import Stores
from tests.conftest import npy, small_scene
from worker.tasks import run_job

SCENE = npy(small_scene())
BANDS = small_scene().shape[2]
LISTED = np.linspace(400, 900, BANDS).tolist()


def post(service: httpx.Client, files: dict[str, Any] | None = None, **fields: str) -> httpx.Response:
    return service.post("/unmix", data=fields, files={"file": ("scene.npy", SCENE), **(files or {})})


def test_what_is_said_stands_in_the_job_and_makes_it_another(service: httpx.Client) -> None:
    said: dict[str, Any] = {"rows": "0:8", "bad_bands": "0,3", "nodata": "-9999", "scale": "0.1"}
    plain, job = post(service).json(), post(service, **said).json()
    assert job["inputs"].items() >= {**said, "nodata": -9999, "scale": 0.1}.items()
    assert job["jobID"] != plain["jobID"]
    assert post(service, **said).json()["jobID"] == job["jobID"]


def test_wavelengths_are_a_list_or_a_file(service: httpx.Client) -> None:
    text = ",".join(map(str, LISTED))
    listed = post(service, wavelengths=text)
    filed = post(service, {"wavelengths": ("w.txt", text.replace(",", "\n").encode())})
    assert listed.json()["inputs"]["wavelengths"] == pytest.approx(LISTED)
    assert filed.json()["inputs"]["wavelengths"] == pytest.approx(LISTED)
    both = post(service, {"wavelengths": ("w.txt", b"1")}, wavelengths=text)
    assert (both.status_code, "one of the two" in both.json()["detail"]) == (422, True)


def test_a_mask_is_a_file_that_reaches_the_worker(service: httpx.Client, settings: Settings, stores: Stores) -> None:
    rows, columns, _ = small_scene().shape
    used = np.zeros((rows, columns), dtype=bool)
    used[1:] = True
    fields = {"method": "vca_fcls", "n_endmembers": "2"}
    job = post(service, {"mask": ("m.npy", npy(used))}, **fields).json()
    assert job["inputs"]["mask"] == "m.npy"
    assert post(service, {"mask": ("other.npy", npy(used))}, **fields).json()["jobID"] == job["jobID"]
    assert post(service, {"mask": ("m.npy", npy(~used))}, **fields).json()["jobID"] != job["jobID"]
    run_job(job["jobID"], settings, on_lost=lambda: None)
    document = service.get(f"/jobs/{job['jobID']}/results").json()
    assert document["input"]["pixels_outside_mask"] == document["input"]["pixels_masked"] == columns
    assert document["provenance"]["input"]["mask"] == "m.npy"
    assert set(document["provenance"]["inputs"]) == {"file", "mask"}


@pytest.mark.parametrize("mask", [npy(np.zeros((3, 3))), npy(np.ones((3, 3))), b"{}", b"nonsense", b""])
def test_a_mask_that_is_none_is_a_422(service: httpx.Client, mask: bytes) -> None:
    response = post(service, {"mask": ("m.npy", mask)})
    assert (response.status_code, "m.npy" in response.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"rows": "5:1"}, "rows"),
        ({"rows": "x"}, "rows"),
        ({"wavelengths": "400,x"}, "wavelengths"),
        ({"wavelengths": "400,500"}, "wavelengths"),
        ({"nodata": "none"}, "nodata"),
        ({"scale": "0"}, "scale"),
        ({"bad_bands": "1350-1430nm"}, "wavelengths"),
        ({"mask": "1"}, "mask"),
        ({"n_sources": "2", "kind": "mixtures", "rows": "0:2"}, "rows"),
    ],
)
def test_what_cannot_be_meant_is_a_422_that_names_the_field(
    service: httpx.Client, fields: dict[str, Any], word: str
) -> None:
    response = post(service, **fields)
    assert response.status_code == 422
    assert word in response.json()["detail"]
