"""Who asked to hear of a job is told once it has ended, signed, whatever happens to the service meanwhile."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from model_store.jobs import ENDED
from model_store.records import JobError, JobStatus, now
from model_store.settings import Settings
from model_store.stores import Stores
from service.outbound.signing import keys_of, signed_headers
from service.outbound.subscriptions import Form, Subscription, Subscriptions
from service.outbound.webhooks import MAX_ATTEMPTS
from tests.conftest import npy, record, serving, small_scene, wait_until, working
from tests.service.test_bad_input import assert_nothing_left, assert_problem
from tests.service.web import Asked, Page, Web, web

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
SCENE = npy(small_scene())
FIELDS = {"method": "vca_fcls", "n_endmembers": "3"}
BASE = "http://service.example/"


@pytest.fixture
def site() -> Iterator[Web]:
    with web() as served:
        served.pages["/hook"] = Page(b"thank you", 204, {"Content-Length": ""})
        yield served


@pytest.fixture
def sending(settings: Settings) -> Settings:
    """Looks often and soon tries again; its operator names this machine."""
    more = {
        "webhook_secret": SECRET,
        "outbound_allow": "127.0.0.1",
        "webhook_retry_seconds": 0.02,
        "sweep_seconds": 0.05,
    }
    return settings.model_copy(update=more)


@pytest.fixture
def subscriptions(settings: Settings) -> Subscriptions:
    return Subscriptions(settings.data.resolve() / "webhooks")


def submit(service: httpx.Client, hook: str, **fields: str) -> str:
    """The id of a job that tells ``hook``."""
    answer = service.post("/unmix", files={"file": ("scene.npy", SCENE)}, data={**FIELDS, **fields, "webhook": hook})
    assert answer.status_code in (200, 202), answer.text
    return str(answer.json()["jobID"])


def end(stores: Stores, job_id: str, status: str = "successful") -> None:
    attempt = stores.jobs.start(job_id)
    assert attempt is not None
    if status == "failed":
        stores.jobs.fail(job_id, attempt, JobError(kind="SceneFormatError", detail="not a scene"))
    else:
        stores.jobs.succeed(job_id, attempt)


def is_signed(asked: Asked, key: bytes = KEY) -> bool:
    """As a receiver checks it, after the specification and without this project's code."""
    text = f"{asked.headers['webhook-id']}.{asked.headers['webhook-timestamp']}.".encode() + asked.body
    expected = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    fresh = abs(time.time() - int(asked.headers["webhook-timestamp"])) < 60
    return fresh and f"v1,{expected}" in asked.headers["webhook-signature"].split()


def told(site: Web) -> dict[str, Any]:
    wait_until(lambda: site.asked, 10)
    document: dict[str, Any] = json.loads(site.asked[-1].body)
    return document


