"""One job as a record, and the key that tells equal work."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from model_store.errors import InvalidTextError, UnreadableRecordError
from unmixing.mixtures.specs import SeparationSpec
from unmixing.specs import InputSpec, UnmixSpec
from unmixing.types import ResultWarning

SCIENCE_VERSION = 13
"""Raise it when equal bytes and spec would give another result: earlier work is then no longer equal.
``tests/test_golden.py`` tells when."""

MAX_LABEL_LENGTH, MAX_LABELS = 200, 50
"""Characters of a label, and labels of a job: of more the oldest is dropped."""


class JobStatus(StrEnum):
    """The states of OGC API - Processes."""

    ACCEPTED = "accepted"
    """Waiting for a worker, for the first time or again."""
    RUNNING = "running"
    """A worker has it and renews its lease."""
    SUCCESSFUL = "successful"
    FAILED = "failed"
    DISMISSED = "dismissed"


class JobError(BaseModel):
    """Why a job failed: the name of the error's class, which decides its HTTP status, and its text."""

    model_config = ConfigDict(frozen=True)

    kind: str
    detail: str

    @classmethod
    def of(cls, error: Exception) -> "JobError":
        # Its text may quote a file name of any bytes, and a job that failed has to be stored as failed.
        return cls(kind=type(error).__name__, detail=str(error).encode(errors="replace").decode())


class Execution(BaseModel):
    """How a job was asked for by OGC API - Processes, which decides the form of its results.

    outputs: by id, whether it is wanted as a value or as a link, None where that is left to the service; None for all
    outputs. response: None where it was not said.
    """

    model_config = ConfigDict(frozen=True)

    process: str
    outputs: Mapping[str, Literal["value", "reference"] | None] | None = None
    response: Literal["raw", "document"] | None = None


class JobRecord(BaseModel):
    """The authoritative facts about one job; RQ's own keys are only a delivery mechanism.

    spec: of an image or of a mixture matrix; ``kind_decided_by``: what made it the one or the other.
    input: how it is to be read. files, libraries (by field), input.mask: paths of the uploaded files, relative to the
    job's input folder.
    digests: by field, each uploaded file's name and SHA-256.
    labels: those under which the work was asked for, in the order in which they came; no part of the work.
    progress: 0 to 100. attempts: how often a worker has started it; the number of the current attempt while running.
    failures: in how many of them the worker died; one that was told to stop did not.
    warnings: those of the results, once there are any.
    execution: of a job that was asked for by OGC API - Processes.
    owner: id of the API key that asked for the job, which nobody else sees; None of one without a key.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    status: JobStatus = JobStatus.ACCEPTED
    work_key: str
    queue: str
    spec: UnmixSpec | SeparationSpec
    kind_decided_by: str = "default"
    model_id: str | None = None
    input: InputSpec = InputSpec()
    files: tuple[str, ...]
    libraries: Mapping[str, tuple[str, ...]] = {}
    digests: Mapping[str, Mapping[str, str]] = {}
    labels: tuple[str, ...] = ()
    progress: int = 0
    stage: str = "waiting"
    message: str = "waiting for a worker"
    attempts: int = 0
    failures: int = 0
    created: datetime
    updated: datetime
    started: datetime | None = None
    finished: datetime | None = None
    error: JobError | None = None
    warnings: tuple[ResultWarning, ...] | None = None
    execution: Execution | None = None
    owner: str | None = None

    @property
    def method(self) -> str:
        """The method, by which figures are told apart; ``several`` of a comparison."""
        return "several" if "," in self.spec.method else self.spec.method

    @property
    def process(self) -> str:
        """The id of the process, as OGC API - Processes names them."""
        return "unmix" if self.execution is None else self.execution.process

    @property
    def uploaded(self) -> tuple[str, ...]:
        """Names of the files of the input, as they came."""
        return tuple(self.digests.get("file", ()))


def now() -> datetime:
    return datetime.now(UTC)


def work_key(
    digests: Mapping[str, Mapping[str, str]],
    spec: UnmixSpec | SeparationSpec,
    model_id: str | None,
    asked: InputSpec,
    execution: Execution | None = None,
    owner: str | None = None,
) -> str:
    """Equal for equal work. ``digests``: see ``JobRecord``; order and names of the files do not matter, those of a mask
    neither. asked: how the input is to be read; where it comes from does not matter. execution: decides the form of the
    results, so that work asked for in another form is another job. owner: see ``JobRecord``; equal work of two owners
    is two jobs."""
    work = {
        "science": SCIENCE_VERSION,
        "files": {field: sorted(found.values()) for field, found in digests.items() if found},
        "spec": spec.model_dump(mode="json"),
        "model": model_id,
        "input": asked.model_dump(mode="json", exclude={"mask", "derived_from"}),
        **({} if execution is None else {"execution": execution.model_dump(mode="json")}),
        **({} if owner is None else {"owner": owner}),
    }
    return hashlib.sha256(json.dumps(work, sort_keys=True).encode()).hexdigest()


def encode(fields: Mapping[str, Any]) -> list[str]:
    """Field and JSON value in turn, as the scripts take them. ``fields``: JSON-able, from ``model_dump``.

    Raises InvalidTextError for a text that is no valid Unicode: no reader would take it.
    """
    return [text for name, value in fields.items() for text in (name, _json(name, value))]


def _json(name: str, value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        bad = text[error.start : error.end]
        raise InvalidTextError(f"{name} holds {bad!r}, which is no valid Unicode text; send it as UTF-8") from None
    return text


def decode(job_id: str, raw: Mapping[bytes, bytes]) -> JobRecord | None:
    """The record in a Redis hash; None for an empty one, which is how Redis says that there is none.

    Raises UnreadableRecordError when it holds something else than a record of this version.
    """
    if not raw:
        return None
    # The values are JSON already: joining them lets pydantic parse the whole record in one pass.
    body = b",".join(b'"' + name + b'":' + value for name, value in raw.items())
    return parse(job_id, b"{" + body + b"}")


def parse(job_id: str, text: bytes) -> JobRecord:
    """The record that ``text`` holds as one JSON object. Raises UnreadableRecordError."""
    try:
        return JobRecord.model_validate_json(text)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise UnreadableRecordError(
            f"the record of job {job_id!r} cannot be read ({reason}); DELETE /jobs/{job_id} removes it"
        ) from None
