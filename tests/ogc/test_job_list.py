"""OGC 18-062r2, abstract tests A.64 to A.79: the list of jobs and its filters."""

from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import pytest

from tests.ogc.conftest import EXCEPTIONS, Ogc

Apply = Callable[..., httpx.Response]


def jobs(ogc: Ogc, query: str = "") -> list[dict]:
    answer = ogc.get(f"/jobs?limit=1000{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["jobs"]


def ids(found: list[dict]) -> set[str]:
    return {job["jobID"] for job in found}


@pytest.fixture(scope="module")
def unmixed(ogc: Ogc) -> str:
    return ogc.unmixed()


@pytest.fixture(scope="module")
def applied(ogc: Ogc, apply: Apply) -> str:
    return apply(outputs={"stac": {}}).links["monitor"]["url"].rpartition("/")[2]


def test_a64_a71_list_of_jobs(ogc: Ogc, unmixed: str) -> None:
    assert unmixed in ids(jobs(ogc))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("type", "array"), ("processID", "array"), ("status", "array"), ("datetime", "string"),
        ("minDuration", "integer"), ("maxDuration", "integer"), ("limit", "integer"),
    ],
)  # fmt: skip
def test_a65_to_a70_filters_are_parameters(ogc: Ogc, name: str, kind: str) -> None:
    found = {row["name"]: row for row in ogc.get("/api").json()["paths"]["/jobs"]["get"]["parameters"]}
    assert (found[name]["in"], found[name]["required"], found[name]["schema"]["type"]) == ("query", False, kind)


def test_a72_links_of_the_list(ogc: Ogc, unmixed: str, applied: str) -> None:
    first = ogc.get("/jobs?limit=1&type=process").json()
    links = {link["rel"]: link["href"] for link in first["links"]}
    assert set(links) == {"self", "next"}
    assert ogc.get(links["self"]).json()["jobs"] == first["jobs"]
    following = ogc.get(links["next"]).json()
    assert ids(following["jobs"]).isdisjoint(ids(first["jobs"]))


def test_a73_type(ogc: Ogc, unmixed: str) -> None:
    assert ids(jobs(ogc, "&type=process")) == ids(jobs(ogc, "&type=process,other")) == ids(jobs(ogc))
    assert jobs(ogc, "&type=other") == []


def test_a74_every_job_names_its_process(ogc: Ogc, unmixed: str) -> None:
    assert all(job["processID"] in ("unmix", "apply-model") for job in jobs(ogc))


def test_a75_process(ogc: Ogc, unmixed: str, applied: str) -> None:
    assert unmixed in ids(jobs(ogc, "&processID=unmix"))
    assert applied in ids(jobs(ogc, "&processID=apply-model"))
    assert {job["processID"] for job in jobs(ogc, "&processID=apply-model")} == {"apply-model"}
    both = ids(jobs(ogc, "&processID=unmix,apply-model"))
    assert both == ids(jobs(ogc, "&processID=unmix&processID=apply-model")) == ids(jobs(ogc))
    assert jobs(ogc, "&processID=dowse") == []


def test_a76_status(ogc: Ogc, unmixed: str) -> None:
    assert unmixed in ids(jobs(ogc, "&status=successful"))
    assert {job["status"] for job in jobs(ogc, "&status=successful")} == {"successful"}
    assert {job["status"] for job in jobs(ogc, "&status=successful,failed")} <= {"successful", "failed"}
    assert unmixed not in ids(jobs(ogc, "&status=failed&status=dismissed"))


def test_a77_moment_of_creation(ogc: Ogc, unmixed: str) -> None:
    created = datetime.fromisoformat(ogc.get(f"/jobs/{unmixed}").json()["created"])

    def text(seconds: int) -> str:
        return (created + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    for interval in (text(0), f"{text(0)}/{text(0)}", f"{text(-5)}/..", f"../{text(5)}", f"{text(-5)}/", f"/{text(5)}"):
        assert unmixed in ids(jobs(ogc, f"&datetime={interval}")), interval
    for interval in (text(-9), f"{text(9)}/..", f"../{text(-9)}", f"{text(5)}/{text(9)}"):
        assert unmixed not in ids(jobs(ogc, f"&datetime={interval}")), interval


@pytest.mark.parametrize("interval", ["yesterday", "2026-11-01", "../..", "2026-11-02T00:00:00Z/2026-11-01T00:00:00Z"])
def test_a77_a_moment_that_is_none(ogc: Ogc, interval: str) -> None:
    answer = ogc.get(f"/jobs?datetime={interval}")
    assert (answer.status_code, answer.json()["type"]) == (400, f"{EXCEPTIONS}invalid-query-parameter-value")


def test_a78_duration(ogc: Ogc, unmixed: str) -> None:
    job = ogc.get(f"/jobs/{unmixed}").json()
    seconds = (datetime.fromisoformat(job["finished"]) - datetime.fromisoformat(job["started"])).total_seconds()
    shorter, longer = int(seconds), int(seconds) + 1
    assert unmixed in ids(jobs(ogc, f"&minDuration={shorter}&maxDuration={longer}"))
    assert unmixed not in ids(jobs(ogc, f"&minDuration={longer}"))
    assert unmixed in ids(jobs(ogc, f"&maxDuration={longer}"))
    assert unmixed not in ids(jobs(ogc, f"&status=successful&minDuration={longer}&maxDuration={longer + 100}"))


def test_a79_limit(ogc: Ogc, unmixed: str, applied: str) -> None:
    assert len(ogc.get("/jobs?limit=1").json()["jobs"]) == 1
    assert len(ogc.get("/jobs?limit=1&type=process").json()["jobs"]) == 1
    assert ogc.get("/jobs?limit=1001").status_code == 422
