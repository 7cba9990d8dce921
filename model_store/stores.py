"""The stores of one data folder, opened together."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from model_store.api_keys import ApiKeys
from model_store.folders import remove_folder
from model_store.forked import Result, run_forked
from model_store.job_log import JobLog
from model_store.jobs import JobRecords
from model_store.measurements import Measurements
from model_store.models import ModelStore
from model_store.objects import Objects
from model_store.record_files import RecordFiles
from model_store.results import ResultStore
from model_store.settings import Settings, queue_url

RETRIES, PATIENT_RETRIES = 3, 12

SHARED = ".shared"
"""The file that says that a folder is in the object store as a whole."""

Place = Path | Objects
"""A data folder or an object store."""


class JobFolders:
    """Job id -> a folder of files that are kept until the job has ended.

    objects: where copies are kept for workers on other machines.
    """

    def __init__(self, folder: Path, objects: Objects | None = None) -> None:
        self.folder, self._objects = folder, objects

    def of(self, job_id: str) -> Path:
        """The folder on this machine, whether it is there or not."""
        return self.folder / job_id

    def share(self, job_id: str) -> None:
        """Make the folder available to other machines."""
        if self._objects is not None:
            (self.of(job_id) / SHARED).touch()
            self._objects.put_folder(self._key(job_id), self.of(job_id), last=SHARED)

    def fetched(self, job_id: str) -> Path:
        """The folder on this machine, copied here when only the object store has it."""
        folder = self.of(job_id)
        if self._objects is not None and not folder.is_dir() and self.exists(job_id):
            self._objects.fetch_folder(self._key(job_id), folder)
        return folder

    def exists(self, job_id: str) -> bool:
        """Whether a worker can get the folder."""
        if self._objects is None:
            return self.of(job_id).is_dir()
        return self._objects.exists(f"{self._key(job_id)}/{SHARED}")

    def forget_copy(self, job_id: str) -> None:
        """Remove the copy on this machine, where it is one."""
        if self._objects is not None:
            remove_folder(self.of(job_id))

    def remove(self, job_id: str) -> None:
        remove_folder(self.of(job_id))
        if self._objects is not None:
            self._objects.remove(self._key(job_id))

    def _key(self, job_id: str) -> str:
        return f"{self.folder.name}/{job_id}"


@dataclass(frozen=True)
class Stores:
    """Everything that outlives a job, or a worker. inputs: the uploads. parts: images that are unmixed part by part.

    place: of the records, by which queue and store know each other.
    """

    place: Place
    redis: Redis
    jobs: JobRecords
    log: JobLog
    measurements: Measurements
    inputs: JobFolders
    parts: JobFolders
    results: ResultStore
    models: ModelStore
    keys: ApiKeys

    def of(self, owner: str | None) -> "Stores":
        """The things that one owner sees (see ``JobRecord``). Folders go by job: ask ``jobs`` first whose that is."""
        return replace(self, jobs=self.jobs.of(owner), models=self.models.of(owner))

    def apart(self, work: Callable[[], Result]) -> Result:
        """Do what asks the stores from a process that forks: the library of object stores has threads of its own, and
        a fork of a process with them would hang."""
        return work() if isinstance(self.place, Path) else run_forked(work)


def open_stores(settings: Settings, *, patient: bool = False) -> Stores:
    """Connects at the first use, as ``connect`` does. Raises QueueUnavailableError when no Redis is named."""
    redis = connect(settings, patient=patient)
    data, objects = settings.data.resolve(), objects_of(settings)
    return Stores(
        place=objects or settings.data,
        redis=redis,
        jobs=JobRecords(redis, RecordFiles(data / "jobs", objects), lease_seconds=settings.lease_seconds),
        log=JobLog(redis),
        measurements=Measurements(redis),
        inputs=JobFolders(data / "inputs", objects),
        parts=JobFolders(data / "parts"),
        results=ResultStore(data / "results", objects),
        models=ModelStore(data / "models", objects),
        keys=keys_of(settings),
    )


def keys_of(settings: Settings) -> ApiKeys:
    """The API keys, which are shared with other machines where the settings name an object store."""
    return ApiKeys(settings.keys_folder.resolve(), objects_of(settings))


def objects_of(settings: Settings) -> Objects | None:
    """The object store that the settings name; None where the data folder keeps everything."""
    if settings.object_store is None:
        return None
    return Objects(settings.object_store, settings.object_store_endpoint)


def connect(settings: Settings, *, patient: bool = False) -> Redis:
    """A client that outlives a short break of the connection, and does not wait for ever for an answer.

    A ``patient`` one asks again for ten seconds and more: hours of training are not given up for a queue that
    restarts. Raises QueueUnavailableError when no Redis is named.
    """
    backoff = ExponentialBackoff(cap=1.0, base=0.05)
    errors = (RedisConnectionError, RedisTimeoutError) if patient else (RedisConnectionError,)
    retry = Retry(backoff, retries=PATIENT_RETRIES if patient else RETRIES, supported_errors=errors)
    return Redis.from_url(queue_url(settings), retry=retry, **_timeouts(settings))


def connect_async(settings: Settings) -> AsyncRedis:
    """As ``connect``, for an event loop."""
    retry = AsyncRetry(
        ExponentialBackoff(cap=1.0, base=0.05), retries=RETRIES, supported_errors=(RedisConnectionError,)
    )
    return AsyncRedis.from_url(queue_url(settings), retry=retry, **_timeouts(settings))


def _timeouts(settings: Settings) -> dict[str, Any]:
    seconds = settings.redis_timeout_seconds
    return {"socket_timeout": seconds, "socket_connect_timeout": seconds}
