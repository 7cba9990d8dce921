"""Every route: HEAD and OPTIONS, names and words in the OpenAPI document, compression, the table of methods."""

import gzip
import io
import json
from typing import Any

import httpx
import numpy as np
import pytest

from model_store.models import model_id
from model_store.settings import Settings
from model_store.stores import Stores
from service.app import create_app
from service.compression import MIN_BYTES
from tests.conftest import small_scene, stored_model
from tests.service.test_http import post
from unmixing.io.products.document import write_document
from unmixing.methods import METHODS
from unmixing.mixtures.methods import SEPARATION_METHODS

DOCUMENT: dict[str, Any] = create_app(Settings()).openapi()
PATHS: dict[str, dict[str, Any]] = DOCUMENT["paths"]
OPERATIONS = {
    facts["operationId"]: (method, path, facts) for path, found in PATHS.items() for method, facts in found.items()
}

OPERATION_IDS = {
    *("get_landing", "get_liveness", "get_readiness", "get_problem_kind", "list_methods", "submit_job"),
    *("inspect_input", "list_jobs", "get_job", "delete_job", "stream_job_events", "get_results"),
    *("get_results_archive", "get_result_asset", "list_models", "get_model", "get_model_file", "get_model_item"),
    "delete_model",
    *("get_metrics", "get_job_logs"),
    *("get_conformance", "get_openapi_30", "list_processes", "get_process", "execute_process"),
}


@pytest.fixture
def known(service: httpx.Client, stores: Stores) -> dict[str, str]:
    """Values for the parameters of paths that exist."""
    job_id = post(service).json()["jobID"]
    attempt = stores.jobs.start(job_id) or 0
    with stores.results.writing(job_id) as folder:
        (folder / "maps.npy").write_bytes(bytes(100))
        (folder / "table.csv").write_bytes(b"1,2\n" * MIN_BYTES)
        assets = {
            "maps.npy": {"href": "maps.npy", "type": "application/x-npy", "size": 100},
            "table.csv": {"href": "table.csv", "type": "text/csv", "size": 4 * MIN_BYTES},
        }
        values = [[0.5] * MIN_BYTES]
        write_document(folder, {"warnings": [], "endmembers": {"values": values}, "model": None, "assets": assets})
    stores.jobs.succeed(job_id, attempt)
    return {"job_id": job_id, "model_id": stores.models.register(stored_model()), "process_id": "echo"}


def npz(cube: Any) -> bytes:
    """The bytes of a ``.npz`` file."""
    buffer = io.BytesIO()
    np.savez(buffer, cube=cube)
    return buffer.getvalue()


def url_of(path: str, known: dict[str, str]) -> str:
    name = "busy" if path.startswith("/problems") else "maps.npy"
    return path.format(**known, name=name)


@pytest.mark.parametrize("path", [path for path, found in PATHS.items() if "get" in found])
def test_head_answers_as_get_does_without_a_body(service: httpx.Client, known: dict[str, str], path: str) -> None:
    url = url_of(path, known)
    got, head = service.get(url), service.head(url)
    assert (got.status_code, head.status_code, head.content) == (200, 200, b"")
    for name in ("content-type", "content-length", "etag", "cache-control", "accept-ranges"):
        if (name, path) != ("content-length", "/metrics"):  # the first request is a line of the second's answer
            assert head.headers.get(name) == got.headers.get(name), name
    missing = service.head(f"{url.rstrip('/')}/nothing")
    assert (missing.status_code, missing.content) == (404, b"")


@pytest.mark.parametrize("path", PATHS)
def test_options_says_what_a_path_allows(service: httpx.Client, known: dict[str, str], path: str) -> None:
    documented = {method.upper() for method in PATHS[path]}
    expected = sorted({"OPTIONS", *documented, *(["HEAD"] if "GET" in documented else [])})
    answer = service.options(url_of(path, known))
    assert (answer.status_code, answer.content, answer.headers["allow"]) == (204, b"", ", ".join(expected))
    refused = service.patch(url_of(path, known))
    assert (refused.status_code, refused.headers["allow"]) == (405, answer.headers["allow"])


def test_options_of_a_path_that_is_not_there_is_a_problem(service: httpx.Client) -> None:
    answer = service.options("/nothing")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_operations_have_the_names_that_clients_are_made_of() -> None:
    assert set(OPERATIONS) == OPERATION_IDS


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_is_described(name: str) -> None:
    _, _, facts = OPERATIONS[name]
    assert facts["summary"]
    assert facts["description"]
    assert set(facts["tags"]) <= {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}
    for parameter in facts.get("parameters", []):
        assert parameter["description"], parameter["name"]
        if parameter["in"] == "path":
            assert parameter["schema"]["examples"]
    assert all(found["description"] != "Successful Response" for found in facts["responses"].values()), name


