"""Warnings over HTTP: in the results, in the job once it is successful, and of every answer of a comparison."""

from typing import Any

import httpx

from model_store.settings import Settings
from tests.conftest import npy, small_scene
from worker.tasks import run_job

FEW_BANDS = {"file": ("scene.npy", npy(small_scene(bands=6)))}


def ended(service: httpx.Client, settings: Settings, files: dict[str, Any], **fields: str) -> tuple[Any, Any]:
    """A job at its end, and its results."""
    posted = service.post("/unmix", data=fields, files=files)
    assert "warnings" not in posted.json()
    url = f"/jobs/{posted.json()['jobID']}"
    run_job(posted.json()["jobID"], settings, on_lost=lambda: None)
    return service.get(url).json(), service.get(f"{url}/results").json()


def test_a_job_tells_the_warnings_of_its_results(service: httpx.Client, settings: Settings) -> None:
    job, results = ended(service, settings, FEW_BANDS, method="vca_fcls", n_endmembers="3")
    (found,) = [warning for warning in job["warnings"] if warning["code"] == "few_bands"]
    assert set(found) == {"code", "message", "action"}
    assert "6 bands" in found["message"]
    assert job["warnings"] == results["warnings"]
    (listed,) = service.get("/jobs").json()["jobs"]
    assert listed["warnings"] == job["warnings"]


def test_a_job_without_a_warning_says_so_with_an_empty_list(service: httpx.Client, settings: Settings) -> None:
    files = {"file": ("scene.npy", npy(small_scene()))}
    job, results = ended(service, settings, files, method="vca_fcls", n_endmembers="3")
    assert (job["warnings"], results["warnings"]) == ([], [])


def test_every_answer_of_a_comparison_has_its_own_warnings(service: httpx.Client, settings: Settings) -> None:
    _, results = ended(service, settings, FEW_BANDS, method="vca_fcls,nmf", n_endmembers="3")
    answers = results["comparison"]["answers"]
    assert all("few_bands" in [warning["code"] for warning in answer["warnings"]] for answer in answers)
    assert answers[0]["warnings"] == results["warnings"]


def test_mixtures_have_a_list_of_warnings_too(service: httpx.Client, settings: Settings) -> None:
    matrix = small_scene().reshape(-1, 30)[:60].clip(0)
    job, results = ended(
        service, settings, {"file": ("m.npy", npy(matrix))}, method="nmf", n_sources="3", kind="mixtures"
    )
    assert (job["warnings"], results["warnings"]) == ([], [])
