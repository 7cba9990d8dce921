"""OGC 18-062r2, abstract tests A.16 to A.34: executing processes."""

import base64
import io
import json
from collections.abc import Callable
from email import message_from_bytes
from http.client import HTTPConnection

import httpx
import numpy as np
import pytest

from tests.ogc.conftest import ASYNC, OTHER_SCENE, QUICK, SCENE, Ogc

Apply = Callable[..., httpx.Response]
MIXTURES = [[0.1, 0.2, 0.4], [0.3, 0.1, 0.0], [0.2, 0.2, 0.4], [0.5, 0.3, 0.4]]
GEOJSON = {"type": "FeatureCollection", "features": []}


def parts_of(answer: httpx.Response) -> dict:
    """The parts of a multipart body, by their Content-ID."""
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    return {part["Content-ID"].strip("<>"): part for part in message_from_bytes(head + answer.content).get_payload()}


def test_a16_execution(ogc: Ogc) -> None:
    assert ogc.execute("echo", {"message": "hello"}).text == "hello"
    assert ogc.execute("unmix", QUICK).status_code == 201


@pytest.mark.parametrize("prefer", ["respond-async", "return=representation; respond-async"])
def test_a17_with_a_preference(ogc: Ogc, apply: Apply, prefer: str) -> None:
    headers = {"Prefer": prefer}
    for answer in (ogc.execute("unmix", QUICK, headers), apply(headers)):
        assert answer.status_code == 201
        assert answer.headers["preference-applied"] == "respond-async"
    assert ogc.execute("echo", {"message": "hello"}, headers).status_code == 200


def test_a17_with_a_space_after_the_preference(ogc: Ogc) -> None:
    # The official suite sends it; httpx refuses to.
    body = json.dumps({"inputs": QUICK})
    connection = HTTPConnection(ogc.client.base_url.host, ogc.client.base_url.port)
    headers = {"Prefer": "respond-async ", "Content-Type": "application/json"}
    connection.request("POST", "/processes/unmix/execution", body, headers)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Preference-Applied"]) == (201, "respond-async")
    connection.close()


@pytest.mark.parametrize("headers", [None, {"Prefer": "respond-sync"}])
def test_a18_without_a_preference(ogc: Ogc, apply: Apply, headers: dict | None) -> None:
    answer = ogc.execute("unmix", QUICK, headers)
    assert answer.status_code == 201
    assert "preference-applied" not in answer.headers
    assert apply(headers).status_code == 200
    assert ogc.execute("echo", {"message": "hello"}, headers).status_code == 200


def test_a19_every_member_of_a_request(ogc: Ogc) -> None:
    answer = ogc.execute(
        "echo",
        {"message": {"value": "hello", "mediaType": "text/plain"}, "pause": 0},
        outputs={"echo": {"transmissionMode": "value", "format": {"mediaType": "text/plain"}}},
        response="document",
        subscriber={"successUri": "https://example.org/ended"},
    )
    assert answer.json() == {"echo": "hello"}


def test_a20_a21_inputs_in_line(ogc: Ogc) -> None:
    answer = ogc.execute("unmix", {**QUICK, "bad_bands": "0,1"})
    assert answer.status_code == 201
    assert (answer.json()["inputs"]["bad_bands"], answer.json()["inputs"]["n_endmembers"]) == ("0,1", 3)


def test_a22_inputs_by_reference(ogc: Ogc) -> None:
    (ogc.files / "scene.npy").write_bytes(base64.b64decode(SCENE))
    address = (ogc.files / "scene.npy").as_uri()
    by_value = ogc.execute("unmix", QUICK).json()["jobID"]
    for reference in ({"href": address}, address):
        assert ogc.execute("unmix", {**QUICK, "file": reference}).json()["jobID"] == by_value


@pytest.mark.parametrize("address", ["http://127.0.0.1/scene.npy", "s3://bucket/scene.npy", "file:///etc/passwd"])
def test_a22_references_that_are_refused(ogc: Ogc, address: str) -> None:
    answer = ogc.execute("unmix", {**QUICK, "file": {"href": address}})
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "reference-refused")


def test_a23_inputs_as_lists(ogc: Ogc) -> None:
    answer = ogc.execute("unmix", {**QUICK, "file": [SCENE]})
    assert answer.status_code == 201
    assert answer.json()["jobID"] == ogc.execute("unmix", QUICK).json()["jobID"]
    wavelengths = [400.0 + band for band in range(30)]
    assert ogc.execute("unmix", {**QUICK, "wavelengths": wavelengths}).json()["inputs"]["wavelengths"] == wavelengths


def test_a24_objects_in_line(ogc: Ogc) -> None:
    # Polygons have a place, and the scene has none.
    answer = ogc.execute("unmix", {**QUICK, "mask": {"value": GEOJSON, "mediaType": "application/geo+json"}})
    assert answer.status_code == 422
    assert "mask" in answer.json()["detail"]


def test_a25_inputs_of_several_types(ogc: Ogc) -> None:
    inputs = {"file": {"value": MIXTURES}, "n_sources": 2}
    assert ogc.execute("unmix", inputs).json()["inputs"]["kind"] == "mixtures"
    inputs = {**QUICK, "file": {"value": SCENE, "mediaType": "application/octet-stream", "encoding": "base64"}}
    assert ogc.execute("unmix", inputs).json()["inputs"]["kind"] == "image"


