"""Clients that others have written, as they are, against the running service."""

from collections.abc import Iterator

import httpx
import pytest
from ogc_api_processes_client.api_client_wrapper import ApiClientWrapper
from ogc_api_processes_client.configuration import Configuration
from ogc_api_processes_client.models.qualified_input_value import QualifiedInputValue
from ogc_api_processes_client.models.status_code import StatusCode
from owslib.ogcapi.processes import Processes
from stac_pydantic import Collection

from tests.conftest import wait_until
from tests.ogc.conftest import QUICK, Ogc
from tests.ogc.test_core import PROCESSES
from tests.ogc.test_results import STAC_SCHEMA

FEATURES_SCHEMA = "https://schemas.opengis.net/ogcapi/features/part1/1.0/openapi/schemas/featureCollectionGeoJSON.yaml"


@pytest.fixture
def dispatcher(ogc: Ogc) -> Iterator[ApiClientWrapper]:
    """The client as ESA's APEx dispatcher makes it."""
    made = ApiClientWrapper(Configuration(host=ogc.url), header_name="Authorization", header_value="Bearer token")
    yield made
    made.api_client.rest_client.pool_manager.clear()


def test_owslib_lists_describes_executes_and_fetches(ogc: Ogc) -> None:
    client = Processes(f"{ogc.url}/")
    assert [row["id"] for row in client.processes()] == PROCESSES
    assert client.process("unmix")["inputs"]["file"]["minOccurs"] == 1
    assert client.execute("echo", {"message": "hello"}) == {"echo": "hello"}
    job = client.execute("unmix", QUICK, async_=True)
    assert ogc.finished(job["jobID"])["status"] == "successful"
    results = client._request(path=f"jobs/{job['jobID']}/results")
    assert Collection.model_validate(results["stac"]["value"]).id == job["jobID"]


def test_the_call_sequence_of_the_apex_dispatcher(dispatcher: ApiClientWrapper) -> None:
    headers = {"accept": "*/*", "Content-Type": "application/json", "Authorization": "Bearer token"}
    job = dispatcher.execute_simple(process_id="unmix", execute={"inputs": QUICK}, _headers=headers)
    wait_until(lambda: dispatcher.get_status(job_id=job.job_id).status == StatusCode.SUCCESSFUL)
    collection = collection_in(dispatcher.get_result(job_id=job.job_id))
    assert collection is not None
    assert collection.id == job.job_id
    assert collection.assets is not None
    assert {"abundances.tif", "endmembers.csv", "quicklook.png"} <= set(collection.assets)


def collection_in(results: dict) -> Collection | None:
    """The collection that the dispatcher finds: in the first output of a schema that it knows, itself or by a link."""
    for value in results.values():
        found = value.actual_instance
        if not isinstance(found, QualifiedInputValue) or not found.var_schema:
            continue
        if found.var_schema.actual_instance == STAC_SCHEMA:
            return Collection.model_validate(found.value.actual_instance)
        if found.var_schema.actual_instance == FEATURES_SCHEMA:
            for feature in (found.value.oneof_schema_2_validator or {}).get("features", []):
                for link in feature["links"]:
                    if link["rel"] == "collection":
                        return Collection.model_validate(httpx.get(link["href"]).json())
    return None


def test_the_collection_in_the_results_is_the_one_that_is_linked(ogc: Ogc, dispatcher: ApiClientWrapper) -> None:
    job_id = ogc.unmixed()
    # The client keeps an object whole in this member alone.
    kept = dispatcher.get_result(job_id=job_id)["stac"].actual_instance.value.oneof_schema_2_validator
    assert kept == ogc.get(f"/jobs/{job_id}/results/stac").json()
    collection = Collection.model_validate(kept)
    assert collection.extent.spatial.bbox == [(-180.0, -90.0, 180.0, 90.0)]
    assert "no coordinate reference system" in collection.description


def test_the_client_of_the_apex_dispatcher_reads_descriptions(dispatcher: ApiClientWrapper) -> None:
    described = dispatcher.get_process_description("unmix")
    schemas = {name: said.model_dump()["var_schema"]["actual_instance"] for name, said in described.inputs.items()}
    assert schemas["seed"]["type"] == "integer"
    assert described.inputs["file"].min_occurs == 1
    assert [row.id for row in dispatcher.get_processes().processes] == PROCESSES
