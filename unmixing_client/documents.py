"""The documents of the service, as far as this client reads them; it may send more."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from unmixing.manifest import ModelManifest

JobStatus = Literal["accepted", "running", "successful", "failed", "dismissed"]

ENDED = frozenset({"successful", "failed", "dismissed"})


class Warned(BaseModel):
    """A reason to doubt an answer; see ``unmixing.types.ResultWarning``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str
    message: str
    action: str


class JobInfo(BaseModel):
    """The state of a job when it was asked for. progress: percent. inputs: the request as the service took it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(validation_alias="jobID")
    status: JobStatus
    progress: int
    stage: str
    message: str
    created: datetime
    updated: datetime
    started: datetime | None = None
    finished: datetime | None = None
    inputs: dict[str, Any] = {}
    labels: tuple[str, ...] = ()
    error: dict[str, Any] | None = None
    warnings: tuple[Warned, ...] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in ENDED


class ModelInfo(BaseModel):
    """A stored model. size: of its file, in bytes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    created: datetime
    size: int
    manifest: ModelManifest


class Inspection(BaseModel):
    """How an input would be read. input: format, shape, wavelengths, bands and pixels left out, and why."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    warnings: tuple[Warned, ...]
    input: dict[str, Any]


Document = Mapping[str, Any]
"""JSON of the service, as it came."""
