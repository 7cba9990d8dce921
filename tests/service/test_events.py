"""``/jobs/{id}/events``: how a job goes on, as server-sent events."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from model_store.jobs import Report
from model_store.stores import Stores
from service import app, watching
from service.watching import JobWatcher
from tests.conftest import poison, wait_until
from tests.service.test_http import finish, post


class Watched(JobWatcher):
    """Remembers the last watcher that a service has opened, and counts its questions."""

    opened: "Watched"
    n_polls = 0

    def __init__(self, redis: Any) -> None:
        super().__init__(redis)
        Watched.opened = self
        pipeline = redis.pipeline

        def counted(**options: Any) -> Any:
            self.n_polls += 1
            return pipeline(**options)

        redis.pipeline = counted

    @property
    def n_listeners(self) -> int:
        return sum(watched.listeners for watched in list(self._watched.values()))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(watching, "HEARTBEAT_SECONDS", 0.3)
    monkeypatch.setattr(app, "JobWatcher", Watched)


def events(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """The events of a stream, comments as events of the field ``comment``."""
    found: dict[str, str] = {}
    for line in lines:
        if not line:
            yield found
            found = {}
            continue
        name, _, value = line.partition(": ")
        found[name or "comment"] = value


def status_of(event: dict[str, str]) -> tuple[str, int]:
    job = json.loads(event["data"])
    return job["status"], job["progress"]


def test_a_stream_tells_every_change_and_ends_with_the_job(service: httpx.Client, stores: Stores) -> None:
    job = post(service).json()
    url = next(link["href"] for link in job["links"] if link["type"] == "text/event-stream")
    with service.stream("GET", url) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in answer.headers
        stream = events(answer.iter_lines())
        first = next(stream)
        assert (first["event"], json.loads(first["data"])) == ("status", job)
        attempt = stores.jobs.start(job["jobID"]) or 0
        assert status_of(next(stream)) == ("running", 0)
        stores.jobs.touch(job["jobID"], attempt, Report(40, "training", "training"))
        told = next(stream)
        assert status_of(told) == ("running", 40)
        stores.jobs.succeed(job["jobID"], attempt)
        last = next(stream)
        assert status_of(last) == ("successful", 100)
        assert json.loads(last["data"]) == service.get(f"/jobs/{job['jobID']}").json()
        assert list(stream) == []
    assert len({event["id"] for event in (first, told, last)}) == 3
    assert Watched.opened.n_listeners == 0


def test_a_silent_stream_has_heartbeats(service: httpx.Client) -> None:
    job_id = post(service).json()["jobID"]
    with service.stream("GET", f"/jobs/{job_id}/events") as answer:
        stream = events(answer.iter_lines())
        assert "data" in next(stream)
        assert [set(next(stream)) for _ in range(2)] == [{"comment"}] * 2


def test_an_ended_job_is_one_event_and_nobody_has_to_come_again(service: httpx.Client, stores: Stores) -> None:
    job_id = post(service).json()["jobID"]
    finish(stores, job_id)
    told = list(events(iter(service.get(f"/jobs/{job_id}/events").text.splitlines())))
    assert [status_of(event) for event in told] == [("successful", 100)]
    again = service.get(f"/jobs/{job_id}/events", headers={"Last-Event-ID": told[0]["id"]})
    assert (again.status_code, again.content) == (204, b"")
    other = service.get(f"/jobs/{job_id}/events", headers={"Last-Event-ID": "nonsense, 12"})
    assert other.status_code == 200


def test_a_stream_ends_when_its_job_is_stopped_or_removed(service: httpx.Client, stores: Stores) -> None:
    dismissed, removed = post(service).json()["jobID"], post(service, seed="1").json()["jobID"]
    with service.stream("GET", f"/jobs/{dismissed}/events") as answer:
        stream = events(answer.iter_lines())
        next(stream)
        service.delete(f"/jobs/{dismissed}")
        assert [status_of(event)[0] for event in stream if "data" in event] == ["dismissed"]
    with service.stream("GET", f"/jobs/{removed}/events") as answer:
        stream = events(answer.iter_lines())
        next(stream)
        stores.jobs.discard(removed)
        assert all("data" not in event for event in stream)


def test_there_are_no_events_of_a_job_that_is_not_there_or_cannot_be_read(
    service: httpx.Client, stores: Stores
) -> None:
    assert service.get("/jobs/nobody/events").status_code == 404
    assert service.get(f"/jobs/{poison(stores)}/events").status_code == 500


def test_a_listener_that_goes_away_leaves_nothing_behind(service: httpx.Client) -> None:
    job_id = post(service).json()["jobID"]
    with service.stream("GET", f"/jobs/{job_id}/events") as answer:
        lines = answer.iter_lines()  # kept: once it is collected, the client goes away
        next(lines)
        assert Watched.opened.n_listeners == 1
    wait_until(lambda: Watched.opened.n_listeners == 0, 5)
    assert service.head(f"/jobs/{job_id}/events").status_code == 200
    assert Watched.opened.n_listeners == 0


def test_many_listeners_are_one_question_at_a_time(service: httpx.Client, stores: Stores) -> None:
    job_id, n_listeners = post(service).json()["jobID"], 20
    ended = []

    def listen() -> None:
        with httpx.stream("GET", f"{service.base_url}/jobs/{job_id}/events", timeout=30) as answer:
            ended.append([status_of(event)[0] for event in events(answer.iter_lines()) if "data" in event][-1])

    listeners = [threading.Thread(target=listen) for _ in range(n_listeners)]
    for listener in listeners:
        listener.start()
    wait_until(lambda: Watched.opened.n_listeners == n_listeners, 20)
    before = Watched.opened.n_polls
    wait_until(lambda: Watched.opened.n_polls >= before + 3, 10)
    # Twenty that ask by themselves would have asked sixty times while one asked three times.
    assert Watched.opened.n_polls < before + n_listeners
    service.delete(f"/jobs/{job_id}")
    for listener in listeners:
        listener.join(20)
    assert ended == ["dismissed"] * n_listeners
