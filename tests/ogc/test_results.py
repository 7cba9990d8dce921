"""OGC 18-062r2, abstract tests A.35 to A.47 (jobs and their results), A.55 to A.57 (encodings) and A.81 to A.82."""

import json
from base64 import b64encode
from collections.abc import Callable

import httpx
import pytest

from tests.conftest import long_training, npy, small_scene
from tests.ogc.conftest import ASYNC, QUICK, Ogc
from tests.ogc.test_core import is_exception
from tests.ogc.test_execution import parts_of

STATUS_INFO = {
    "jobID": str, "processID": str, "type": str, "status": str, "message": str, "created": str, "updated": str,
    "progress": int, "links": list,
}  # fmt: skip
STAC_SCHEMA = "https://schemas.stacspec.org/v1.0.0/collection-spec/json-schema/collection.json"


def running(ogc: Ogc) -> str:
    """The id of a job that takes longer than a test looks at it."""
    fields, content = long_training()
    inputs = {**fields, "n_endmembers": 3, "file": b64encode(content).decode()}
    return ogc.execute("unmix", inputs, ASYNC).json()["jobID"]


def test_a35_a36_status_of_a_job(ogc: Ogc) -> None:
    job = ogc.get(f"/jobs/{ogc.unmixed()}").json()
    assert {name: type(job[name]) for name in STATUS_INFO} == STATUS_INFO
    assert (job["processID"], job["type"], job["status"], job["progress"]) == ("unmix", "process", "successful", 100)
    assert job["created"] <= job["started"] <= job["finished"]
    assert {link["rel"].rpartition("/")[2] for link in job["links"]} >= {"self", "monitor", "results"}


@pytest.mark.parametrize("path", ["/jobs/none", "/jobs/none/results"])
def test_a37_a45_no_such_job(ogc: Ogc, path: str) -> None:
    assert is_exception(ogc.get(path), 404, "no-such-job")


def test_a38_results(ogc: Ogc) -> None:
    answer = ogc.results()
    assert answer.status_code == 200
    collection = answer.json()["stac"]
    assert (collection["schema"], collection["mediaType"]) == (STAC_SCHEMA, "application/json")
    for name, asset in collection["value"]["assets"].items():
        assert asset["href"] == answer.json()[name]["href"]
        assert ogc.client.head(asset["href"]).headers["content-type"].startswith(asset["type"])


def test_a39_what_was_waited_for_is_a_job(ogc: Ogc, apply: Callable[..., httpx.Response]) -> None:
    outputs: dict = {"abundances.npy": {}, "result": {}}
    answer = apply(outputs=outputs)
    job = ogc.get(answer.links["monitor"]["url"]).json()
    assert (job["status"], job["processID"]) == ("successful", "apply-model")
    assert ogc.get(f"/jobs/{job['jobID']}/results").json() == answer.json()


def test_a40_one_raw_value_of_a_job(ogc: Ogc) -> None:
    answer = ogc.results(outputs={"endmembers.csv": {"transmissionMode": "value"}}, response="raw")
    assert answer.headers["content-type"].startswith("text/csv")
    assert ogc.results(outputs={"stac": {}}).json()["type"] == "Collection"


def test_a41_several_raw_values_of_a_job(ogc: Ogc) -> None:
    answer = ogc.results(outputs={"endmembers.csv": {}, "stac": {}}, response="raw")
    parts = parts_of(answer)
    assert parts["endmembers.csv"].get_content_type() == "text/csv"
    assert json.loads(parts["stac"].get_payload())["type"] == "Collection"


def test_a42_raw_references_of_a_job(ogc: Ogc) -> None:
    answer = ogc.results(outputs={"endmembers.csv": {"transmissionMode": "reference"}}, response="raw")
    assert (answer.status_code, answer.content) == (204, b"")
    assert ogc.get(answer.links["endmembers.csv"]["url"]).headers["content-type"].startswith("text/csv")


def test_a43_raw_values_and_references_of_a_job(ogc: Ogc) -> None:
    outputs = {"endmembers.csv": {"transmissionMode": "reference"}, "stac": {"transmissionMode": "value"}}
    parts = parts_of(ogc.results(outputs=outputs, response="raw"))
    assert ogc.get(parts["endmembers.csv"]["Content-Location"]).status_code == 200
    assert json.loads(parts["stac"].get_payload())["type"] == "Collection"


def test_a44_a_document_of_a_job(ogc: Ogc) -> None:
    document = ogc.results(response="document").json()
    described = ogc.get("/processes/unmix").json()["outputs"]
    assert set(document) <= set(described)
    assert {"stac", "result", "abundances.tif", "endmembers.csv", "quicklook.png"} <= set(document)
    for value in document.values():
        assert set(value) & {"value", "href"}


def test_a46_results_before_the_end_a81_a82_dismissal(ogc: Ogc) -> None:
    job_id = running(ogc)
    assert is_exception(ogc.get(f"/jobs/{job_id}/results"), 404, "result-not-ready")
    answer = ogc.client.delete(f"/jobs/{job_id}")
    assert (answer.status_code, answer.json()["status"], answer.json()["jobID"]) == (200, "dismissed", job_id)
    assert ogc.get(f"/jobs/{job_id}").json()["status"] == "dismissed"
    assert ogc.client.delete(f"/jobs/{job_id}").json()["status"] == "dismissed"
    assert is_exception(ogc.get(f"/jobs/{job_id}"), 404, "no-such-job")


def test_a47_results_of_a_failed_job(ogc: Ogc) -> None:
    # Its file is damaged while the job waits behind another one.
    behind = running(ogc)
    job = ogc.execute("unmix", {**QUICK, "seed": 47}).json()["jobID"]
    (ogc.data / "inputs" / job / "scene").write_bytes(b"damaged")
    ogc.client.delete(f"/jobs/{behind}")
    assert ogc.finished(job)["status"] == "failed"
    answer = ogc.get(f"/jobs/{job}/results")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/scene-format")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == ogc.get(f"/jobs/{job}").json()["error"]["detail"]


@pytest.mark.parametrize("path", ["/", "/conformance", "/processes", "/processes/unmix", "/jobs"])
def test_a55_json(ogc: Ogc, path: str) -> None:
    answer = ogc.client.get(path, headers={"Accept": "application/json"})
    assert answer.headers["content-type"] == "application/json"


def test_a56_a57_html_is_not_claimed(ogc: Ogc) -> None:
    assert not any(name.endswith("/html") for name in ogc.get("/conformance").json()["conformsTo"])


def test_jobs_of_both_faces_keep_their_form_of_results(ogc: Ogc) -> None:
    files = {"file": ("scene.npy", npy(small_scene()))}
    job_id = ogc.client.post("/unmix", data={"method": "vca_fcls", "n_endmembers": "3"}, files=files).json()["jobID"]
    ogc.finished(job_id)
    document = ogc.get(f"/jobs/{job_id}/results").json()
    assert set(document["endmembers"]) >= {"names", "values"}
    assert ogc.results().json()["result"]["value"]["endmembers"] == document["endmembers"]
    assert ogc.get(f"/jobs/{job_id}/results/stac").json()["assets"].keys() == document["assets"].keys()


def test_no_such_output(ogc: Ogc) -> None:
    assert is_exception(ogc.get(f"/jobs/{ogc.unmixed()}/results/none"), 404, "no-such-output")
    answer = ogc.execute("unmix", QUICK, outputs={"none": {}})
    assert (answer.status_code, "none" in answer.json()["detail"]) == (400, True)
