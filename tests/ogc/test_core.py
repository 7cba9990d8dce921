"""OGC 18-062r2, abstract tests A.1 to A.15: landing page, conformance and the list of processes."""

import httpx
import pytest

from tests.ogc.conftest import EXCEPTIONS, Ogc

REL = "http://www.opengis.net/def/rel/ogc/1.0/"
CLASSES = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
PROCESSES = ["unmix", "apply-model", "estimate-endmembers", "echo"]


def links(ogc: Ogc) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in ogc.get("/").json()["links"]}


def is_exception(answer: httpx.Response, status: int, name: str) -> bool:
    """Whether it is one as exception.yaml has it."""
    document = answer.json()
    return (
        answer.status_code == document["status"] == status
        and answer.headers["content-type"] == "application/problem+json"
        and document["type"] == EXCEPTIONS + name
        and all(isinstance(document[member], str) for member in ("title", "detail", "instance"))
    )


def test_a01_landing_page(ogc: Ogc) -> None:
    assert ogc.get("/").status_code == 200


def test_a02_the_landing_page_leads_on(ogc: Ogc) -> None:
    document = ogc.get("/").json()
    assert isinstance(document["title"], str)
    assert isinstance(document["description"], str)
    assert all(isinstance(link["href"], str) for link in document["links"])
    assert {"service-desc", "service-doc", f"{REL}conformance", f"{REL}processes", f"{REL}job-list"} <= set(links(ogc))


def test_a03_api_definition(ogc: Ogc) -> None:
    assert ogc.get("/api").status_code == 200


def test_a04_the_api_definition_is_that_of_the_landing_page(ogc: Ogc) -> None:
    assert ogc.get(links(ogc)["service-desc"]).json()["openapi"].startswith("3.0")


@pytest.mark.parametrize("rel", [f"{REL}conformance", "conformance"])
def test_a05_conformance(ogc: Ogc, rel: str) -> None:
    assert links(ogc)[rel] == f"{ogc.url}/conformance"
    assert ogc.get(links(ogc)[rel]).status_code == 200


def test_a06_conformance_classes(ogc: Ogc) -> None:
    claimed = ogc.get("/conformance").json()["conformsTo"]
    names = ["core", "ogc-process-description", "json", "oas30", "job-list", "callback", "dismiss"]
    assert claimed == [CLASSES + name for name in names]


def test_a07_http_1_1(ogc: Ogc) -> None:
    assert ogc.get("/processes").http_version == "HTTP/1.1"


def test_a08_list_of_processes(ogc: Ogc) -> None:
    assert ogc.get(links(ogc)[f"{REL}processes"]).status_code == 200


def test_a09_limit_of_the_list_is_a_parameter(ogc: Ogc) -> None:
    (limit,) = ogc.get("/api").json()["paths"]["/processes"]["get"]["parameters"]
    assert (limit["name"], limit["in"], limit["required"]) == ("limit", "query", False)
    said = limit["schema"]
    assert (said["type"], said["minimum"], said["maximum"], said["default"]) == ("integer", 1, 1000, 10)


def test_a10_summaries_of_processes(ogc: Ogc) -> None:
    found = ogc.get("/processes").json()["processes"]
    assert [row["id"] for row in found] == PROCESSES
    for row in found:
        assert row["version"]
        assert set(row["jobControlOptions"]) <= {"sync-execute", "async-execute", "dismiss"}
        assert set(row["outputTransmission"]) <= {"value", "reference"}


def test_a11_links_of_the_list(ogc: Ogc) -> None:
    document = ogc.get("/processes").json()
    assert {"rel": "self", "href": f"{ogc.url}/processes", "type": "application/json"}.items() <= document["links"][
        0
    ].items()
    for row in document["processes"]:
        (description,) = [link["href"] for link in row["links"] if link["rel"] == "self"]
        assert ogc.get(description).json()["id"] == row["id"]


@pytest.mark.parametrize(("limit", "names"), [(1, PROCESSES[:1]), (3, PROCESSES[:3]), (1000, PROCESSES)])
def test_a12_limit_of_the_list_holds(ogc: Ogc, limit: int, names: list[str]) -> None:
    assert [row["id"] for row in ogc.get(f"/processes?limit={limit}").json()["processes"]] == names


@pytest.mark.parametrize("name", PROCESSES)
def test_a13_description_of_a_process(ogc: Ogc, name: str) -> None:
    assert ogc.get(f"/processes/{name}").status_code == 200


@pytest.mark.parametrize("name", PROCESSES)
def test_a14_the_description_is_the_summary_and_more(ogc: Ogc, name: str) -> None:
    (summary,) = [row for row in ogc.get("/processes").json()["processes"] if row["id"] == name]
    description = ogc.get(f"/processes/{name}").json()
    assert {member: description[member] for member in summary if member != "links"} == {
        member: value for member, value in summary.items() if member != "links"
    }
    assert description["inputs"]
    assert description["outputs"]


def test_a15_no_such_process(ogc: Ogc) -> None:
    assert is_exception(ogc.get("/processes/dowse"), 404, "no-such-process")
    assert is_exception(ogc.execute("dowse", {}), 404, "no-such-process")
