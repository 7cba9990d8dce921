"""Conversations with a service, without a network: each yields the steps that it wants done and is sent their answers.

The clients carry the steps out, one waiting, the other in an event loop; what is said is written here, once.
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from unmixing.inference.apply import Maps
from unmixing.io.products.document import write_document
from unmixing.io.products.false_colour import FALSE_COLOUR, read_png
from unmixing.io.products.folders import output_folder, require_empty
from unmixing.io.products.notebook import UnmixingResult
from unmixing.io.products.reading import answer_of, read_result
from unmixing.progress import Progress
from unmixing_client.documents import Document, Inspection, JobInfo, ModelInfo
from unmixing_client.errors import JobFailedError, RefusedError, UnexpectedAnswerError
from unmixing_client.uploads import Request, opened

POLL_SECONDS = 0.5

Result = TypeVar("Result")
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Ask:
    """A request to be made. path: below the service's URL. fields, files: of a form."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    files: list[tuple[str, tuple[str, Any]]] = field(default_factory=list)


@dataclass(frozen=True)
class Save:
    """A file to be fetched from ``path`` into ``target``."""

    path: str
    target: Path


@dataclass(frozen=True)
class Pause:
    """Time to let pass."""

    seconds: float


@dataclass(frozen=True)
class Answer:
    """The answer to a step; a file that was saved has no content. reason: the status in words."""

    status: int
    reason: str
    content: bytes = b""


Step = Ask | Save | Pause
Flow = Generator[Step, Any, Result]


def ready() -> Flow[bool]:
    answer: Answer = yield Ask("GET", "readyz")
    return answer.status == HTTPStatus.OK


def submit(request: Request, progress: Progress) -> Flow[JobInfo]:
    """Send a scene or mixtures, streamed."""
    with request.paths() as paths, opened(paths, progress) as files:
        return (yield from _told(JobInfo, Ask("POST", "unmix", fields=request.texts(), files=files)))


def inspect(request: Request) -> Flow[Inspection]:
    with request.paths() as paths, opened(paths, lambda share, stage, detail="": None) as files:
        return (yield from _told(Inspection, Ask("POST", "inspect", fields=request.texts(), files=files)))


def job(job_id: str) -> Flow[JobInfo]:
    return (yield from _told(JobInfo, Ask("GET", f"jobs/{job_id}")))


def cancel(job_id: str) -> Flow[JobInfo | None]:
    """The job as it is now, or None when the service could only remove it."""
    ask = Ask("DELETE", f"jobs/{job_id}")
    answer = yield from _asked(ask)
    return _valid(JobInfo, _parsed(ask, answer)) if answer.content else None


def jobs(status: str | None, limit: int) -> Flow[list[JobInfo]]:
    query = {"limit": str(limit), **({} if status is None else {"status": status})}
    found = yield from _json(Ask("GET", "jobs", query))
    return [_valid(JobInfo, entry) for entry in found["jobs"]]


def models(limit: int) -> Flow[list[ModelInfo]]:
    found = yield from _json(Ask("GET", "models", {"limit": str(limit)}))
    return [_valid(ModelInfo, entry) for entry in found["models"]]


def wait(job_id: str, progress: Progress) -> Flow[JobInfo]:
    """Until the job has ended. Raises JobFailedError when it did not end well."""
    while True:
        info = yield from job(job_id)
        progress(info.progress / 100, info.stage, info.message.removeprefix(info.stage).removeprefix(": "))
        if info.has_ended:
            break
        yield Pause(POLL_SECONDS)
    if info.status == "successful":
        return info
    try:
        yield from _asked(Ask("GET", f"jobs/{job_id}/results"))  # answers with the problem
    except RefusedError as refused:
        raise JobFailedError(str(refused)) from refused
    raise JobFailedError(f"job {job_id} was {info.status}: {info.message}")


def document(job_id: str) -> Flow[Document]:
    return (yield from _json(Ask("GET", f"jobs/{job_id}/results")))


def fetch(job_id: str, name: str, target: str | PathLike[str]) -> Flow[Path]:
    """One file of the results, written to ``target``."""
    path = Path(target)
    yield from _saved(job_id, name, path)
    return path


def array(job_id: str, name: str) -> Flow[np.ndarray]:
    """One of the ``.npy`` files of the results."""
    with TemporaryDirectory(prefix="unmix-") as folder:
        target = Path(folder) / "asset.npy"
        yield from _saved(job_id, name, target)
        try:
            found: np.ndarray = np.load(target, allow_pickle=False)
        except ValueError as error:
            raise UnexpectedAnswerError(f"{name} is no .npy file ({error})") from error
    return found


def result(job_id: str, method: str | None) -> Flow[UnmixingResult]:
    """The unmixing, its maps in memory. method: whose, of several."""
    told = yield from document(job_id)
    answer, prefix = answer_of(told, method)
    names = [f"{prefix}{name}.npy" for name in Maps._fields]
    maps: list[Any] = []
    for name in names:
        maps.append((yield from array(job_id, name)) if name in told["assets"] else None)
    return read_result(told, answer, Maps(*maps), (yield from _picture(job_id, told)))


def _picture(job_id: str, told: Mapping[str, Any]) -> Flow[Any]:
    """The image in false colour, None without one."""
    if FALSE_COLOUR not in told["assets"]:
        return None
    with TemporaryDirectory(prefix="unmix-") as folder:
        path = yield from fetch(job_id, FALSE_COLOUR, Path(folder) / FALSE_COLOUR)
        return read_png(path.read_bytes())


def download(job_id: str, folder: str | PathLike[str], overwrite: bool) -> Flow[dict[str, Any]]:
    """All files and ``result.json`` in ``folder``, whole or not at all; the document, its hrefs made local."""
    out = Path(folder)
    require_empty(out, overwrite=overwrite)
    told: dict[str, Any] = {**(yield from document(job_id))}
    with output_folder(out) as hidden:
        for name, asset in told["assets"].items():
            if Path(name).name != name:
                raise UnexpectedAnswerError(f"the service names an asset {name!r}, which is no file name")
            yield from _saved(job_id, name, hidden / name)
            asset["href"] = name
        write_document(hidden, told)
    return told


def _saved(job_id: str, name: str, target: Path) -> Flow[None]:
    # Not by the asset's href: that may lead elsewhere, and the key is for this service alone.
    _require_done((yield Save(f"jobs/{job_id}/results/{name}", target)))


def _told(model: type[Model], ask: Ask) -> Flow[Model]:
    return _valid(model, (yield from _json(ask)))


def _json(ask: Ask) -> Flow[dict[str, Any]]:
    return _parsed(ask, (yield from _asked(ask)))


def _parsed(ask: Ask, answer: Answer) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(answer.content)
    except ValueError as error:
        raise UnexpectedAnswerError(f"{ask.path} does not answer like this service") from error
    return found


def _asked(ask: Ask) -> Flow[Answer]:
    return _require_done((yield ask))


def _require_done(answer: Answer) -> Answer:
    """Raises RefusedError, in the words of a problem+json where there are some."""
    if answer.status < 400:
        return answer
    try:
        problem = json.loads(answer.content)
        text, kind = problem.get("detail") or problem.get("title"), problem.get("type")
    except (ValueError, AttributeError):
        text, kind = None, None
    raise RefusedError(text or answer.reason, answer.status, kind)


def _valid(model: type[Model], entry: object) -> Model:
    try:
        return model.model_validate(entry)
    except ValidationError as error:
        raise UnexpectedAnswerError(f"the answer is not that of this service ({error.errors()[0]['msg']})") from error
