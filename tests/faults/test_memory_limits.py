"""A job that needs too much memory fails with words that say so; its worker lives and takes the next one."""

import subprocess
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from model_store.deliveries import Delivery
from model_store.settings import Settings
from model_store.stores import Stores
from tests.conftest import npy, record, small_scene, wait_until, working
from tests.service.test_bad_input import assert_problem
from worker.attempts import run_held

LIMIT = 400 * 2**20
"""More than a work-horse has before it reads anything, less than the large scene needs."""


@pytest.fixture
def worker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    with working(settings.model_copy(update={"job_memory_bytes": LIMIT})) as process:
        yield process


def post(service: httpx.Client, scene: np.ndarray, **fields: str) -> str:
    answer = service.post("/unmix", files={"file": ("scene.npy", npy(scene))}, data={"n_endmembers": "3", **fields})
    assert answer.status_code == 202, answer.text
    return f"/jobs/{answer.json()['jobID']}"


def test_it_is_stopped(service: httpx.Client, worker: subprocess.Popen[bytes]) -> None:
    large = post(service, small_scene(rows=400, columns=400, bands=100), method="snmf")
    small = post(service, small_scene(), method="vca_fcls")
    wait_until(lambda: service.get(small).json()["status"] == "successful")
    failed = service.get(large).json()
    assert failed["status"] == "failed", failed["message"]
    assert failed["error"]["type"] == "/problems/memory-limit"
    assert "0.39 GiB is the limit" in failed["error"]["detail"]
    assert_problem(service.get(f"{large}/results"), 413, ["memory"])
    assert worker.poll() is None


def refuse_numpy() -> bool:
    np.ones((2**40, 2**15))
    return True


def refuse_torch() -> bool:
    import torch

    torch.ones(2**50)
    return True


@pytest.mark.parametrize("work", [refuse_numpy, refuse_torch])
def test_the_system_refuses_it(settings: Settings, stores: Stores, work) -> None:
    job = stores.jobs.reserve(record())
    attempt = stores.jobs.start(job.id) or 0
    run_held(Delivery(job.id, attempt), settings, stores, work, lambda: None)
    found = stores.jobs.get(job.id)
    assert found is not None
    assert found.error is not None
    assert (found.error.kind, found.failures) == ("MemoryLimitError", 0)
    assert "more memory than this machine has" in found.error.detail