def test_a26_binary_in_line(ogc: Ogc) -> None:
    assert ogc.execute("unmix", {**QUICK, "file": OTHER_SCENE}).status_code == 201
    answer = ogc.execute("estimate-endmembers", {"file": "no base64!"})
    assert answer.status_code == 400
    assert "base64" in answer.json()["detail"]


def test_a27_no_process_takes_a_bounding_box(ogc: Ogc) -> None:
    for row in ogc.get("/processes").json()["processes"]:
        for said in ogc.get(f"/processes/{row['id']}").json()["inputs"].values():
            assert "bbox" not in said["schema"].get("required", [])


@pytest.mark.parametrize(
    ("process", "inputs", "status", "named"),
    [
        ("echo", {}, 400, "message"),
        ("echo", {"message": 7}, 400, "message"),
        ("echo", {"message": "hello", "pause": "long"}, 400, "pause"),
        ("echo", {"message": "hello", "pause": 61}, 400, "pause"),
        ("echo", {"message": "hello", "volume": 11}, 400, "volume"),
        ("unmix", {}, 400, "file"),
        ("unmix", {"file": [SCENE, SCENE, SCENE]}, 400, "file"),
        ("unmix", {"file": {"url": "https://example.org"}}, 400, "href"),
        ("unmix", {"file": 7}, 400, "file"),
        ("unmix", {"file": SCENE, "n_endmembers": {"three": 3}}, 400, "n_endmembers"),
        ("unmix", {"file": SCENE, "n_endmembers": "three"}, 422, "n_endmembers"),
        ("unmix", {"file": SCENE, "method": "dowsing"}, 422, "dowsing"),
        ("unmix", {"file": "AAAA"}, 422, "scene"),
        ("unmix", {"file": {"value": [[1.0], [1.0, 2.0]]}}, 422, "row 1"),
        ("apply-model", {"file": SCENE}, 400, "model"),
        ("apply-model", {"file": SCENE, "model": "none"}, 404, "none"),
        ("estimate-endmembers", {"file": {"value": MIXTURES}, "seed": 1}, 400, "seed"),
        ("estimate-endmembers", {"file": {"value": MIXTURES}}, 422, "mixtures"),
    ],
)
def test_a28_inputs_are_checked(ogc: Ogc, process: str, inputs: dict, status: int, named: str) -> None:
    answer = ogc.execute(process, inputs)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert named in answer.json()["detail"]


def test_a29_one_raw_value_at_once(ogc: Ogc, apply: Apply) -> None:
    answer = ogc.execute("echo", {"message": "hello"}, response="raw")
    assert (answer.status_code, answer.text) == (200, "hello")
    maps = apply(outputs={"abundances.npy": {"transmissionMode": "value"}}, response="raw")
    assert maps.headers["content-type"] == "application/x-npy"
    assert np.load(io.BytesIO(maps.content)).shape == (12, 20, 3)


def test_a30_several_raw_values_at_once(ogc: Ogc) -> None:
    outputs: dict = {"n_endmembers": {}, "evidence": {}}
    answer = ogc.execute("estimate-endmembers", {"file": SCENE}, outputs=outputs, response="raw")
    assert answer.headers["content-type"].startswith("multipart/related")
    parts = parts_of(answer)
    assert list(parts) == ["n_endmembers", "evidence"]
    assert parts["n_endmembers"].get_payload() == "3"
    assert parts["evidence"].get_content_type() == "application/json"


def test_a31_raw_references_at_once(ogc: Ogc, apply: Apply) -> None:
    outputs = {name: {"transmissionMode": "reference"} for name in ("abundances.npy", "stac")}
    answer = apply(outputs=outputs, response="raw")
    assert (answer.status_code, answer.content) == (204, b"")
    for name in outputs:
        assert ogc.get(answer.links[name]["url"]).status_code == 200


def test_a32_raw_values_and_references_at_once(ogc: Ogc, apply: Apply) -> None:
    outputs = {
        "endmembers.csv": {"transmissionMode": "value"}, "abundances.npy": {"transmissionMode": "reference"}
    }  # fmt: skip
    parts = parts_of(apply(outputs=outputs, response="raw"))
    table = parts["endmembers.csv"].get_payload().strip().replace("\r\n", "\n")
    link = parts["abundances.npy"]["Content-Location"]
    assert not parts["abundances.npy"].get_payload().strip()
    assert ogc.get(link.replace("abundances.npy", "endmembers.csv")).text.strip() == table
    assert ogc.get(link).status_code == 200


def test_a33_a_document_at_once(ogc: Ogc, apply: Apply) -> None:
    outputs: dict = {"abundances.npy": {"transmissionMode": "value"}, "abundances.tif": {}, "result": {}}
    document = apply(outputs=outputs, response="document").json()
    assert set(document) == set(outputs)
    maps = document["abundances.npy"]
    assert (maps["mediaType"], maps["encoding"]) == ("application/x-npy", "base64")
    assert np.load(io.BytesIO(base64.b64decode(maps["value"]))).shape == (12, 20, 3)
    assert ogc.get(document["abundances.tif"]["href"]).headers["content-type"] == document["abundances.tif"]["type"]
    assert document["result"]["value"]["endmembers"]["names"]


def test_a34_a_job(ogc: Ogc, apply: Apply) -> None:
    for answer in (ogc.execute("unmix", QUICK), apply(ASYNC)):
        assert answer.status_code == 201
        job = answer.json()
        assert answer.headers["location"] == f"{ogc.url}/jobs/{job['jobID']}"
        assert job["status"] in ("accepted", "running", "successful")
        assert ogc.finished(job["jobID"])["status"] == "successful"
