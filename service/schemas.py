"""The JSON documents of the service, and the pictures of it in the OpenAPI document."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from model_store.models import StoredModel
from model_store.records import JobRecord, JobStatus
from service.problems import Problem, job_problem
from unmixing.io.inputs.correction_files import input_document
from unmixing.io.inputs.input_kind import InputKind
from unmixing.manifest import MODEL_MEDIA_TYPE, ModelManifest
from unmixing.mixtures.specs import SeparationSpec
from unmixing.types import ResultWarning

RESULTS_REL = "http://www.opengis.net/def/rel/ogc/1.0/results"


class Link(BaseModel):
    href: str
    rel: str
    type: str = "application/json"
    title: str | None = None


class JobInputs(BaseModel):
    """The request of a job: all fields of its spec, those that are not listed here too."""

    model_config = ConfigDict(extra="allow")

    kind: InputKind = Field(description="How the upload was read.")
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
    inputs: JobInputs
    error: Problem | None = Field(None, description="Why the job failed.")
    warnings: list[ResultWarning] | None = Field(None, description="Of a successful job: why to doubt its results.")
    links: list[Link]


class JobList(BaseModel):
    """One page of jobs, newest first; the link ``next`` leads on."""

    jobs: list[JobDocument]
    numberMatched: int = Field(description="How many jobs there are on all pages.")
    links: list[Link]


class ModelDocument(BaseModel):
    """A stored model. ``manifest`` says what it was trained on and how well it does."""

    id: str = Field(description="The head of the SHA-256 of model.onnx.")
    created: datetime
    size: int = Field(description="Bytes of model.onnx.")
    manifest: ModelManifest
    links: list[Link]


class ModelList(BaseModel):
    """One page of models, newest first; the link ``next`` leads on."""

    models: list[ModelDocument]
    numberMatched: int
    links: list[Link]


class ResultDocument(BaseModel):
    """The result of a scene or a mixture matrix. Each asset's ``href`` answers GET, HEAD and Range."""

    warnings: list[ResultWarning] = Field(description="Why the answer may be wrong; empty when nothing was noticed.")
    endmembers: dict[str, Any] | None = Field(
        None,
        description="Of an image: `names`, `wavelengths_nm`, `values`: one spectrum per endmember over all bands of "
        "the input, null where a band was dropped.",
    )
    comparison: dict[str, Any] | None = Field(
        None, description="Of several methods: `answers`, one per method, and `failures`, why others have none."
    )
    mixing_matrix: dict[str, Any] | None = Field(
        None, description="Of mixtures: `names`, `values`: one column of the mixing matrix per source."
    )
    metrics: dict[str, Any]
    model: dict[str, Any] | None
    input: dict[str, Any]
    provenance: dict[str, Any] = Field(
        description="How the result came about: method, the whole spec, seed, versions, SHA-256 of the inputs, "
        "seconds, peak memory."
    )
    assets: dict[str, dict[str, Any]]


class InspectionDocument(BaseModel):
    """How an input is read, by the same reader as a job's."""

    warnings: list[ResultWarning] = Field(description="Doubts about the numbers; empty when nothing was noticed.")
    input: dict[str, Any] = Field(
        description="As `input` of a result, and of an image `masked_pixels`, with reasons, and `lowest` and `highest`."
    )
    false_colour_png: str | None = Field(None, description="With `picture=true`, of an image: PNG in base64.")


class Landing(BaseModel):
    title: str
    description: str
    links: list[Link]


class ProblemKind(BaseModel):
    """A kind of problem and what it means."""

    type: str
    title: str
    status: int
    meaning: str


class Readiness(BaseModel):
    """Each check by name: "ok", a number, or what is wrong."""

    ready: bool
    checks: dict[str, str | int]


def job_document(record: JobRecord, base: str) -> JobDocument:
    """``base``: URL of the service, with a slash at its end."""
    url = f"{base}jobs/{record.id}"
    links = [Link(href=url, rel="self"), Link(href=url, rel="monitor")]
    if record.status is JobStatus.SUCCESSFUL:
        links.append(Link(href=f"{url}/results", rel=RESULTS_REL))
    return JobDocument(
        jobID=record.id,
        status=record.status,
        progress=record.progress,
        stage=record.stage,
        message=record.message,
        created=record.created,
        started=record.started,
        finished=record.finished,
        updated=record.updated,
        inputs=JobInputs(
            **record.spec.model_dump(),
            model=record.model_id,
            **input_document(record.input),
            kind=InputKind.MIXTURES if isinstance(record.spec, SeparationSpec) else InputKind.IMAGE,
            **{field: [path.rpartition("/")[2] for path in paths] for field, paths in record.libraries.items()},
        ),
        error=job_problem(record.error) if record.error else None,
        warnings=None if record.warnings is None else list(record.warnings),
        links=links,
    )


def model_document(model: StoredModel, base: str) -> ModelDocument:
    """``base``: URL of the service, with a slash at its end."""
    url = f"{base}models/{model.id}"
    links = [
        Link(href=url, rel="self"),
        Link(href=f"{url}/model.onnx", rel="enclosure", type=MODEL_MEDIA_TYPE),
    ]
    return ModelDocument(id=model.id, created=model.created, size=model.size, manifest=model.manifest, links=links)


def page_links(url: str, query: str, limit: int, offset: int, total: int) -> list[Link]:
    """self, and next and prev where there are such pages. ``query``: other parameters, each ending in &."""

    def link(rel: str, start: int) -> Link:
        return Link(href=f"{url}?{query}limit={limit}&offset={start}", rel=rel)

    links = [link("self", offset)]
    if offset + limit < total:
        links.append(link("next", offset + limit))
    if offset > 0:
        links.append(link("prev", max(0, offset - limit)))
    return links
