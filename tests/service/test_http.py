"""Jobs, results and models over HTTP, without a worker: paging, equality, stopping, ranges."""

import asyncio
import io
import json
import zlib
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from redis import Redis

from model_store.errors import DataFolderMismatchError, StoreError
from model_store.jobs import ENDED
from model_store.records import JobError, JobStatus
from model_store.settings import Settings
from model_store.stores import Stores
from service.app import create_app
from service.errors import TABLE, ServiceError
from service.queues import TASK
from service.schemas.jobs import job_document
from tests.conftest import npy, poison, record, serving, small_scene, stored_model, wait_until
from unmixing.errors import UnmixingError
from unmixing.io.products.document import write_document
from unmixing.io.products.table import PRODUCTS
from unmixing.manifest import MODEL_MEDIA_TYPE
from unmixing.specs import UnmixSpec
from worker.run import run_worker

SCENE = npy(small_scene())


def post(service: httpx.Client, content: bytes = SCENE, name: str = "scene.npy", **fields: str) -> httpx.Response:
    return service.post("/unmix", data=fields, files={"file": (name, content)})


def finish(stores: Stores, job_id: str, content: bytes = bytes(range(100))) -> None:
    """Leave behind what a worker does."""
    attempt = stores.jobs.start(job_id) or 0
    with stores.results.writing(job_id) as folder:
        (folder / "maps.npy").write_bytes(content)
        facts = {"href": "maps.npy", "type": "application/octet-stream", "size": len(content)}
        sections: dict[str, Any] = {"endmembers": {}, "metrics": {}, "model": {"id": "m"}, "input": {}}
        write_document(folder, {**sections, "assets": {"maps.npy": facts}})
    stores.jobs.succeed(job_id, attempt)


def test_a_new_job(service: httpx.Client) -> None:
    response = post(service, n_endmembers="3", seed="7")
    assert response.status_code == 202
    job = response.json()
    assert response.headers["location"] == f"{service.base_url}/jobs/{job['jobID']}"
    assert (job["status"], job["progress"], job["processID"], job["type"]) == ("accepted", 0, "unmix", "process")
    assert job["created"].endswith("Z")
    assert {link["rel"] for link in job["links"]} == {"self", "monitor", "describedby"}
    assert (job["inputs"]["n_endmembers"], job["inputs"]["seed"]) == (3, 7)
    assert service.get(response.headers["location"]).json() == job


def test_only_ids_are_on_the_queue(service: httpx.Client, queue_url: str) -> None:
    job_id = post(service).json()["jobID"]
    with Redis.from_url(queue_url) as redis:
        assert redis.lrange("rq:queue:train", 0, -1) == [f"{job_id}-1".encode()]
        data: Any = redis.hget(f"rq:job:{job_id}-1", "data")
        assert json.loads(zlib.decompress(data)) == [TASK, None, [job_id], {}]


def test_a_stored_model_goes_to_its_own_queue(service: httpx.Client, stores: Stores) -> None:
    model = stores.models.register(stored_model())
    assert post(service, model=model).json()["inputs"]["model"] == model
    assert stores.redis.llen("rq:queue:apply") == 1
    assert stores.redis.llen("rq:queue:train") == 0


def test_equal_work_under_way_is_the_same_job(service: httpx.Client, settings: Settings) -> None:
    first, second = post(service), post(service, name="other.npy")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["jobID"] == second.json()["jobID"]
    assert second.headers["location"] == first.headers["location"]
    assert [path.name for path in (settings.data / "inputs").iterdir()] == [first.json()["jobID"]]


@pytest.mark.parametrize(
    "fields",
    [
        {"seed": "1"},
        {"n_endmembers": "3"},
        {"max_training_seconds": "9"},
        {"abundances_of": "shape"},
        {"pure_pixels": "false"},
    ],
)
def test_another_spec_is_another_job(service: httpx.Client, fields: dict[str, Any]) -> None:
    assert post(service).json()["jobID"] != post(service, **fields).json()["jobID"]


def test_other_bytes_are_another_job(service: httpx.Client) -> None:
    assert post(service).json()["jobID"] != post(service, npy(small_scene(seed=1))).json()["jobID"]


def test_defaults_spelled_out_are_equal_work(service: httpx.Client) -> None:
    spelled = post(service, method="lpalm", seed="0", n_endmembers="", variable="", abundances_of="area")
    assert spelled.json()["jobID"] == post(service).json()["jobID"]


def test_finished_work_is_returned_at_once(service: httpx.Client, stores: Stores) -> None:
    job_id = post(service).json()["jobID"]
    finish(stores, job_id)
    again = post(service)
    assert (again.status_code, again.json()["jobID"]) == (200, job_id)
    assert any(link["rel"].endswith("/results") for link in again.json()["links"])


