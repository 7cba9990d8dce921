"""The main job, for real: HTTP, the embedded queue, a forked worker, a trained network."""

import io
import zipfile

import httpx
import numpy as np
import pytest

from tests.conftest import npy, small_scene, wait_until
from tests.result_files import RESULT_FILES


def finished(service: httpx.Client, job: dict) -> dict:
    """The job once it has ended."""
    url = f"/jobs/{job['jobID']}"
    wait_until(lambda: service.get(url).json()["status"] in ("successful", "failed"), 120)
    return service.get(url).json()


@pytest.mark.usefixtures("worker")
def test_scene_to_maps_then_second_image_then_equal_work(service: httpx.Client) -> None:
    scene = npy(small_scene())
    fields = {"n_endmembers": "3", "max_training_seconds": "8", "seed": "1"}
    posted = service.post("/unmix", data=fields, files={"file": ("scene.npy", scene)})
    assert posted.status_code == 202, posted.text
    assert posted.headers["location"].endswith(f"/jobs/{posted.json()['jobID']}")
    job = finished(service, posted.json())
    assert job["status"] == "successful", job
    assert job["progress"] == 100
    results = service.get(f"/jobs/{job['jobID']}/results").json()
    check_results(service, results)

    # A second image of the same sensor, without training.
    model = results["model"]["id"]
    assert service.get("/models").json()["models"][0]["id"] == model
    second = {"file": ("second.npy", npy(small_scene(seed=5, rows=12)))}
    applied = finished(service, service.post("/unmix", data={"model": model}, files=second).json())
    assert applied["status"] == "successful", applied
    stages = service.get(f"/jobs/{applied['jobID']}/results").json()["metrics"]["seconds"]
    assert not any("train" in stage for stage in stages), stages

    # Equal bytes under another name are equal work.
    again = service.post("/unmix", data=fields, files={"file": ("other.npy", scene)})
    assert (again.status_code, again.json()["jobID"]) == (200, job["jobID"])


def check_results(service: httpx.Client, results: dict) -> None:
    endmembers = results["endmembers"]
    assert len(endmembers["names"]) == len(endmembers["values"]) == 3
    assert len(endmembers["values"][0]) == 30
    assert set(results["assets"]) == RESULT_FILES
    for asset in results["assets"].values():
        assert len(service.get(asset["href"]).content) == asset["size"]
    archive = service.get(results["assets"]["abundances.npy"]["href"].removesuffix("/abundances.npy") + ".zip")
    assert set(zipfile.ZipFile(io.BytesIO(archive.content)).namelist()) == {*RESULT_FILES, "result.json"}
    maps = np.load(io.BytesIO(service.get(results["assets"]["abundances.npy"]["href"]).content))
    assert maps.shape == (20, 20, 3)
    assert maps.dtype == np.float32
    assert (maps >= 0).all()
    np.testing.assert_allclose(maps.sum(axis=2), 1.0, atol=1e-5)
