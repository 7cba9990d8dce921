"""Labels of jobs, and lists that show some of the jobs alone."""

from typing import Any

import httpx
import pytest

from model_store.records import MAX_LABEL_LENGTH, MAX_LABELS
from model_store.settings import Settings
from model_store.stores import Stores
from tests.conftest import npy, record, serving, small_scene

SCENE = npy(small_scene())


def post(service: httpx.Client, name: str = "scene.npy", **fields: str) -> dict[str, Any]:
    answer = service.post("/unmix", data=fields, files={"file": (name, SCENE)})
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


def listed(service: httpx.Client, **filters: str) -> list[str]:
    answer = service.get("/jobs", params=filters)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["numberMatched"] == len(page["jobs"])
    return [job["jobID"] for job in page["jobs"]]


def test_a_job_shows_its_file_and_its_label(service: httpx.Client) -> None:
    job = post(service, "north.npy", label="north field, täglich")
    assert job["labels"] == ["north field, täglich"]
    assert job["inputs"]["file"] == ["north.npy"]
    assert "label" not in job["inputs"]
    assert service.get(f"/jobs/{job['jobID']}").json() == job


def test_a_label_comes_in_the_query_and_in_json_too(service: httpx.Client) -> None:
    body = service.post("/unmix?label=whole", content=SCENE, headers={"Content-Type": "application/x-npy"}).json()
    mixtures = [[0.1, 0.2, 0.4], [0.3, 0.1, 0.0], [0.2, 0.2, 0.4], [0.5, 0.3, 0.4]]
    sent = service.post("/unmix", json={"mixtures": mixtures, "n_sources": 2, "label": "json"}).json()
    assert [body["labels"], sent["labels"]] == [["whole"], ["json"]]


def test_equal_work_under_another_label_is_the_same_job_and_found_under_both(service: httpx.Client) -> None:
    first = post(service, label="monday")
    second = post(service, label="tuesday")
    assert second["jobID"] == first["jobID"]
    assert second["labels"] == ["monday", "tuesday"]
    assert post(service)["labels"] == post(service, label="monday")["labels"] == ["monday", "tuesday"]
    assert listed(service, label="monday") == listed(service, label="tuesday") == [first["jobID"]]


def test_labels_outlive_the_queue(service: httpx.Client, settings: Settings, stores: Stores) -> None:
    job_id = post(service, label="monday")["jobID"]
    post(service, label="tuesday")
    stores.redis.flushall()
    with serving(settings) as again:
        assert again.get(f"/jobs/{job_id}").json()["labels"] == ["monday", "tuesday"]


def test_of_more_labels_than_a_job_holds_the_oldest_goes(stores: Stores) -> None:
    job = stores.jobs.reserve(record())
    for number in range(MAX_LABELS + 1):
        stores.jobs.label(job.id, f"label {number}")
    found = stores.jobs.get(job.id)
    assert found is not None
    assert (len(found.labels), found.labels[0]) == (MAX_LABELS, "label 1")
    stores.jobs.label("nobody", "label")
    assert stores.jobs.get("nobody") is None


@pytest.mark.parametrize(("label", "words"), [("x" * (MAX_LABEL_LENGTH + 1), "200"), ("two\nlines", "one line")])
def test_a_label_that_is_none_is_refused(service: httpx.Client, label: str, words: str) -> None:
    answer = service.post("/unmix", data={"label": label}, files={"file": ("scene.npy", SCENE)})
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_lists_filter_by_label_file_method_and_status(service: httpx.Client) -> None:
    first = post(service, "a.npy", label="one", method="nmf")["jobID"]
    second = post(service, "b.npy", label="one", method="nmf,vca_fcls")["jobID"]
    third = post(service, "b.npy", label="two", method="compare")["jobID"]
    assert listed(service, label="one") == [second, first]
    assert listed(service, file="b.npy") == [third, second]
    assert listed(service, method="nmf") == [third, second, first]
    assert listed(service, method="lpalm") == [third]
    assert listed(service, method="vca_fcls", label="one") == [second]
    service.delete(f"/jobs/{second}")
    assert listed(service, label="one", status="dismissed") == [second]
    assert listed(service, label="one", status="accepted") == [first]
    assert listed(service, label="neither") == []


def test_pages_of_a_filtered_list_keep_the_filter(service: httpx.Client) -> None:
    ids = [post(service, seed=str(seed), label="a & b" if seed % 2 else "c")["jobID"] for seed in range(6)]
    page = service.get("/jobs", params={"label": "a & b", "limit": 1}).json()
    seen = [job["jobID"] for job in page["jobs"]]
    while following := [link["href"] for link in page["links"] if link["rel"] == "next"]:
        page = service.get(following[0]).json()
        assert page["numberMatched"] == 3
        seen += [job["jobID"] for job in page["jobs"]]
    assert seen == [ids[5], ids[3], ids[1]]


def test_a_method_that_there_is_not_is_no_filter(service: httpx.Client) -> None:
    answer = service.get("/jobs", params={"method": "magic"})
    assert answer.status_code == 422
    assert "vca_fcls" in answer.json()["detail"]