def test_methods_are_those_of_the_tables(service: httpx.Client) -> None:
    found = service.get("/methods").json()
    assert found["default"] == "lpalm"
    by_name = {method["name"]: method for method in found["methods"]}
    assert list(by_name) == list(METHODS)
    assert {name for name, method in by_name.items() if method["mixtures"]} == set(SEPARATION_METHODS)
    assert all(method["mixtures"] or method["images_only"] for method in by_name.values())
    assert all(method["summary"].endswith(".") and method["paper"] for method in by_name.values())
    lpalm, vca = by_name["lpalm"], by_name["vca_fcls"]
    assert (lpalm["learned"], lpalm["image"]["keeps_model"], lpalm["image"]["uncertainty"]) == (True, True, True)
    assert (vca["learned"], vca["image"]["keeps_model"], vca["image"]["uncertainty"]) == (False, False, False)
    layers = next(setting for setting in lpalm["image"]["settings"] if setting["name"] == "n_layers")
    assert layers == {"name": "n_layers", "default": 8, "description": "Unrolled iterations."}


def test_the_request_lists_the_methods() -> None:
    content = PATHS["/unmix"]["post"]["requestBody"]["content"]
    bodies = [content["multipart/form-data"]["schema"], *content["application/json"]["schema"]["anyOf"]]
    assert len(bodies) == 3
    for body in bodies:
        single, several = body["properties"]["method"]["anyOf"]
        assert single["enum"] == [*METHODS, "compare"]
        assert all(row.summary in single["description"] for row in METHODS.values())
        assert several["pattern"].startswith("^(lpalm|")


def test_the_examples_of_an_inspection_are_accepted(service: httpx.Client) -> None:
    content = PATHS["/inspect"]["post"]["requestBody"]["content"]
    form = dict(content["multipart/form-data"]["schema"]["example"])
    files = [("file", (name, npz(small_scene()))) for name in form.pop("file")]
    answer = service.post("/inspect", files=files, data=form)
    assert (answer.status_code, answer.json()["input"]["kind"]) == (200, "image"), answer.text
    answer = service.post("/inspect", json=content["application/json"]["schema"]["example"])
    assert (answer.status_code, answer.json()["input"]["kind"]) == (200, "mixtures"), answer.text


@pytest.mark.parametrize("accepted", ["gzip", "br;q=1.0, gzip;q=0.8"])
def test_large_json_is_compressed_for_who_takes_it(service: httpx.Client, known: dict[str, str], accepted: str) -> None:
    url = f"/jobs/{known['job_id']}/results"
    with service.stream("GET", url, headers={"Accept-Encoding": accepted}) as answer:
        raw = b"".join(answer.iter_raw())
    plain = service.get(url, headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert (answer.headers["vary"], plain.headers["vary"]) == ("Accept-Encoding", "Accept-Encoding")
    assert json.loads(gzip.decompress(raw)) == plain.json()
    assert len(raw) < len(plain.content) / 10


def test_files_ranges_and_short_answers_are_never_compressed(service: httpx.Client, known: dict[str, str]) -> None:
    table = f"/jobs/{known['job_id']}/results/table.csv"
    for url, headers in [
        (table, {}),
        (table, {"Range": "bytes=0-9999"}),
        (f"/jobs/{known['job_id']}/results.zip", {}),
        (f"/jobs/{known['job_id']}/events", {}),
        (f"/jobs/{known['job_id']}", {}),
    ]:
        answer = service.get(url, headers={"Accept-Encoding": "gzip", **headers})
        assert answer.status_code in (200, 206)
        assert "content-encoding" not in answer.headers, url


def test_models_filter_by_method_and_by_the_label_of_the_job_that_trained_them(
    service: httpx.Client, stores: Stores
) -> None:
    models = [stored_model(n_bands) for n_bands in (30, 40)]
    for label, model in zip(("monday", "tuesday"), models, strict=True):
        job_id = post(service, label=label, seed=str(len(label))).json()["jobID"]
        attempt = stores.jobs.start(job_id) or 0
        with stores.results.writing(job_id) as folder:
            write_document(folder, {"model": {"id": stores.models.register(model)}, "assets": {}})
        stores.jobs.succeed(job_id, attempt)

    def listed(**filters: str) -> list[str]:
        page = service.get("/models", params=filters).json()
        assert page["numberMatched"] == len(page["models"])
        return [model["id"] for model in page["models"]]

    assert listed(label="monday") == [model_id(models[0])]
    assert listed(label="tuesday", method="lpalm") == [model_id(models[1])]
    assert len(listed(method="lpalm")) == 2
    assert listed(method="almu") == listed(label="friday") == []
    page = service.get("/models", params={"method": "lpalm", "limit": 1}).json()
    assert "method=lpalm&" in next(link["href"] for link in page["links"] if link["rel"] == "next")
