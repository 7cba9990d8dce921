"""Documents about the service itself."""

from pydantic import BaseModel, Field

from service.schemas.links import Link


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
    checks: dict[str, str | int] = Field(examples=[{"data": "ok", "queue": "ok", "workers": 2}])
    missing: list[str] = Field(
        description="What keeps the service from its work, or jobs waiting, in words.",
        examples=[["no worker serves the queue `train`: jobs that train a network wait"]],
    )
