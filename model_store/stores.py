"""The stores of one data folder, opened together."""

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
from model_store.job_log import JobLog
from model_store.jobs import JobRecords
from model_store.measurements import Measurements
from model_store.models import ModelStore
from model_store.record_files import RecordFiles
from model_store.results import ResultStore
from model_store.settings import Settings, queue_url

RETRIES, PATIENT_RETRIES = 3, 12


class JobFolders:
    """Job id -> a folder of files that are kept until the job has ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def of(self, job_id: str) -> Path:
        return self.folder / job_id

    def remove(self, job_id: str) -> None:
        remove_folder(self.of(job_id))


@dataclass(frozen=True)
class Stores:
    """Everything that outlives a job, or a worker. inputs: the uploads. parts: images that are unmixed part by part."""

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


def open_stores(settings: Settings, *, patient: bool = False) -> Stores:
    """Connects at the first use, as ``connect`` does. Raises QueueUnavailableError when no Redis is named."""
    redis = connect(settings, patient=patient)
    data = settings.data.resolve()
    return Stores(
        redis=redis,
        jobs=JobRecords(redis, RecordFiles(data / "jobs"), lease_seconds=settings.lease_seconds),
        log=JobLog(redis),
        measurements=Measurements(redis),
        inputs=JobFolders(data / "inputs"),
        parts=JobFolders(data / "parts"),
        results=ResultStore(data / "results"),
        models=ModelStore(data / "models"),
        keys=ApiKeys(settings.keys_folder.resolve()),
    )


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
