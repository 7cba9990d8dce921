"""No room left: during an upload, and while results are written; a problem that says so, nothing half-written."""

import errno
from pathlib import Path
from typing import Any

import httpx
import pytest

from model_store.settings import Settings
from model_store.stores import Stores
from tests.conftest import npy, small_scene
from tests.service.test_bad_input import assert_nothing_left, assert_problem
from worker.tasks import run_job

SCENE = {"file": ("scene.npy", npy(small_scene()))}


def no_room(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "/secret/path")


def test_an_upload(service: httpx.Client, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.uploads.Receiver._data", no_room)
    problem = assert_problem(service.post("/unmix", files=SCENE), 507, ["no room"])
    assert problem["type"] == "/problems/storage-full"
    assert "secret" not in problem["detail"]
    assert_nothing_left(service, settings)


def test_another_error_of_the_system_keeps_its_text_to_the_log(
    service: httpx.Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error", "/secret/path")

    monkeypatch.setattr("service.uploads.Receiver._data", broken)
    response = service.post("/unmix", files=SCENE)
    assert_problem(response, 500, ["log"])
    assert "secret" not in response.text
    assert_nothing_left(service, settings)


def test_the_results(
    service: httpx.Client, settings: Settings, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unmixing.io.apply.image.write_products", no_room)
    fields = {"method": "vca_fcls", "n_endmembers": "3"}
    job = service.post("/unmix", data=fields, files=SCENE).json()
    run_job(job["jobID"], settings, on_lost=lambda: None)
    assert_problem(service.get(f"/jobs/{job['jobID']}/results"), 507, ["no room"])
    assert service.get(f"/jobs/{job['jobID']}").json()["status"] == "failed"
    assert not stores.inputs.of(job["jobID"]).exists()
    assert list(Path(settings.data / "results").iterdir()) == []
