"""Limits per key and in all: requests in a second, bytes of an upload, jobs that wait, numbers of a scene."""

import httpx
import pytest

from model_store.api_keys import ApiKeys, KeyLimits
from model_store.settings import Settings
from model_store.stores import Stores
from service.rate_limits import limited_name
from tests.conftest import npy, serving, small_scene

SCENE = npy(small_scene())


def post(client: httpx.Client, seed: int = 0, headers: dict[str, str] | None = None) -> httpx.Response:
    return client.post("/unmix", files={"file": ("scene.npy", SCENE)}, data={"seed": str(seed)}, headers=headers)


def key(settings: Settings, **limits: float) -> dict[str, str]:
    """Headers with a new key of these limits."""
    return {"X-API-Key": ApiKeys(settings.keys_folder).create("", KeyLimits.model_validate(limits))[1]}


def assert_refused(answer: httpx.Response, status: int, kind: str) -> None:
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{kind}"), answer.text
    assert (int(answer.headers["retry-after"]) >= 1) if status in (429, 503) else True


def test_a_full_queue_takes_no_more_and_loses_nothing(settings: Settings, stores: Stores) -> None:
    with serving(settings.model_copy(update={"max_queue_length": 3})) as client:
        jobs = [post(client, seed).json()["jobID"] for seed in range(3)]
        assert_refused(post(client, 3), 503, "queue-full")
        assert post(client, 1).json()["jobID"] == jobs[1]  # equal work takes no room
        assert sorted(stores.jobs.files.ids()) == sorted(jobs)
        assert {path.name for path in (settings.data / "inputs").iterdir()} == set(jobs)
        execution = {"inputs": {"file": {"href": "data:,"}, "mixtures": [[1, 2]]}}
        assert client.post("/processes/unmix/execution", json=execution).status_code in (400, 422)
        client.delete(f"/jobs/{jobs[0]}")
        assert post(client, 3).status_code == 202


def test_one_key_does_not_fill_the_queue_of_another(settings: Settings) -> None:
    greedy, own, other = key(settings), key(settings, max_waiting_jobs=3), key(settings)
    with serving(settings.model_copy(update={"max_waiting_jobs": 2})) as client:
        for headers, most in ((greedy, 2), (own, 3)):
            assert [post(client, seed, headers).status_code for seed in range(most)] == [202] * most
            assert_refused(post(client, most, headers), 429, "too-many-jobs")
        assert post(client, 0, other).status_code == 202


def test_more_requests_than_a_key_may_make(settings: Settings) -> None:
    slow, other = key(settings, requests_per_second=0.2), key(settings)
    with serving(settings) as client:
        answers = [client.get("/jobs", headers=slow) for _ in range(4)]
        assert [answer.status_code for answer in answers[:2]] == [200, 200]
        assert_refused(answers[3], 429, "too-many-requests")
        assert client.get("/livez", headers=slow).status_code == 200
        assert client.get("/jobs", headers=other).status_code == 200


def test_services_on_one_queue_count_together(settings: Settings) -> None:
    slow = key(settings, requests_per_second=0.2)
    with serving(settings) as first, serving(settings) as second:
        statuses = [client.get("/jobs", headers=slow).status_code for _ in range(2) for client in (first, second)]
    assert statuses == [200, 200, 429, 429]


@pytest.mark.parametrize(
    ("owner", "address", "name"),
    [
        ("a", "127.0.0.1", "key:a"),
        (None, "127.0.0.1", None),
        (None, "::1", None),
        (None, None, None),
        (None, "192.0.2.1", "address:192.0.2.1"),
        (None, "proxy", "address:proxy"),
    ],
)
def test_who_is_counted(owner: str | None, address: str | None, name: str | None) -> None:
    assert limited_name(owner, address) == name


@pytest.mark.parametrize("announced", [True, False])
def test_a_key_may_have_a_smaller_upload(settings: Settings, announced: bool) -> None:
    small = {**key(settings, max_upload_bytes=1000), "Content-Type": "application/x-npy"}
    with serving(settings) as client:
        content = SCENE if announced else iter([SCENE])
        assert_refused(client.post("/unmix", content=content, headers=small), 413, "too-large")


def test_a_scene_of_too_many_numbers_is_refused_by_its_header(settings: Settings) -> None:
    with serving(settings.model_copy(update={"max_values": 20 * 20 * 30 - 1})) as client:
        refused = post(client)
        assert_refused(refused, 413, "scene-too-large")
        assert "400 pixels of 30 bands" in refused.json()["detail"]
        part = client.post("/unmix", files={"file": ("scene.npy", SCENE)}, data={"rows": "0:19"})
        assert part.status_code == 202