def test_finished_work_whose_results_are_gone_is_done_again(service: httpx.Client, stores: Stores) -> None:
    job_id = post(service).json()["jobID"]
    finish(stores, job_id)
    stores.results.remove(job_id)
    again = post(service)
    assert again.status_code == 202
    assert again.json()["jobID"] != job_id


def test_an_envi_pair_is_one_scene(service: httpx.Client) -> None:
    cube = small_scene()
    header = "ENVI\nsamples = 20\nlines = 20\nbands = 30\ndata type = 4\ninterleave = bip\nbyte order = 0\n"
    parts = [("file", ("scene.hdr", header.encode())), ("file", ("scene.img", cube.tobytes()))]
    response = service.post("/unmix", files=parts)
    assert response.status_code == 202, response.text
    assert service.post("/unmix", files=parts[::-1]).json()["jobID"] == response.json()["jobID"]


def test_jobs_are_paged(service: httpx.Client) -> None:
    ids = [post(service, seed=str(seed)).json()["jobID"] for seed in range(5)]
    page = service.get("/jobs", params={"limit": 2}).json()
    seen = [job["jobID"] for job in page["jobs"]]
    while following := [link["href"] for link in page["links"] if link["rel"] == "next"]:
        page = service.get(following[0]).json()
        seen += [job["jobID"] for job in page["jobs"]]
    assert seen == ids[::-1]
    assert page["numberMatched"] == 5
    assert any(link["rel"] == "prev" for link in page["links"])
    service.delete(f"/jobs/{ids[1]}")
    dismissed = service.get("/jobs", params={"status": "dismissed"}).json()
    assert [job["jobID"] for job in dismissed["jobs"]] == [ids[1]]


@pytest.mark.parametrize("query", ["limit=0", "limit=abc", "offset=-1", "status=sleeping"])
def test_a_bad_page_is_a_problem(service: httpx.Client, query: str) -> None:
    response = service.get(f"/jobs?{query}")
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert all(word in response.json()["detail"] for word in query.split("="))


def test_a_waiting_job_is_dismissed_then_removed(service: httpx.Client, stores: Stores) -> None:
    job_id = post(service).json()["jobID"]
    dismissed = service.delete(f"/jobs/{job_id}")
    assert (dismissed.status_code, dismissed.json()["status"]) == (200, "dismissed")
    assert not stores.inputs.of(job_id).exists()
    assert stores.redis.llen("rq:queue:train") == 0
    assert service.get(f"/jobs/{job_id}/results").status_code == 404
    assert post(service).json()["jobID"] != job_id
    assert service.delete(f"/jobs/{job_id}").status_code == 200
    assert service.get(f"/jobs/{job_id}").status_code == 404
    assert service.delete(f"/jobs/{job_id}").status_code == 404


def test_an_ended_job_is_removed_with_its_results(service: httpx.Client, stores: Stores) -> None:
    job_id = post(service).json()["jobID"]
    finish(stores, job_id)
    assert service.delete(f"/jobs/{job_id}").json()["status"] == "dismissed"
    assert stores.results.document(job_id) is None
    assert service.get(f"/jobs/{job_id}").status_code == 404


def test_a_failed_job_tells_why(service: httpx.Client, stores: Stores) -> None:
    job = stores.jobs.reserve(record())
    error = JobError(kind="BandMismatchError", detail="198 bands, not 224")
    stores.jobs.fail(job.id, stores.jobs.start(job.id) or 0, error)
    shown = service.get(f"/jobs/{job.id}").json()["error"]
    assert (shown["type"], shown["status"], shown["detail"]) == (
        "/problems/band-mismatch",
        422,
        "198 bands, not 224",
    )
    for path in ("results", "results/abundances.tif"):
        response = service.get(f"/jobs/{job.id}/{path}")
        assert response.status_code == 422
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["detail"] == error.detail


