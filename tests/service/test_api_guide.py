"""``docs/api.md`` is true: each of its calls works, and each call of the service stands in it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from model_store.settings import Settings
from model_store.stores import Stores
from service.app import create_app
from tests.conftest import REPOSITORY, npy, small_scene, stored_model
from worker.tasks import run_job

GUIDE = (REPOSITORY / "docs" / "api.md").read_text("utf-8")
CALLS = [line for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.S) for line in block.splitlines() if "curl" in line]


def test_every_call_of_the_service_stands_in_the_guide() -> None:
    called = set()
    for call in CALLS:
        method = "delete" if "-X DELETE" in call else "post" if re.search(r" (-F|-d|--data-binary) ", call) else "get"
        called.add((method, re.sub(r"[?\"# ].*", "", call.partition("$SERVICE")[2])))
    documented = {
        (
            method,
            path.format(
                job_id="$JOB",
                model_id="$MODEL",
                process_id="unmix" if method == "get" else "echo",
                name="band-mismatch" if "problems" in path else "*",
            ),
        )
        for path, found in create_app(Settings()).openapi()["paths"].items()
        for method in found
    }
    files = {(method, re.sub(r"/results/.*", "/results/*", path)) for method, path in called}
    assert files == documented


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not there")
def test_every_call_in_the_guide_works(
    service: httpx.Client, stores: Stores, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "scene.npy").write_bytes(npy(small_scene()))
    fields = {"n_endmembers": "3", "method": "vca_fcls", "seed": "5"}
    job_id = service.post("/unmix", data=fields, files={"file": ("scene.npy", npy(small_scene()))}).json()["jobID"]
    run_job(job_id, settings, on_lost=lambda: None)
    names = {
        "SERVICE": str(service.base_url).rstrip("/"),
        "JOB": job_id,
        "MODEL": stores.models.register(stored_model()),
    }
    assert len(CALLS) > 20
    for call in CALLS:
        strict = call.replace("curl ", "curl -sS --fail-with-body ", 1)
        done = subprocess.run(
            ["bash", "-c", strict], cwd=tmp_path, env=os.environ | names, capture_output=True, check=False, timeout=60
        )
        assert done.returncode == 0, (call, done.stdout[-500:], done.stderr[-500:])
