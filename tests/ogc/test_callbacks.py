"""OGC 18-062r2, abstract test A.80: who subscribes to a job with its execute request is called."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from model_store.records import JobError
from model_store.settings import Settings
from model_store.stores import Stores
from tests.conftest import serving, wait_until
from tests.ogc.conftest import QUICK, Ogc
from tests.service.test_bad_input import assert_nothing_left
from tests.service.test_webhooks import SECRET, is_signed
from tests.service.web import Asked, Page, Web, web
from worker.tasks import run_job

URIS = ("successUri", "inProgressUri", "failedUri")


@dataclass
class Subscribed:
    """A service whose operator lets it call this machine, and a site of who subscribes."""

    client: httpx.Client
    settings: Settings
    site: Web

    def execute(self, uris: tuple[str, ...] = URIS, **members: object) -> httpx.Response:
        subscriber = {uri: self.site.url(f"/{uri}") for uri in uris}
        body = {"inputs": QUICK, "subscriber": subscriber, **members}
        return self.client.post("/processes/unmix/execution", json=body)

    def told(self, uri: str) -> Asked:
        wait_until(lambda: f"/{uri}" in self.site.paths(), 10)
        return next(asked for asked in self.site.asked if asked.path == f"/{uri}")


@pytest.fixture
def subscribed(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Subscribed]:
    """With a key, or without one where a test says so."""
    more = {"webhook_secret": getattr(request, "param", SECRET), "outbound_allow": "127.0.0.1"}
    fast = settings.model_copy(update={**more, "webhook_retry_seconds": 0.02, "sweep_seconds": 0.05})
    with web() as site, serving(fast) as client:
        site.pages.update({f"/{uri}": Page(b"", 200) for uri in URIS})
        yield Subscribed(client, fast, site)


def test_a80_the_results_are_posted_to_the_success_uri(subscribed: Subscribed, stores: Stores) -> None:
    created = subscribed.execute(outputs={"stac": {}, "endmembers.csv": {"transmissionMode": "value"}})
    assert created.status_code == 201, created.text
    job_id = created.json()["jobID"]
    run_job(job_id, subscribed.settings, on_lost=lambda: None)
    asked = subscribed.told("successUri")
    assert (asked.method, asked.headers["Content-Type"]) == ("POST", "application/json")
    assert json.loads(asked.body) == subscribed.client.get(f"/jobs/{job_id}/results").json()
    assert set(json.loads(asked.body)) == {"stac", "endmembers.csv"}
    assert is_signed(asked)
    assert "/failedUri" not in subscribed.site.paths()
    again = subscribed.execute(("successUri",), outputs={"stac": {}, "endmembers.csv": {"transmissionMode": "value"}})
    assert again.json()["jobID"] == job_id
    wait_until(lambda: subscribed.site.paths().count("/successUri") == 2, 10)


@pytest.mark.parametrize("subscribed", [None], indirect=True)
def test_without_a_key_the_message_is_not_signed(subscribed: Subscribed, stores: Stores) -> None:
    stores.jobs.start(subscribed.execute().json()["jobID"])
    assert "webhook-signature" not in subscribed.told("inProgressUri").headers


@pytest.mark.parametrize("status", ["failed", "dismissed"])
def test_a80_the_job_is_posted_to_the_failed_uri_after_that_in_progress(
    subscribed: Subscribed, stores: Stores, status: str
) -> None:
    job_id = subscribed.execute(response="raw").json()["jobID"]
    attempt = stores.jobs.start(job_id)
    assert attempt is not None
    running = json.loads(subscribed.told("inProgressUri").body)
    assert (running["jobID"], running["status"], running["type"]) == (job_id, "running", "process")
    if status == "failed":
        stores.jobs.fail(job_id, attempt, JobError(kind="SceneContentError", detail="the cube is constant"))
    else:
        subscribed.client.delete(f"/jobs/{job_id}")
    ended = json.loads(subscribed.told("failedUri").body)
    assert (ended["jobID"], ended["status"]) == (job_id, status)
    assert ended == subscribed.client.get(f"/jobs/{job_id}").json()
    assert "/successUri" not in subscribed.site.paths()


def test_what_does_not_arrive_is_sent_again(subscribed: Subscribed) -> None:
    subscribed.site.pages["/successUri"] = Page(status=503)
    job_id = subscribed.execute(("successUri",)).json()["jobID"]
    run_job(job_id, subscribed.settings, on_lost=lambda: None)
    wait_until(lambda: len(subscribed.site.asked) >= 2, 10)
    subscribed.site.pages["/successUri"] = Page(status=200)
    wait_until(lambda: not list((subscribed.settings.data / "webhooks").glob("*.json")), 10)


@pytest.mark.parametrize("uri", URIS)
def test_an_address_that_may_not_be_asked_is_refused_before_there_is_a_job(
    service: httpx.Client, settings: Settings, uri: str
) -> None:
    body = {"inputs": QUICK, "subscriber": {uri: "http://169.254.169.254/latest"}}
    answer = service.post("/processes/unmix/execution", json=body)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "reference-refused")
    assert "169.254.169.254" in answer.json()["detail"]
    assert_nothing_left(service, settings)


def test_who_listens_is_no_part_of_the_work(subscribed: Subscribed) -> None:
    plain = subscribed.client.post("/processes/unmix/execution", json={"inputs": QUICK}).json()["jobID"]
    assert subscribed.execute().json()["jobID"] == plain


def test_the_class_is_claimed(ogc: Ogc) -> None:
    classes = ogc.get("/conformance").json()["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/callback" in classes
