"""A Redis that has lost everything: the next sweep fills it again, and no upload is lost."""

from pathlib import Path

import httpx
import pytest

from model_store.settings import Settings
from model_store.stores import Stores
from tests.conftest import npy, serving, small_scene, wait_until
from worker.tasks import run_job

FIELDS = {"method": "vca_fcls", "n_endmembers": "3"}


def post(service: httpx.Client, seed: int) -> str:
    answer = service.post("/unmix", files={"file": ("scene.npy", npy(small_scene(seed)))}, data=FIELDS)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["jobID"])


def test_ended_jobs_are_answered_as_before(settings: Settings, stores: Stores) -> None:
    with serving(settings) as service:
        done, waits = post(service, 0), post(service, 1)
        run_job(done, settings, on_lost=lambda: None)
        paths = [f"/jobs/{done}", f"/jobs/{done}/results", f"/jobs/{done}/results/abundances.npy", f"/jobs/{waits}"]
        before = [service.get(path).content for path in paths]
        stores.redis.flushall()
        wait_until(lambda: service.get(paths[-1]).status_code == 200, 5)
        assert [service.get(path).content for path in paths[:3]] == before[:3]
        assert service.get(f"/jobs/{'0' * 32}").status_code == 404


def test_an_upload_is_kept_that_was_being_accepted(
    settings: Settings, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_everything(*_: object) -> None:
        stores.redis.flushall()

    with serving(settings) as service:
        monkeypatch.setattr("service.queues.JobQueue.enqueue", lose_everything)
        job_id = post(service, 0)
        monkeypatch.undo()
        wait_until(lambda: stores.redis.llen("rq:queue:apply") == 1, 10)
        assert service.get(f"/jobs/{job_id}").json()["status"] == "accepted"
        assert Path(settings.data / "inputs" / job_id / "scene.npy").is_file()
