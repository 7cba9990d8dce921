"""Documents of jobs."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from model_store.expiry import expires
from model_store.records import JobRecord, JobStatus
from model_store.settings import Settings
from service.problems import Problem, job_problem
from service.schemas.links import Link
from unmixing.io.inputs.correction_files import input_document
from unmixing.io.inputs.input_kind import InputKind
from unmixing.mixtures.specs import SeparationSpec
from unmixing.types import ResultWarning

RESULTS_REL = "http://www.opengis.net/def/rel/ogc/1.0/results"


class JobInputs(BaseModel):
    """The request of a job: all fields of its spec, those that are not listed here too."""

    model_config = ConfigDict(extra="allow")

    kind: InputKind = Field(description="How the upload was read.")
    file: list[str] = Field(
        [], description="Names of the uploaded files; of mixtures in JSON `mixtures.npy`.", examples=[["scene.npz"]]
    )
    method: str = Field(examples=["lpalm"])
    n_endmembers: int | None = Field(None, description="Of an image; estimated when not given.", examples=[3])
    n_sources: int | None = Field(None, description="Of mixtures.")
    nonnegative: bool | None = Field(None, description="Of mixtures; decided from them when not given.")
    sparse: bool | None = Field(None, description="Of mixtures; decided from them when not given.")
    seed: int
    max_training_seconds: float | None = None
    model: str | None = Field(None, description="The stored model that is applied; without one a model is trained.")
    variable: str | None = None
    rows: str | None = Field(None, description="The rows that were asked for, or their number.")
    columns: str | None = Field(None, description="The columns that were asked for, or their number.")
    wavelengths: list[float] | None = Field(None, description="Those that were given, in place of the file's.")
    mask: str | None = Field(None, description="The file that says which pixels are used.")
    library: list[str] | None = Field(None, description="The files of the spectral library that names endmembers.")
    endmembers: list[str] | None = Field(None, description="The files of the endmembers that were given.")
    mixing_library: list[str] | None = Field(None, description="The file of example mixing matrices.")


class JobDocument(BaseModel):
    """The state of a job (OGC API - Processes statusInfo)."""

    jobID: str = Field(examples=["5f0c7ad2a0e94d6fb4d0b6a8f3f0a111"])
    id: str = Field(description="`jobID`, as version 2 of the standard names it.")
    processID: str = "unmix"
    type: str = "process"
    status: JobStatus
    progress: int = Field(ge=0, le=100, description="Percent.")
    stage: str = Field(description="What is being done.", examples=["training LPALM"])
    message: str = Field(
        description="The stage and its figures.",
        examples=["training LPALM: epoch 12 of at most 30, validation NMSE 0.01"],
    )
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    updated: datetime
    expires: datetime | None = Field(None, description="Of an ended job: when it is removed, with its results.")
    labels: list[str] = Field(
        [],
        description="Labels under which this work was asked for, the newest last.",
        examples=[["north field"]],
    )
    inputs: JobInputs
    error: Problem | None = Field(None, description="Why the job failed.")
    warnings: list[ResultWarning] | None = Field(None, description="Of a successful job: why to doubt its results.")
    links: list[Link]


class LogEntry(BaseModel):
    """One line of a job's log."""

    id: str = Field(description="Its number, counted from 0.", examples=["0"])
    time: datetime
    level: Literal["info", "warning", "error"]
    message: str = Field(examples=["attempt 1 started"])


class JobLogs(BaseModel):
    """A page of a job's log, in the form of openEO."""

    logs: list[LogEntry]
    links: list[Link]


class JobList(BaseModel):
    """One page of jobs, newest first; the link ``next`` leads on."""

    jobs: list[JobDocument]
    numberMatched: int = Field(description="How many jobs there are on all pages.")
    links: list[Link]


def job_document(record: JobRecord, base: str, settings: Settings) -> JobDocument:
    """``base``: URL of the service, with a slash at its end."""
    url = f"{base}jobs/{record.id}"
    links = [
        Link(href=url, rel="self"),
        Link(href=url, rel="monitor"),
        Link(href=f"{url}/events", rel="monitor", type="text/event-stream"),
        Link(href=f"{url}/logs", rel="describedby", title="Log"),
    ]
    if record.status is JobStatus.SUCCESSFUL:
        links.append(Link(href=f"{url}/results", rel=RESULTS_REL))
        links.append(Link(href=f"{url}/results.zip", rel="enclosure", type="application/zip"))
    return JobDocument(
        jobID=record.id,
        id=record.id,
        processID=record.process,
        status=record.status,
        progress=record.progress,
        stage=record.stage,
        message=record.message,
        created=record.created,
        started=record.started,
        finished=record.finished,
        updated=record.updated,
        expires=expires(record, settings),
        labels=list(record.labels),
        inputs=JobInputs(
            **record.spec.model_dump(),
            model=record.model_id,
            file=list(record.uploaded),
            **input_document(record.input),
            kind=InputKind.MIXTURES if isinstance(record.spec, SeparationSpec) else InputKind.IMAGE,
            **{field: [path.rpartition("/")[2] for path in paths] for field, paths in record.libraries.items()},
        ),
        error=job_problem(record.error) if record.error else None,
        warnings=None if record.warnings is None else list(record.warnings),
        links=links,
    )
