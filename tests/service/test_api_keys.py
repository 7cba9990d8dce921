"""API keys: nobody comes in without one where there are keys, and nobody sees what another key has made.

Every route of the application is asked, so that a new one cannot be forgotten.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount

from model_store.api_keys import ApiKeys
from model_store.errors import UnknownKeyError
from model_store.models import model_id
from model_store.records import JobStatus
from model_store.settings import Settings
from model_store.stores import Stores
from service.access import is_public
from service.app import create_app
from tests.conftest import npy, poison, record, serving, small_scene, stored_model
from unmixing.io.products.document import write_document

SCENE = npy(small_scene())
LABEL = "the north field"
APP = create_app(Settings())
ROUTES: list[tuple[str, str]] = sorted(
    (method, f"{route.path}/" if isinstance(route, Mount) else route.path)
    for route in [*APP.state.routes, *(route for route in APP.routes if hasattr(route, "path"))]
    for method in (route.methods if isinstance(route, APIRoute) else {"GET"})
)
PRIVATE = [(method, path) for method, path in ROUTES if not is_public(path)]
PUBLIC = {
    *("/", "/livez", "/readyz", "/problems/{name}", "/conformance", "/api", "/openapi.json", "/docs"),
    *("/docs/oauth2-redirect", "/static-offline-docs/", "/page/{build}/{name}"),
}


@dataclass
class Tenant:
    """A client with a key of its own, and what it has: a finished job with a model that it trained."""

    http: httpx.Client
    owner: str
    job_id: str = ""
    model_id: str = ""

    def url(self, path: str) -> str:
        name = "maps.npy" if "results" in path else "key-required"
        return path.format(job_id=self.job_id, model_id=self.model_id, process_id="echo", name=name)

    def post(self, **fields: str) -> httpx.Response:
        return self.http.post("/unmix", data=fields, files={"file": ("scene.npy", SCENE)})

    def finish(self, stores: Stores) -> None:
        """Let a job of this tenant end as a worker would."""
        self.job_id = self.post(label=LABEL).json()["jobID"]
        own, attempt = stores.of(self.owner), stores.jobs.start(self.job_id) or 0
        self.model_id = own.models.register(stored_model())
        with stores.results.writing(self.job_id) as folder:
            (folder / "maps.npy").write_bytes(bytes(100))
            assets = {"maps.npy": {"href": "maps.npy", "type": "application/x-npy", "size": 100}}
            model = {"id": self.model_id}
            write_document(folder, {"warnings": [], "endmembers": {}, "model": model, "assets": assets})
        stores.jobs.succeed(self.job_id, attempt)


@pytest.fixture
def tenants(settings: Settings, stores: Stores) -> Iterator[tuple[Tenant, Tenant]]:
    """The first has a job and a model, the second nothing."""
    keys = [ApiKeys(settings.keys_folder).create(label) for label in ("first", "second")]
    with serving(settings) as client:
        first, second = (
            Tenant(httpx.Client(base_url=client.base_url, headers={"X-API-Key": text}, timeout=60), key.id)
            for key, text in keys
        )
        first.finish(stores)
        yield first, second
        first.http.close()
        second.http.close()


def test_only_what_is_the_same_for_all_is_public() -> None:
    assert {path for _, path in ROUTES if is_public(path)} == PUBLIC
    assert {path for method, path in PRIVATE if method == "GET"} >= {"/jobs", "/models", "/methods", "/processes"}


def test_every_other_route_asks_for_a_key(tenants: tuple[Tenant, Tenant]) -> None:
    first, _ = tenants
    with httpx.Client(base_url=first.http.base_url) as stranger:
        for method, path in PRIVATE:
            for headers in ({}, {"X-API-Key": "unmix_" + "0" * 12 + "_" + "a" * 43}, {"Authorization": "Basic eDp5"}):
                answer = stranger.request(method, first.url(path), headers=headers)
                assert answer.status_code == 401, (method, path)
                assert answer.headers["www-authenticate"].startswith("Bearer")
                assert answer.headers["content-type"] == "application/problem+json"
        assert stranger.get("/nothing").status_code == 401
        for path in PUBLIC - {"/static-offline-docs/", "/page/{build}/{name}"}:
            assert stranger.get(first.url(path)).status_code == 200, path


def test_no_route_shows_another_key_what_is_mine(tenants: tuple[Tenant, Tenant], stores: Stores) -> None:
    first, second = tenants
    nothing = Tenant(second.http, second.owner, "0" * 32, "0" * 32)
    mine = (first.job_id, first.model_id, LABEL)
    for method, path in sorted(PRIVATE, key=lambda route: route[0] == "DELETE"):
        seen = second.http.request(method, first.url(path))
        if "{job_id}" in path or "{model_id}" in path:
            missing = second.http.request(method, nothing.url(path))
            assert seen.status_code == missing.status_code == 404, (method, path)
            plain = seen.text.replace(first.job_id, "0" * 32).replace(first.model_id, "0" * 32)
            assert plain == missing.text, (method, path)
        else:
            assert not [text for text in mine if text in seen.text], (method, path)
        if method == "GET" and "events" not in path:
            assert first.http.get(first.url(path)).status_code == 200, path
    assert stores.jobs.get(first.job_id) is not None
    assert first.http.get("/jobs").json()["numberMatched"] == first.http.get("/models").json()["numberMatched"] == 1
    assert first.http.get("/jobs", params={"status": "successful", "label": LABEL}).json()["numberMatched"] == 1
    assert second.http.get("/jobs", params={"status": "successful"}).json()["numberMatched"] == 0


def test_equal_work_of_two_keys_is_two_jobs(tenants: tuple[Tenant, Tenant], stores: Stores) -> None:
    first, second = tenants
    assert (first.post().status_code, first.post().json()["jobID"]) == (200, first.job_id)
    other = second.post()
    assert other.status_code == 202
    assert other.json()["jobID"] != first.job_id
    assert other.json()["labels"] == []
    third = first.post(seed="3").json()["jobID"]
    fourth = second.post(seed="3").json()["jobID"]
    assert second.http.delete(f"/jobs/{fourth}").json()["status"] == "dismissed"
    assert second.http.delete(f"/jobs/{third}").status_code == 404
    assert first.http.get(f"/jobs/{third}").json()["status"] == "accepted"
    assert stores.redis.exists(f"rq:job:{third}-1")


def test_a_model_of_another_key_cannot_be_applied_or_removed(tenants: tuple[Tenant, Tenant], stores: Stores) -> None:
    first, second = tenants
    assert first.post(model=first.model_id).status_code == 202
    refused = second.post(model=first.model_id)
    assert (refused.status_code, refused.json()["type"]) == (404, "/problems/no-such-model")
    execution = {"inputs": {"file": {"value": "AAAA", "encoding": "base64"}, "model": first.model_id}}
    assert second.http.post("/processes/apply-model/execution", json=execution).status_code in (404, 422)
    # The same content, trained by both, is a model of each.
    assert stores.of(second.owner).models.register(stored_model()) == first.model_id
    assert second.http.delete(f"/models/{first.model_id}").status_code == 204
    assert first.http.get(f"/models/{first.model_id}/model.onnx").status_code == 200


def test_a_record_that_cannot_be_read_belongs_to_somebody_too(tenants: tuple[Tenant, Tenant], stores: Stores) -> None:
    first, second = tenants
    job_id = poison(stores, owner=first.owner)
    assert first.http.get(f"/jobs/{job_id}").status_code == 500
    assert second.http.get(f"/jobs/{job_id}").status_code == second.http.delete(f"/jobs/{job_id}").status_code == 404
    assert first.http.delete(f"/jobs/{job_id}").status_code == 204


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
def test_a_key_opens_until_it_is_revoked(settings: Settings, header: str) -> None:
    keys = ApiKeys(settings.keys_folder)
    with serving(settings) as client:
        assert client.get("/jobs").status_code == 200
        assert client.get("/jobs", headers={"Authorization": "Bearer of-a-gateway"}).status_code == 200
        assert client.get("/jobs", headers={"X-API-Key": "unmix_typo"}).status_code == 401
        key, text = keys.create()
        sent = {header: text if header == "X-API-Key" else f"Bearer {text}"}
        assert client.get("/jobs").status_code == 401
        assert client.get("/jobs", headers=sent).status_code == 200
        assert client.get("/jobs", headers={header: sent[header][:-1] + "!"}).status_code == 401
        keys.revoke(key.id)
        assert client.get("/jobs", headers=sent).status_code == 401
        assert client.get("/jobs").status_code == 401


def test_anonymous_jobs_and_those_of_keys_do_not_mix(settings: Settings) -> None:
    _, text = ApiKeys(settings.keys_folder).create()
    with serving(settings.model_copy(update={"allow_anonymous": True})) as client:
        anonymous, owned = (
            client.post("/unmix", files={"file": ("scene.npy", SCENE)}, headers=headers).json()["jobID"]
            for headers in ({}, {"X-API-Key": text})
        )
        for headers, mine, other in (({}, anonymous, owned), ({"X-API-Key": text}, owned, anonymous)):
            for query in ("", "?status=accepted"):
                jobs = client.get(f"/jobs{query}", headers=headers).json()
                assert ([job["jobID"] for job in jobs["jobs"]], jobs["numberMatched"]) == ([mine], 1)
            assert client.get(f"/jobs/{mine}", headers=headers).status_code == 200
            assert client.get(f"/jobs/{other}/results", headers=headers).status_code == 404
            assert client.get(f"/jobs/{other}", headers=headers).status_code == 404


def test_keys_alone_open_a_service_that_was_told_so(settings: Settings) -> None:
    with serving(settings.model_copy(update={"allow_anonymous": False})) as client:
        assert client.get("/jobs").status_code == 401
        assert client.get("/livez").status_code == 200


def test_a_key_is_kept_as_its_hash_alone(settings: Settings) -> None:
    keys = ApiKeys(settings.keys_folder)
    key, text = keys.create("lab")
    stored = (settings.keys_folder / f"{key.id}.json").read_text()
    assert text.rpartition("_")[2] not in stored
    assert json.loads(stored)["label"] == "lab"
    assert keys.holder(text) == key
    assert [keys.holder(wrong) for wrong in ("", text[:-1], f"{text}a", text.replace(key.id, "../" + key.id))] == [
        None
    ] * 4
    with pytest.raises(UnknownKeyError, match="unmix keys list"):
        keys.revoke("../../x")


def test_the_queue_is_filled_again_with_the_jobs_of_each_owner(stores: Stores) -> None:
    entered = stores.jobs.reserve(record(owner="a" * 12))
    stores.redis.flushall()
    assert stores.jobs.restore(entered) is JobStatus.ACCEPTED
    mine, others = stores.of("a" * 12).jobs, stores.of("b" * 12).jobs
    assert (mine.page(limit=9, offset=0)[1], others.page(limit=9, offset=0)[1]) == (1, 0)
    stores.jobs.dismiss(entered.id)
    assert mine.page(JobStatus.DISMISSED, limit=9, offset=0)[1] == 1
    assert mine.page(JobStatus.ACCEPTED, limit=9, offset=0)[1] == 0
    assert stores.jobs.remove(entered.id)
    assert mine.page(limit=9, offset=0) == ([], 0)


def test_the_documents_say_how_a_key_is_sent() -> None:
    document: dict[str, Any] = APP.openapi()
    assert {scheme["type"] for scheme in document["components"]["securitySchemes"].values()} == {"http", "apiKey"}
    for path, operations in document["paths"].items():
        for facts in operations.values():
            assert ("401" in facts["responses"]) is (facts.get("security") != []) is (path not in PUBLIC), path


def test_models_of_an_owner_have_a_folder_of_their_own(stores: Stores) -> None:
    model = stored_model()
    stores.of("a" * 12).models.register(model)
    assert stores.models.page(limit=9, offset=0) == ([], 0)
    assert stores.models.folders() == [stores.models.folder, stores.models.folder / ("a" * 12)]
    assert stores.of("a" * 12).models.get(model_id(model)).id == model_id(model)