def test_assets_answer_head_range_and_etag(service: httpx.Client, stores: Stores) -> None:
    job_id = post(service).json()["jobID"]
    finish(stores, job_id)
    url = service.get(f"/jobs/{job_id}/results").json()["assets"]["maps.npy"]["href"]
    whole = service.get(url)
    assert whole.content == bytes(range(100))
    head = service.head(url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "100")
    assert head.headers["accept-ranges"] == "bytes"
    part = service.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
    assert part.headers["content-range"] == "bytes 10-19/100"
    assert service.get(url, headers={"Range": "bytes=-5"}).content == bytes(range(95, 100))
    assert service.get(url, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    refused = service.get(url, headers={"Range": "bytes=500-"})
    assert (refused.status_code, refused.headers["content-range"]) == (416, "bytes */100")
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("name", ["result.json", "..%2F..%2Fsecret", "%2Fetc%2Fpasswd", "other.npy"])
def test_only_assets_are_served(service: httpx.Client, stores: Stores, settings: Settings, name: str) -> None:
    job_id = post(service).json()["jobID"]
    finish(stores, job_id)
    (settings.data / "secret").write_text("secret")
    response = service.get(f"/jobs/{job_id}/results/{name}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_models(service: httpx.Client, stores: Stores) -> None:
    identifier = stores.models.register(stored_model())
    listed = service.get("/models").json()["models"]
    assert [model["id"] for model in listed] == [identifier]
    model = service.get(f"/models/{identifier}").json()
    assert model["manifest"]["n_bands"] == 30
    [(url, media_type)] = [(link["href"], link["type"]) for link in model["links"] if link["rel"] == "enclosure"]
    assert service.get(url).headers["content-type"] == media_type == MODEL_MEDIA_TYPE
    assert {row.media_type for row in PRODUCTS if row.name == "model.onnx"} == {MODEL_MEDIA_TYPE}
    assert service.get(url).content == stored_model().onnx
    assert service.head(url).headers["content-length"] == str(model["size"])
    assert service.get(url, headers={"Range": "bytes=0-3"}).content == b"onnx"
    assert service.delete(f"/models/{identifier}").status_code == 204
    for path in (f"/models/{identifier}", f"/models/{identifier}/model.onnx"):
        response = service.get(path)
        assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")


def test_live_and_ready(service: httpx.Client) -> None:
    assert service.get("/livez").status_code == 200
    ready = service.get("/readyz")
    assert ready.status_code == 200
    missing = ["no worker serves the queue `train`: jobs that train a network wait"]
    missing.append("no worker serves the queue `apply`: jobs without a training wait")
    assert ready.json() == {"ready": True, "checks": {"data": "ok", "queue": "ok", "workers": 0}, "missing": missing}


def test_without_its_queue_the_service_lives_and_says_so(settings: Settings, tmp_path: Path) -> None:
    nowhere = settings.model_copy(update={"redis_url": f"unix://{tmp_path}/nothing"})
    with serving(nowhere) as service:
        assert service.get("/livez").status_code == 200
        ready = service.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["queue"]) == (503, "does not answer")
        response = service.get("/jobs/any")
        assert (response.status_code, response.headers["content-type"]) == (503, "application/problem+json")
        assert post(service).status_code == 503


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("PUT", "/unmix", 405), ("POST", "/jobs", 405)]
)
def test_what_the_framework_refuses_is_a_problem_too(
    service: httpx.Client, method: str, path: str, status: int
) -> None:
    response = service.request(method, path)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert path in response.json()["detail"]


def test_a_refused_method_is_told_all_that_are_not(service: httpx.Client) -> None:
    assert service.put("/jobs/any").headers["allow"] == "DELETE, GET, HEAD, OPTIONS"
    assert service.put("/jobs/any/results/a.npy").headers["allow"] == "GET, HEAD, OPTIONS"


