"""Idempotency-Key: equal request, same job; other request, 422; each API key has its own."""

import httpx
import pytest

from model_store.api_keys import ApiKeys
from model_store.settings import Settings
from tests.conftest import npy, serving, small_scene
from tests.ogc.conftest import QUICK

SCENE = npy(small_scene())


def post(client: httpx.Client, headers: dict[str, str], seed: int = 0) -> httpx.Response:
    return client.post("/unmix", files={"file": ("scene.npy", SCENE)}, data={"seed": str(seed)}, headers=headers)


def test_an_equal_request_gets_the_same_job_even_when_that_was_dismissed(service: httpx.Client) -> None:
    key = {"Idempotency-Key": "a"}
    job_id = post(service, key).json()["jobID"]
    service.delete(f"/jobs/{job_id}")
    assert post(service, key).json()["jobID"] == job_id
    assert post(service, {}).json()["jobID"] != job_id
    refused = post(service, key, seed=1)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/idempotency-key")
    assert post(service, {"Idempotency-Key": "b"}, seed=1).status_code == 202
    assert post(service, {"Idempotency-Key": "x" * 300}).status_code == 422
    service.delete(f"/jobs/{job_id}")
    assert post(service, key).json()["jobID"] != job_id


def test_execution_honours_it_too(service: httpx.Client) -> None:
    key, url = {"Idempotency-Key": "a"}, "/processes/unmix/execution"
    job_id = service.post(url, json={"inputs": QUICK}, headers=key).json()["jobID"]
    service.delete(f"/jobs/{job_id}")
    assert service.post(url, json={"inputs": QUICK}, headers=key).json()["jobID"] == job_id
    assert service.post(url, json={"inputs": {**QUICK, "seed": 4}}, headers=key).status_code == 422


def test_a_refused_request_may_be_sent_again(settings: Settings) -> None:
    with serving(settings.model_copy(update={"max_queue_length": 1})) as client:
        other = post(client, {}).json()["jobID"]
        assert post(client, {"Idempotency-Key": "a"}, seed=1).status_code == 503
        client.delete(f"/jobs/{other}")
        assert post(client, {"Idempotency-Key": "a"}, seed=1).status_code == 202


def test_each_api_key_has_its_own(settings: Settings) -> None:
    keys = [ApiKeys(settings.keys_folder).create()[1] for _ in range(2)]
    with serving(settings) as client:
        jobs = [post(client, {"X-API-Key": key, "Idempotency-Key": "a"}, seed) for seed, key in enumerate(keys)]
    assert [job.status_code for job in jobs] == [202, 202]


@pytest.mark.parametrize("document", ["/openapi.json", "/api"])
@pytest.mark.parametrize("path", ["/unmix", "/processes/{process_id}/execution"])
def test_the_documents_name_the_header(service: httpx.Client, document: str, path: str) -> None:
    parameters = service.get(document).json()["paths"][path]["post"]["parameters"]
    [header] = [row for row in parameters if row["in"] == "header"]
    assert (header["name"], header["required"]) == ("Idempotency-Key", False)
    if "{" in path:
        assert "process_id" in {row["name"] for row in parameters}
