"""Talks to the service as any client would: upload, follow, download."""

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin

import httpx

from cli.errors import CliError
from model_store.results import write_document
from unmixing.progress import Progress

POLL_SECONDS = 0.5
ENDED = frozenset({"successful", "failed", "dismissed"})
CHUNK_BYTES = 1 << 20

Job = Mapping[str, Any]


class ServiceError(CliError):
    """The service said no, or said nothing."""


class ServiceClient:
    """One service at ``url``, a context manager. What the service refuses, in the words of its problem+json, or
    does not answer, is a ServiceError."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/") + "/"
        # Uploads may wait for the disk, so writing and reading get more time than connecting.
        self._http = httpx.Client(timeout=httpx.Timeout(120.0, connect=5.0), follow_redirects=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ready(self) -> bool:
        """Whether the service answers and can take jobs."""
        try:
            return self._http.get(urljoin(self._url, "readyz")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def upload(
        self,
        files: Sequence[Path],
        fields: Mapping[str, str],
        follow: Progress,
        libraries: Mapping[str, Sequence[Path]],
    ) -> Job:
        """Send a scene or mixtures. The files are streamed; ``follow`` hears the fraction sent."""
        named = [(field, path) for field, paths in {"file": files, **libraries}.items() for path in paths]
        total = sum(path.stat().st_size for _, path in named)
        with ExitStack() as stack:
            sent = _Sent(total, follow)
            parts = [
                (field, (path.name, _Watched(stack.enter_context(path.open("rb")), sent))) for field, path in named
            ]
            return self._json("POST", "unmix", data=dict(fields), files=parts)

    def wait(self, job: Job, follow: Progress) -> Job:
        """Poll until the job has ended. Raises ServiceError with the job's error when it did not end well."""
        url = self.job_url(job)
        while True:
            follow(job["progress"] / 100, job["stage"], job["message"].removeprefix(job["stage"]).removeprefix(": "))
            if job["status"] in ENDED:
                break
            time.sleep(POLL_SECONDS)
            job = self._json("GET", url)
        if job["status"] != "successful":
            self._json("GET", f"{url}/results")  # answers with the problem
            raise ServiceError(f"job {job['jobID']} was {job['status']}: {job['message']}")
        return job

    def download(self, job: Job, folder: Path) -> dict[str, Any]:
        """Write all assets and ``result.json`` into ``folder``; returns it, its hrefs made local."""
        url = f"{self.job_url(job)}/results"
        document: dict[str, Any] = self._json("GET", url)
        for name, asset in document["assets"].items():
            if Path(name).name != name:
                raise ServiceError(f"the service names an asset {name!r}, which is no file name")
            self._save(urljoin(url, asset["href"]), folder / name)
            asset["href"] = name
        write_document(folder, document)
        return document

    def job_url(self, job: Job) -> str:
        """Where the job can be asked for."""
        return urljoin(self._url, f"jobs/{job['jobID']}")

    def _save(self, url: str, path: Path) -> None:
        try:
            with self._http.stream("GET", url) as answer, path.open("wb") as file:
                if answer.is_error:
                    answer.read()
                    raise _refused(answer)
                for chunk in answer.iter_bytes(CHUNK_BYTES):
                    file.write(chunk)
        except httpx.TransportError as error:
            raise ServiceError(f"{url} broke off: {error}") from error

    def _json(self, method: str, url: str, **content: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, urljoin(self._url, url), **content)
        except httpx.TransportError as error:
            raise ServiceError(f"no answer from {self._url} ({error}); does `unmix serve` run there?") from error
        if answer.is_error:
            raise _refused(answer)
        try:
            document: dict[str, Any] = answer.json()
        except json.JSONDecodeError as error:
            raise ServiceError(f"{self._url} does not answer like this service") from error
        return document


class _Sent:
    """Counts the bytes handed to the network, over all files."""

    def __init__(self, total: int, follow: Progress) -> None:
        self._total, self._follow, self._sent = max(total, 1), follow, 0

    def add(self, n_bytes: int) -> None:
        self._sent += n_bytes
        self._follow(min(self._sent / self._total, 1.0), "uploading")


class _Watched:
    """A file that tells how much of it was read. httpx asks ``fileno`` for its size and reads in pieces."""

    def __init__(self, file: Any, sent: _Sent) -> None:
        self._file, self._sent = file, sent
        self.fileno = file.fileno

    def read(self, size: int = -1) -> bytes:
        piece: bytes = self._file.read(size)
        self._sent.add(len(piece))
        return piece


def _refused(answer: httpx.Response) -> ServiceError:
    """The words of a problem+json, else the bare status."""
    try:
        problem = answer.json()
        text = problem.get("detail") or problem.get("title") or answer.reason_phrase
    except (json.JSONDecodeError, AttributeError):
        text = answer.reason_phrase
    return ServiceError(f"{text} (HTTP {answer.status_code})")