def test_an_unforeseen_error_is_a_bare_500(settings: Settings) -> None:
    app = create_app(settings)

    @app.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError("secret/path")

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/broken")

    response = asyncio.run(ask())
    assert (response.status_code, response.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in response.text


def subclasses(root: type[Exception]) -> set[type[Exception]]:
    return {root}.union(*(subclasses(child) for child in root.__subclasses__()))


@pytest.mark.parametrize("root", [UnmixingError, StoreError, ServiceError])
def test_every_error_has_its_row(root: type[Exception]) -> None:
    missing = {error for error in subclasses(root) if error not in TABLE}
    assert missing == set()


def test_every_kind_of_problem_is_explained(service: httpx.Client) -> None:
    for row in TABLE.values():
        if "/" not in row.type:
            explained = service.get(f"/problems/{row.type}")
            assert explained.status_code == 200
            assert explained.json()["meaning"]
    assert service.get("/problems/nothing").status_code == 404


def test_every_example_of_a_body_is_accepted(service: httpx.Client) -> None:
    content = service.get("/openapi.json").json()["paths"]["/unmix"]["post"]["requestBody"]["content"]
    examples = {kind: facts["schema"]["example"] for kind, facts in content.items() if "example" in facts["schema"]}
    assert set(examples) == {"multipart/form-data", "application/json"}
    response = service.post("/unmix", json=examples["application/json"])
    assert response.status_code == 202, response.text
    form = examples["multipart/form-data"]
    scene = io.BytesIO()
    np.savez(scene, cube=small_scene())
    files = [("file", (name, scene.getvalue())) for name in form.pop("file")]
    response = service.post("/unmix", files=files, data={name: str(value) for name, value in form.items()})
    assert response.status_code == 202, response.text


def test_the_openapi_document(service: httpx.Client) -> None:
    document = service.get("/openapi.json").json()
    body = document["paths"]["/unmix"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert set(body["properties"]) == {
        *(
            "file",
            "library",
            "endmembers",
            "mixing_library",
            "kind",
            "method",
            "model",
            "seed",
            "variable",
            "webhook",
            "max_training_seconds",
        ),
        *("n_endmembers", "n_sources", "nonnegative", "sparse", "abundances_of", "pure_pixels", "label"),
        *("axes", "rows", "columns", "wavelengths", "bad_bands", "keep_bands", "nodata", "scale", "mask"),
        *("acquired", "derived_from"),
    }
    assert body["properties"]["abundances_of"]["enum"] == ["area", "shape"]
    assert all("description" in field for field in body["properties"].values())
    assert "example" in body
    assert "Problem" in document["components"]["schemas"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_landing(service: httpx.Client) -> None:
    for link in service.get("/").json()["links"]:
        assert service.get(link["href"]).status_code == 200


def test_ended_states_are_complete() -> None:
    assert set(ENDED) == set(JobStatus) - {JobStatus.ACCEPTED, JobStatus.RUNNING}


def test_a_job_that_cannot_be_read_is_a_clear_problem_and_can_be_removed(service: httpx.Client, stores: Stores) -> None:
    job, poisoned = post(service).json(), poison(stores)
    listing = service.get("/jobs")
    assert listing.status_code == 200
    assert [found["jobID"] for found in listing.json()["jobs"]] == [job["jobID"]]
    for path in (f"/jobs/{poisoned}", f"/jobs/{poisoned}/results"):
        problem = service.get(path)
        assert (problem.status_code, problem.json()["type"]) == (500, "/problems/unreadable-record")
        assert f"DELETE /jobs/{poisoned}" in problem.json()["detail"]
    assert service.delete(f"/jobs/{poisoned}").status_code == 204
    assert service.get(f"/jobs/{poisoned}").status_code == 404
    assert service.get("/jobs").json()["numberMatched"] == 1


def test_a_restart_on_an_empty_queue_answers_everything_as_before(settings: Settings, stores: Stores) -> None:
    fields: dict[str, Any] = {"method": "vca_fcls", "n_endmembers": "3"}
    with serving(settings) as service:
        done = post(service, **fields).json()["jobID"]
        finish(stores, done)
        failed = post(service, **fields, seed="1").json()["jobID"]
        stores.jobs.fail(failed, stores.jobs.start(failed) or 0, JobError(kind="SpecError", detail="too many"))
        waiting = post(service, **fields, seed="2").json()["jobID"]
        before = service.get("/jobs").json()["jobs"]
        results = service.get(f"/jobs/{done}/results").json()
    stores.redis.flushall()
    with serving(settings) as service:
        after = service.get("/jobs").json()["jobs"]
        assert [job["jobID"] for job in after] == [waiting, failed, done]
        assert [without_urls(job) for job in after[1:]] == [without_urls(job) for job in before[1:]]
        assert service.get(f"/jobs/{done}/results").json()["input"] == results["input"]
        assert service.get(f"/jobs/{done}/results/maps.npy").content == bytes(range(100))
        assert service.get(f"/jobs/{failed}/results").json()["detail"] == "too many"
        assert post(service, **fields).json()["jobID"] == done
        wait_until(lambda: stores.redis.lrange("rq:queue:apply", 0, -1) == [f"{waiting}-1".encode()], 10)
        assert (settings.data / "inputs" / waiting).is_dir()


def without_urls(job: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in job.items() if name != "links"}


def test_another_data_folder_on_the_same_queue_is_refused(settings: Settings, service: httpx.Client) -> None:
    other = settings.model_copy(update={"data": settings.data.with_name("other")})

    async def start() -> None:
        async with create_app(other).router.lifespan_context(create_app(other)):
            pass

    with pytest.raises(DataFolderMismatchError, match="other"):
        asyncio.run(start())
    with pytest.raises(DataFolderMismatchError, match="other"):
        run_worker(other)


def test_a_text_that_is_no_unicode_is_refused_and_leaves_nothing_behind(service: httpx.Client) -> None:
    mixtures = [[1, 2, 3], [3, 4, 1], [2, 2, 9], [1, 5, 6], [7, 1, 2]]
    body = json.dumps({"mixtures": mixtures, "n_sources": 2, "variable": "\ud800"})
    refused = service.post("/unmix", content=body, headers={"content-type": "application/json"})
    assert refused.status_code == 422, refused.text
    listing = service.get("/jobs")
    assert (listing.status_code, listing.json()["numberMatched"]) == (200, 0)


def test_a_job_document_shows_every_field_of_the_spec() -> None:
    class LaterSpec(UnmixSpec):
        a_later_field: int = 7

    later = record().model_copy(update={"spec": LaterSpec()})
    shown = job_document(later, "http://service/", Settings()).model_dump()["inputs"]
    assert set(LaterSpec.model_fields) <= set(shown)
    assert shown["a_later_field"] == 7
