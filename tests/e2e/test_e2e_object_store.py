"""Service and workers that share nothing but Redis and an object store."""

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import pytest

from model_store.settings import Settings
from model_store.stores import open_stores
from tests.conftest import long_training, npy, serving, small_scene, wait_until, working


@pytest.fixture
def machines(settings: Settings, s3_endpoint: str, tmp_path: Path) -> list[Settings]:
    """Those of a service and two workers, each with a data folder of its own."""
    shared = {"object_store": f"s3://unmix/{uuid.uuid4().hex}", "object_store_endpoint": s3_endpoint}
    return [
        settings.model_copy(update={**shared, "data": tmp_path / name}) for name in ("service", "worker-1", "worker-2")
    ]


@pytest.fixture
def remote(machines: list[Settings]) -> Iterator[httpx.Client]:
    with serving(machines[0]) as client:
        yield client


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def log_of(service: httpx.Client, url: str) -> list[str]:
    return [line["message"] for line in service.get(f"{url}/logs").json()["logs"]]


def ended(service: httpx.Client, url: str) -> str:
    wait_until(lambda: service.get(url).json()["status"] not in ("accepted", "running"), 120)
    return str(service.get(url).json()["status"])


def test_two_machines_finish_each_others_jobs(remote: httpx.Client, machines: list[Settings]) -> None:
    with ExitStack() as stack:
        first: subprocess.Popen[bytes] = stack.enter_context(working(machines[1]))
        fields, scene = long_training()
        url = f"/jobs/{remote.post('/unmix', data=fields, files={'file': ('a.npy', scene)}).json()['jobID']}"
        wait_until(lambda: "epoch" in remote.get(url).json()["message"])
        first.kill()
        first.wait()
        stack.enter_context(working(machines[2]))
        # The second machine, which never saw the upload, goes on with it.
        wait_until(lambda: "attempt 2 started" in log_of(remote, url))
        wait_until(lambda: "epoch" in remote.get(url).json()["message"])
        remote.delete(url).raise_for_status()

        train = {"method": "lpalm", "n_endmembers": "3", "max_training_seconds": "1"}
        files = {"file": ("scene.npy", npy(small_scene()))}
        job = remote.post("/unmix", data=train, files=files).json()["jobID"]
        assert ended(remote, f"/jobs/{job}") == "successful"
        results = remote.get(f"/jobs/{job}/results").json()
        maps = remote.get(f"/jobs/{job}/results/abundances.npy")
        assert maps.status_code == 200
        part = remote.get(f"/jobs/{job}/results/abundances.npy", headers={"Range": "bytes=0-9"})
        assert (part.status_code, part.content) == (206, maps.content[:10])
        assert remote.get(f"/jobs/{job}/results.zip").status_code == 200

        # A model that one machine trained is applied by another; the service has seen neither.
        other = npy(small_scene(seed=1).astype(np.float32))
        applied = {"model": results["model"]["id"]}
        second = remote.post("/unmix", data=applied, files={"file": ("next.npy", other)}).json()["jobID"]
        assert ended(remote, f"/jobs/{second}") == "successful"
        wait_until(lambda: files_below(machines[2].data / "inputs") == [])
        assert files_below(machines[2].data / "results") == files_below(machines[2].data / "jobs") == []

    stores = open_stores(machines[1])
    assert stores.models.page(limit=5, offset=0)[1] == 1
    assert not stores.inputs.exists(job)
    stores.redis.close()
