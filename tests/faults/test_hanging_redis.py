"""A Redis that takes connections and never answers: requests end in seconds, and the process counts as alive."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from model_store.records import JobStatus
from model_store.settings import Settings
from model_store.stores import open_stores
from tests.conftest import npy, record, redis_server, serving, small_scene, wait_until
from worker.tasks import run_job

N_CLIENTS = 60
"""More than the threads of the service."""


def test_requests_end_in_seconds_and_the_process_counts_as_alive(tmp_path: Path) -> None:
    with redis_server() as (redis, url):
        settings = Settings(data=tmp_path / "data", redis_url=url, redis_timeout_seconds=0.5, sweep_seconds=0.25)
        with serving(settings) as service:
            scene = {"file": ("scene.npy", npy(small_scene()))}
            job = service.post("/unmix", files=scene).json()["jobID"]
            os.kill(redis.pid, signal.SIGSTOP)
            try:
                with ThreadPoolExecutor(N_CLIENTS) as clients:
                    waiting = [clients.submit(seconds_and_status, service, "/jobs") for _ in range(N_CLIENTS)]
                    time.sleep(0.3)
                    seconds, status = seconds_and_status(service, "/livez")
                    assert (status, seconds < 1.0) == (200, True), seconds
                    answers = [future.result() for future in waiting]
                assert {status for _, status in answers} == {503}
                assert max(seconds for seconds, _ in answers) < 10
                for path in (f"/jobs/{job}", f"/jobs/{job}/results", "/readyz"):
                    seconds, status = seconds_and_status(service, path)
                    assert (status, seconds < 5.0) == (503, True), (path, seconds)
                assert service.post("/unmix", files=scene).status_code == 503
            finally:
                os.kill(redis.pid, signal.SIGCONT)
            wait_until(lambda: service.get("/readyz").status_code == 200, 10)
            assert service.get(f"/jobs/{job}").json()["status"] == "accepted"


def seconds_and_status(service: httpx.Client, path: str) -> tuple[float, int]:
    begun = time.monotonic()
    status = httpx.get(f"{service.base_url}{path}", timeout=20.0).status_code
    return time.monotonic() - begun, status


def test_a_worker_outlives_a_redis_that_hangs_for_a_while(tmp_path: Path) -> None:
    """Results computed meanwhile are stored afterwards."""
    with redis_server() as (redis, url):
        settings = Settings(data=tmp_path / "data", redis_url=url, redis_timeout_seconds=0.5, lease_seconds=60.0)
        stores = open_stores(settings)
        job = stores.jobs.reserve(record(spec={"n_endmembers": 3, "method": "vca_fcls"}))
        stores.inputs.of(job.id).mkdir(parents=True)
        (stores.inputs.of(job.id) / "scene.npy").write_bytes(npy(small_scene()))
        worker = threading.Thread(target=run_job, args=(job.id, settings), kwargs={"on_lost": lambda: None})
        worker.start()
        wait_until(lambda: stores.jobs.ids(JobStatus.RUNNING) == [job.id], 10)
        os.kill(redis.pid, signal.SIGSTOP)
        time.sleep(2.0)
        os.kill(redis.pid, signal.SIGCONT)
        worker.join()
        assert stores.jobs.ids(JobStatus.SUCCESSFUL) == [job.id]
        stores.redis.close()
