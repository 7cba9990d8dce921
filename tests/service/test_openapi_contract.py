"""The service does what its OpenAPI document says, for requests made from the document and for broken ones."""

from http import HTTPStatus

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies
from hypothesis.strategies import DataObject
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from model_store.models import model_id
from model_store.results import write_document
from model_store.settings import Settings
from model_store.stores import Stores
from service.app import create_app
from tests.conftest import npy, small_scene, stored_model
from unmixing.io.apply.run import run_task
from unmixing.io.inputs.tasks import UnmixingTask
from unmixing.progress import silent
from unmixing.types import Compute

EXAMPLES, EXAMPLES_OF_UPLOADS = 10, 50
"""Requests per operation and kind of data: more than 200 in all."""

CHECKS = [
    status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance,
]  # fmt: skip

FULL = HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE
"""Statuses above 499 that may come, where they are documented."""

SCENE = npy(small_scene())

DOCUMENT = schemathesis.openapi.from_dict(create_app(Settings()).openapi())
OPERATIONS = {found.label: found for found in (result.ok() for result in DOCUMENT.get_all_operations())}


@pytest.fixture
def known(service: httpx.Client, stores: Stores) -> dict[str, str]:
    """Existing things for the parameters of paths: a job that is done, one of its files, a model, a kind of problem."""
    answer = service.post(
        "/unmix", files={"file": ("scene.npy", SCENE)}, data={"method": "vca_fcls", "n_endmembers": "3"}
    )
    job_id = answer.json()["jobID"]
    record = stores.jobs.get(job_id)
    attempt = stores.jobs.start(job_id)
    assert record is not None
    assert attempt is not None
    task = UnmixingTask(paths=[stores.inputs.of(job_id) / name for name in record.files], spec=record.spec)
    with stores.results.writing(job_id) as folder:
        write_document(folder, run_task(task, folder, Compute(), silent, model_id).document)
    stores.jobs.succeed(job_id, attempt)
    return {"job_id": job_id, "model_id": stores.models.register(stored_model()), "name": "abundances.npy"}


CASES = [(label, GenerationMode.POSITIVE) for label in OPERATIONS] + [
    # Any text may stand in a path: only fields and bodies can be what the document forbids.
    (label, GenerationMode.NEGATIVE)
    for label in ("POST /unmix", "GET /jobs", "GET /models")
]


def send_a_scene(case: Case) -> None:
    """Random bytes are no image: a real one gets further, with those of the fields that go with an image."""
    fields = case.body if isinstance(case.body, dict) else {}
    kept = {name: value for name, value in fields.items() if name in ("n_endmembers", "seed", "method")}
    case.media_type, case.query, case.body = "multipart/form-data", {}, {**kept, "file": [SCENE]}  # type: ignore[list-item] # bytes are no JSON


@pytest.mark.parametrize(("label", "mode"), CASES)
def test_answers_are_those_of_the_document(
    service: httpx.Client, known: dict[str, str], label: str, mode: GenerationMode
) -> None:
    n_examples = EXAMPLES_OF_UPLOADS if label == "POST /unmix" else EXAMPLES

    @settings(
        max_examples=n_examples, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=OPERATIONS[label].as_strategy(mode), data=strategies.data())
    def check(case: Case, data: DataObject) -> None:
        for name in case.path_parameters.keys() & known.keys():
            if data.draw(strategies.booleans()):
                case.path_parameters[name] = known[name]
        if label == "POST /unmix" and mode is GenerationMode.POSITIVE and data.draw(strategies.booleans()):
            send_a_scene(case)
        answer = case.call(base_url=str(service.base_url))
        # What was changed here is no more what the document made: whether it is accepted, it cannot say.
        refused = [negative_data_rejection] if mode is GenerationMode.NEGATIVE else []
        case.validate_response(answer, checks=[*CHECKS, *refused])
        assert answer.status_code < 500 or answer.status_code in FULL, answer.text

    check()
