"""OGC 18-062r2, abstract tests A.48 to A.54 (descriptions of processes) and A.58 to A.63 (OpenAPI 3.0)."""

import pytest
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import validate

from tests.ogc.conftest import Ogc
from tests.ogc.test_core import PROCESSES

OGC_PATHS = {
    "/": {"get"}, "/conformance": {"get"}, "/api": {"get"}, "/processes": {"get"}, "/processes/{process_id}": {"get"},
    "/processes/{process_id}/execution": {"post"}, "/jobs": {"get"}, "/jobs/{job_id}": {"get", "delete"},
    "/jobs/{job_id}/results": {"get"}, "/jobs/{job_id}/results/{name}": {"get"},
}  # fmt: skip

CHECKED = [(process, kind) for process in PROCESSES for kind in ("inputs", "outputs")]


@pytest.mark.parametrize("name", PROCESSES)
def test_a48_a_description_is_json_of_its_process(ogc: Ogc, name: str) -> None:
    description = ogc.get(f"/processes/{name}").json()
    assert (description["id"], type(description["version"]), type(description["title"])) == (name, str, str)


@pytest.mark.parametrize("name", PROCESSES)
def test_a49_inputs(ogc: Ogc, name: str) -> None:
    for said in ogc.get(f"/processes/{name}").json()["inputs"].values():
        assert set(said) == {"title", "description", "minOccurs", "maxOccurs", "schema"}
        assert 0 <= said["minOccurs"] <= said["maxOccurs"]


def test_a50_a51_a53_a54_schemas_are_those_of_openapi_30(ogc: Ogc) -> None:
    for name, kind in CHECKED:
        for said in ogc.get(f"/processes/{name}").json()[kind].values():
            for schema in [said["schema"], *said["schema"].get("oneOf", [])]:
                OAS30Validator.check_schema(schema)
                assert schema.get("type") in {"array", "boolean", "integer", "number", "object", "string", None}


@pytest.mark.parametrize("name", PROCESSES)
def test_a52_outputs(ogc: Ogc, name: str) -> None:
    for said in ogc.get(f"/processes/{name}").json()["outputs"].values():
        assert set(said) == {"title", "schema"}


def test_a58_a59_answers_and_errors_are_described(ogc: Ogc) -> None:
    paths = ogc.get("/api").json()["paths"]
    for path, methods in OGC_PATHS.items():
        for method in methods:
            responses = paths[path][method]["responses"]
            assert any(status.startswith("2") for status in responses)
            if "{" in path:
                assert "404" in responses
    execution = paths["/processes/{process_id}/execution"]["post"]["responses"]
    assert {"200", "201", "204", "400", "404", "413", "415", "422", "500", "503", "504", "507"} <= set(execution)


def test_a60_media_types_of_the_definition(ogc: Ogc) -> None:
    links = {link["type"]: link for link in ogc.get("/").json()["links"] if link["rel"].startswith("service-")}
    json_link = links["application/vnd.oai.openapi+json;version=3.0"]
    assert json_link["rel"] == "service-desc"
    assert ogc.get(json_link["href"]).headers["content-type"] == json_link["type"]
    assert ogc.get(links["text/html"]["href"]).headers["content-type"].startswith("text/html")


def test_a61_the_definition_is_openapi_30(ogc: Ogc) -> None:
    document = ogc.get("/api").json()
    assert document["openapi"] == "3.0.3"
    validate(document)


def test_a62_paths_of_the_definition_are_there(ogc: Ogc) -> None:
    paths = ogc.get("/api").json()["paths"]
    for path, methods in OGC_PATHS.items():
        assert methods <= set(paths[path])


def test_a63_keys_are_sent_as_described_and_none_is_asked_for_here(ogc: Ogc) -> None:
    document = ogc.get("/api").json()
    assert {} in document["security"]  # without keys nobody needs one
    schemes = document["components"]["securitySchemes"]
    assert {name for choice in document["security"] for name in choice} == set(schemes)
    assert ogc.client.get("/jobs", headers={"Authorization": "Bearer none"}).status_code == 200
