"""The client that waits: ``UnmixClient`` and its jobs."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from unmixing.progress import Progress, silent
from unmixing.specs import InputSpec
from unmixing_client import flows
from unmixing_client.documents import Document, Inspection, JobInfo, JobStatus, ModelInfo
from unmixing_client.errors import UnreachableError
from unmixing_client.transport import LOCAL, Transport
from unmixing_client.uploads import NO_FILES, Fields, Files, Request

if TYPE_CHECKING:
    from unmixing.io.products.notebook import UnmixingResult


class UnmixClient:
    """One service at ``url``, a context manager.

    api_key: sent as ``Authorization: Bearer``, for services, or gateways before them, that ask for one. timeout:
    seconds that an answer may take. What the service refuses, in its own words, is a RefusedError; no answer is an
    UnreachableError, and both are ClientErrors.
    """

    def __init__(self, url: str = LOCAL, *, api_key: str | None = None, timeout: float = 120.0) -> None:
        self._transport = Transport(url.rstrip("/") + "/", api_key, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()

    def ready(self) -> bool:
        """Whether the service answers and can take jobs."""
        try:
            return self._transport.run(flows.ready())
        except UnreachableError:
            return False

    def submit(
        self, scene: Any, spec: Fields = None, *, input: InputSpec | None = None, model: str | None = None,
        files: Files = NO_FILES, progress: Progress = silent,
    ) -> "Job":  # fmt: skip
        """Send a scene or a mixture matrix and get the job that works on it, or has done so before.

        scene: the path of a file, the paths of several, a NumPy array, or an ``xarray.DataArray``. spec: an
        ``UnmixSpec``, a ``SeparationSpec`` or the texts of a form. input: how the scene is to be read. model: the id of
        a stored model. files: beside the scene, such as ``{"library": "materials.csv"}``. progress: hears the fraction
        sent. Raises RefusedError for what the service does not take.
        """
        request = Request(scene, spec, input, model, files)
        return Job(self._transport, self._transport.run(flows.submit(request, progress)))

    def inspect(
        self, scene: Any, fields: Fields = None, *, input: InputSpec | None = None, files: Files = NO_FILES
    ) -> Inspection:
        """How a scene or a mixture matrix would be read; nothing is computed or kept."""
        return self._transport.run(flows.inspect(Request(scene, fields, input, None, files)))

    def job(self, job_id: str) -> "Job":
        """The job of this id."""
        return Job(self._transport, self._transport.run(flows.job(job_id)))

    def jobs(self, status: JobStatus | None = None, limit: int = 100) -> "list[Job]":
        """The newest jobs, perhaps only those in one state."""
        return [Job(self._transport, info) for info in self._transport.run(flows.jobs(status, limit))]

    def models(self, limit: int = 100) -> list[ModelInfo]:
        """The newest stored models."""
        return self._transport.run(flows.models(limit))


class Job:
    """A job of a service. info: its state when it was last asked for."""

    def __init__(self, transport: Transport, info: JobInfo) -> None:
        self._transport, self.info = transport, info

    @property
    def id(self) -> str:
        return self.info.id

    @property
    def url(self) -> str:
        """Where the job can be asked for."""
        return f"{self._transport.url}jobs/{self.id}"

    def refresh(self) -> JobInfo:
        """Its state now."""
        self.info = self._transport.run(flows.job(self.id))
        return self.info

    def wait(self, progress: Progress = silent) -> Self:
        """Until it has ended; ``progress`` hears how far it is. Raises JobFailedError when it has no results."""
        self.info = self._transport.run(flows.wait(self.id, progress))
        return self

    def cancel(self) -> None:
        """Stop it; one that has ended is removed with its results."""
        left: JobInfo | None = self._transport.run(flows.cancel(self.id))
        self.info = left or self.info

    def document(self) -> Document:
        """Its ``result.json``."""
        return self._transport.run(flows.document(self.id))

    def fetch(self, name: str, target: str | PathLike[str]) -> Path:
        """Write one file of its results to ``target``; returns it."""
        return self._transport.run(flows.fetch(self.id, name, target))

    def array(self, name: str) -> np.ndarray:
        """A ``.npy`` file of its results, such as ``sources.npy`` of a mixture matrix."""
        return self._transport.run(flows.array(self.id, name))

    def result(self, method: str | None = None) -> "UnmixingResult":
        """The unmixing of an image with its maps in memory, as ``unmixing.unmix`` returns it, with ``to_xarray()``,
        ``plot()`` and ``save()``. method: whose answer, of a job with several."""
        return self._transport.run(flows.result(self.id, method))

    def download(self, folder: str | PathLike[str], *, overwrite: bool = False) -> Document:
        """Write all files of its results into ``folder``, all or nothing; returns their ``result.json``. overwrite: put
        them in the place of the result that is there."""
        return self._transport.run(flows.download(self.id, folder, overwrite))