@pytest.mark.parametrize("status", ["successful", "failed", "dismissed"])
def test_the_end_of_a_job_is_told_and_signed(
    sending: Settings, stores: Stores, site: Web, subscriptions: Subscriptions, status: str
) -> None:
    with serving(sending) as service:
        job_id = submit(service, site.url("/hook"))
        assert site.asked == []
        if status == "dismissed":
            service.delete(f"/jobs/{job_id}")
        else:
            end(stores, job_id, status)
        document = told(site)
        wait_until(lambda: not subscriptions.due(), 10)
        assert document["type"] == f"job.{status}"
        assert document["data"] == service.get(f"/jobs/{job_id}").json()
    (asked,) = site.asked
    assert asked.method == "POST"
    assert asked.headers["Content-Type"] == "application/json"
    assert is_signed(asked)
    assert not is_signed(asked, KEY[::-1])


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of https://www.standardwebhooks.com, also in its libraries' tests."""
    (key,) = keys_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    moment = now().fromtimestamp(1614265330, tz=now().tzinfo)
    headers = signed_headers((key,), "msg_p5jXN8AQM9LWM0D4loKWxJek", moment, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_while_a_key_is_changed_both_sign() -> None:
    headers = signed_headers(keys_of(f"{SECRET} {SECRET}"), "msg_a", now(), b"")
    assert len(headers["webhook-signature"].split()) == 2
    for secret in ("abc", SECRET.removeprefix("whsec_"), "whsec_!", "whsec_YWJj"):
        with pytest.raises(ValueError, match="UNMIX_WEBHOOK_SECRET"):
            keys_of(secret)


def test_what_does_not_arrive_is_sent_again_under_the_same_id(sending: Settings, stores: Stores, site: Web) -> None:
    site.pages["/hook"] = Page(b"not now", 503)
    with serving(sending) as service:
        end(stores, submit(service, site.url("/hook")))
        wait_until(lambda: len(site.asked) >= 3, 10)
        site.pages["/hook"] = Page(status=200)
        wait_until(lambda: not list((sending.data / "webhooks").glob("*.json")), 10)
        n_sent = len(site.asked)
        time.sleep(0.3)
    assert len(site.asked) == n_sent
    assert len({asked.headers["webhook-id"] for asked in site.asked}) == 1
    assert all(is_signed(asked) for asked in site.asked)


@pytest.mark.parametrize("page", [Page(status=410), Page(status=302, headers={"Location": "/other"}), Page(status=500)])
def test_it_is_not_sent_for_ever(
    sending: Settings, stores: Stores, site: Web, subscriptions: Subscriptions, page: Page
) -> None:
    site.pages["/hook"] = page
    job = stores.jobs.reserve(record())
    end(stores, job.id)
    subscriptions.put(Subscription(job_id=job.id, url=site.url("/hook"), base=BASE, attempts=MAX_ATTEMPTS - 2))
    fast = sending.model_copy(update={"webhook_retry_seconds": 1e-6})
    with serving(fast):
        wait_until(lambda: not list(subscriptions.folder.glob("*.json")), 10)
    assert site.paths() == ["/hook"] * (1 if page.status == 410 else 2)


def test_waits_grow_from_one_attempt_to_the_next(
    sending: Settings, stores: Stores, site: Web, subscriptions: Subscriptions
) -> None:
    job = stores.jobs.reserve(record())
    end(stores, job.id)
    site.pages["/hook"] = Page(status=500)
    subscription = Subscription(job_id=job.id, url=site.url("/hook"), base=BASE, attempts=3)
    subscriptions.put(subscription)
    with serving(sending.model_copy(update={"webhook_retry_seconds": 5.0})):
        wait_until(lambda: subscriptions.get(subscription.id) != subscription, 10)
    later = subscriptions.get(subscription.id)
    assert later.attempts == 4
    assert 5 * 4**3 * 0.9 < (later.next_attempt - now()).total_seconds() < 5 * 4**3 * 1.3
    assert len(site.asked) == 1


def test_a_message_outlives_the_service(sending: Settings, stores: Stores, site: Web) -> None:
    with serving(sending) as service:
        job_id = submit(service, site.url("/hook"))
    end(stores, job_id)
    stores.redis.flushall()
    assert site.asked == []
    with serving(sending):
        assert told(site)["data"]["jobID"] == job_id


def test_a_file_by_reference_becomes_a_result_and_a_webhook(sending: Settings, site: Web) -> None:
    """With a real worker, from the address of a scene to the message of its end; and once more for the same bytes."""
    site.pages["/scene.npy"] = Page(SCENE)
    body = {"href": site.url("/scene.npy"), **FIELDS, "webhook": site.url("/hook")}
    with serving(sending) as service, working(sending):
        answer = service.post("/unmix", json=body)
        assert answer.status_code == 202, answer.text
        wait_until(lambda: "/hook" in site.paths())
        assert json.loads(site.asked[-1].body)["type"] == "job.successful"
        assert service.get(f"/jobs/{answer.json()['jobID']}/results").status_code == 200
        assert service.post("/unmix", json=body).status_code == 200
        wait_until(lambda: site.paths().count("/hook") == 2, 10)
    first, second = (asked for asked in site.asked if asked.path == "/hook")
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_equal_work_tells_everybody_who_asked(sending: Settings, stores: Stores, site: Web) -> None:
    with serving(sending) as service:
        job_id = submit(service, site.url("/hook"))
        assert submit(service, site.url("/hook?second")) == job_id
        site.pages["/hook?second"] = site.pages["/hook"]
        end(stores, job_id)
        wait_until(lambda: len(site.asked) == 2, 10)
    assert sorted(site.paths()) == ["/hook", "/hook?second"]
    assert len({asked.headers["webhook-id"] for asked in site.asked}) == 2


def test_mixtures_in_json_have_webhooks_too(sending: Settings, stores: Stores, site: Web) -> None:
    body = {"mixtures": [[0.1, 0.2, 0.4], [0.3, 0.1, 0.0], [0.2, 0.2, 0.4], [0.5, 0.3, 0.4]], "n_sources": 2}
    with serving(sending) as service:
        answer = service.post("/unmix", json={**body, "webhook": site.url("/hook")})
        assert answer.status_code == 202, answer.text
        end(stores, answer.json()["jobID"])
        assert told(site)["type"] == "job.successful"


@pytest.mark.parametrize(
    "hook",
    [
        "http://169.254.169.254/",
        "http://127.0.0.2/",
        "http://[::1]/",
        "file:///a",
        "ftp://a/",
        "no address",
        "s3://b/k",
    ],
)
def test_no_webhook_leads_inward(sending: Settings, hook: str) -> None:
    with serving(sending) as service:
        answer = service.post("/unmix", files={"file": ("scene.npy", SCENE)}, data={**FIELDS, "webhook": hook})
        assert assert_problem(answer, 422, [hook])["type"] == "/problems/reference-refused"
        assert_nothing_left(service, sending)


def test_an_address_that_has_become_an_inner_one_is_not_asked(
    sending: Settings, stores: Stores, site: Web, subscriptions: Subscriptions
) -> None:
    job = stores.jobs.reserve(record())
    end(stores, job.id)
    subscription = Subscription(job_id=job.id, url=site.url("/hook"), base=BASE)
    subscriptions.put(subscription)
    with serving(sending.model_copy(update={"outbound_allow": "", "webhook_retry_seconds": 60.0})):
        wait_until(lambda: subscriptions.get(subscription.id).attempts == 1, 10)
    assert site.connections == 0


def test_without_a_secret_no_webhook_is_promised(service: httpx.Client, settings: Settings) -> None:
    answer = service.post(
        "/unmix", files={"file": ("scene.npy", SCENE)}, data={**FIELDS, "webhook": "https://a.example/"}
    )
    assert_problem(answer, 422, ["UNMIX_WEBHOOK_SECRET"])
    assert_nothing_left(service, settings)


def test_a_receiver_that_never_answers_keeps_nobody_waiting(sending: Settings, stores: Stores, site: Web) -> None:
    site.pages["/slow"] = Page(seconds_before=5.0)
    with serving(sending) as service:
        job_id = submit(service, site.url("/slow"))
        submit(service, site.url("/hook"))
        end(stores, job_id)
        wait_until(lambda: len(site.asked) == 2, 4)
        assert service.get("/livez").status_code == 200
        wait_until(lambda: len(list((sending.data / "webhooks").glob("*.json"))) == 1, 4)


@pytest.mark.parametrize("as_far", ["running", "successful", "gone"])
def test_a_subscriber_hears_of_the_states_it_asked_for_alone(
    sending: Settings, stores: Stores, site: Web, subscriptions: Subscriptions, as_far: str
) -> None:
    job = stores.jobs.reserve(record())
    attempt = stores.jobs.start(job.id)
    subscriptions.put(
        Subscription(
            job_id=job.id,
            url=site.url("/hook"),
            base=BASE,
            on=(JobStatus.RUNNING,),
            form=Form.STATUS,
            next_attempt=now(),
        )
    )
    later = now() + timedelta(hours=1)
    ends = Subscription(job_id=job.id, url=site.url("/end"), base=BASE, on=ENDED, next_attempt=later)
    subscriptions.put(ends)
    if as_far != "running":
        assert stores.jobs.succeed(job.id, attempt or 0)
    if as_far == "gone":
        stores.jobs.remove(job.id)
    with serving(sending):
        wait_until(lambda: [path.stem for path in subscriptions.folder.glob("*.json")] == [ends.id], 10)
    if as_far == "running":
        assert told(site)["status"] == "running"
        assert told(site)["links"][0]["href"] == f"{BASE}jobs/{job.id}"
    assert site.paths() == (["/hook"] if as_far == "running" else [])


def test_a_message_that_cannot_be_read_stops_no_other(
    sending: Settings, stores: Stores, site: Web, subscriptions: Subscriptions, tmp_path: Path
) -> None:
    job = stores.jobs.reserve(record())
    end(stores, job.id)
    subscriptions.put(Subscription(job_id=job.id, url=site.url("/hook"), base=BASE))
    (subscriptions.folder / "msg_0.json").write_text("{")
    with serving(sending):
        assert told(site)["data"]["jobID"] == job.id
