"""The service does what its OpenAPI document says, for requests made from the document and for broken ones.

Every check of schemathesis is used that is right for this service. Those that are not:
positive_data_acceptance: no schema says whether bytes are an image, so most of what fits the document is refused;
use_after_free: a job that waits or runs is dismissed by DELETE and stays readable, as OGC API - Processes has it;
ensure_resource_availability: a job that equal work has created already is answered with 200, and may have ended;
ignored_auth, missing_required_header: there is no authentication, and no header is required;
unsupported_method: ``test_every_route`` looks at all of them, with their Allow.
"""

import os
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
from model_store.settings import Settings
from model_store.stores import Stores
from service.app import create_app
from tests.conftest import npy, small_scene, stored_model
from unmixing.io.apply.run import run_task
from unmixing.io.inputs.tasks import UnmixingTask
from unmixing.io.products.document import write_document
from unmixing.progress import silent
from unmixing.types import Compute

EXAMPLES = int(os.environ.get("UNMIX_CONTRACT_EXAMPLES", "8"))
"""Requests per operation and kind of data, of uploads five times as many: some 200 in all, 2,000 with 70."""

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
    """Existing things for the parameters of paths: a job that is done, one of its files, a model, a process."""
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
    return {
        "job_id": job_id,
        "model_id": stores.models.register(stored_model()),
        "name": "abundances.npy",
        "process_id": "echo",
    }


UPLOADS = ("POST /unmix", "POST /inspect")

CASES = [(label, GenerationMode.POSITIVE) for label in OPERATIONS] + [
    # Any text may stand in a path: only fields and bodies can be what the document forbids.
    (label, GenerationMode.NEGATIVE)
    for label in (*UPLOADS, "GET /jobs", "GET /models")
]


def send_a_scene(case: Case) -> None:
    """Random bytes are no image: a real one gets further, with those of the fields that go with an image."""
    fields = case.body if isinstance(case.body, dict) else {}
    sent = ("n_endmembers", "seed", "method", "label") if case.operation.path == "/unmix" else ("picture",)
    kept = {name: value for name, value in fields.items() if name in sent}
    case.media_type, case.query, case.body = "multipart/form-data", {}, {**kept, "file": [SCENE]}  # type: ignore[list-item] # bytes are no JSON


@pytest.mark.parametrize(("label", "mode"), CASES)
def test_answers_are_those_of_the_document(
    service: httpx.Client, known: dict[str, str], label: str, mode: GenerationMode
) -> None:
    n_examples = 5 * EXAMPLES if label in UPLOADS else EXAMPLES

    @settings(
        max_examples=n_examples, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=OPERATIONS[label].as_strategy(mode), data=strategies.data())
    def check(case: Case, data: DataObject) -> None:
        there = {**known, "name": "busy"} if label.startswith("GET /problems") else known
        for name in case.path_parameters.keys() & there.keys():
            if data.draw(strategies.booleans()):
                case.path_parameters[name] = there[name]
        if label in UPLOADS and mode is GenerationMode.POSITIVE and data.draw(strategies.booleans()):
            send_a_scene(case)
        answer = case.call(base_url=str(service.base_url))
        # What was changed here is no more what the document made: whether it is accepted, it cannot say.
        refused = [negative_data_rejection] if mode is GenerationMode.NEGATIVE else []
        case.validate_response(answer, checks=[*CHECKS, *refused])
        assert answer.status_code < 500 or answer.status_code in FULL, answer.text

    check()
