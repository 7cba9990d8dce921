"""Requests of the service to the process that reads an upload, and its answers: small JSON, validated."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from model_store.records import MAX_LABEL_LENGTH, Execution, JobError
from service.uploads import MAX_FIELD_BYTES
from unmixing.mixtures.specs import SeparationSpec
from unmixing.specs import InputSpec, UnmixSpec
from unmixing.types import ResultWarning

MAX_ANSWER_BYTES = 4 * 2**20
MAX_DETAIL_LENGTH = 4000

Text = Annotated[str, Field(max_length=MAX_DETAIL_LENGTH)]


class Limits(BaseModel):
    """Of the process that reads one upload. memory_bytes: beyond what it needs before it reads anything. file_bytes: of
    the largest file that it may write."""

    model_config = ConfigDict(frozen=True)

    memory_bytes: int
    cpu_seconds: int
    wall_seconds: float
    file_bytes: int


class ReadTask(StrEnum):
    """Wanted of an upload."""

    JOB = "job"
    """The task that it asks for."""
    INSPECTION = "inspection"
    """A report on how it is read."""
    COUNT = "count"
    """How many endmembers it holds."""
    EXECUTION = "execution"
    """The execute request of OGC API - Processes in its body, whose binary inputs become files."""


class ReadRequest(BaseModel):
    """An upload in ``folder``. fields: the plain ones. body: the name of a JSON file: mixtures and more fields, or an
    execute request. models: the folder of the stored models that a job may name."""

    model_config = ConfigDict(frozen=True)

    folder: Path
    fields: dict[str, str]
    body: str | None
    models: Path | None = None
    max_unpacked_bytes: int
    max_values: int
    max_training_seconds: float | None
    limits: Limits
    task: ReadTask


class ReadUpload(BaseModel):
    """The validated request of an upload. files, input.mask: relative to its folder. webhook: the address that is to be
    told of the job's end."""

    model_config = ConfigDict(frozen=True)

    spec: UnmixSpec | SeparationSpec
    kind_decided_by: Text
    model_id: Text | None
    webhook: Annotated[str, Field(max_length=MAX_FIELD_BYTES)] | None = None
    input: InputSpec
    label: Annotated[str, Field(max_length=MAX_LABEL_LENGTH)] | None = None
    files: Annotated[tuple[Text, ...], Field(min_length=1, max_length=2)]


class ReadInspection(BaseModel):
    """The report on an upload; see ``unmixing.io.apply.inspecting``. picture: a file in the upload's folder."""

    model_config = ConfigDict(frozen=True)

    warnings: list[ResultWarning]
    input: dict[str, JsonValue]
    picture: Text | None


class ReadCount(BaseModel):
    """How many endmembers an image holds, and what speaks for it; see ``unmixing.inference.counting``."""

    model_config = ConfigDict(frozen=True)

    n_endmembers: int
    evidence: dict[str, JsonValue]
    warnings: list[ResultWarning]


class InputValue(BaseModel):
    """One value of an input of a process: a file in the upload's folder, a link to one, or else a plain value."""

    model_config = ConfigDict(frozen=True)

    value: JsonValue = None
    file: Text | None = None
    href: Text | None = None


class Subscriber(BaseModel):
    """Where to tell how a job goes on, by the names of OGC API - Processes."""

    model_config = ConfigDict(frozen=True)

    successUri: Text | None = None
    inProgressUri: Text | None = None
    failedUri: Text | None = None


class ReadExecution(BaseModel):
    """An execute request. inputs: by id, their values; files lie where those of an upload with these fields lie.
    execution: for which process, is not said here. subscriber: who wants to hear of the job, which is no part of the
    work."""

    model_config = ConfigDict(frozen=True)

    inputs: Mapping[Text, tuple[InputValue, ...]]
    execution: Execution
    subscriber: Subscriber = Subscriber()


class ReadAnswer(BaseModel):
    """One of them. error: the name of the error's class and its text."""

    model_config = ConfigDict(frozen=True)

    upload: ReadUpload | None = None
    inspection: ReadInspection | None = None
    count: ReadCount | None = None
    execution: ReadExecution | None = None
    error: JobError | None = None


class ExitStatus(BaseModel):
    """How the process ended, in a line of its own after its answer: 0, an exit status, or minus a signal's number."""

    model_config = ConfigDict(frozen=True)

    exit_status: int
