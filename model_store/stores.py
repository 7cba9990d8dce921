"""The stores of one data folder, opened together."""

from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from model_store.claims import Claims
from model_store.folders import remove_folder
from model_store.jobs import JobRecords
from model_store.models import ModelStore
from model_store.record_files import RecordFiles
from model_store.results import ResultStore
from model_store.settings import Settings, queue_url


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
    inputs: JobFolders
    parts: JobFolders
    claims: Claims
    results: ResultStore
    models: ModelStore


def open_stores(settings: Settings) -> Stores:
    """Connects at the first use. Raises QueueUnavailableError when no Redis is named."""
    redis = connect(queue_url(settings))
    data = settings.data.resolve()
    return Stores(
        redis=redis,
        jobs=JobRecords(redis, RecordFiles(data / "jobs"), lease_seconds=settings.lease_seconds),
        inputs=JobFolders(data / "inputs"),
        parts=JobFolders(data / "parts"),
        claims=Claims(redis, lease_seconds=settings.lease_seconds),
        results=ResultStore(data / "results"),
        models=ModelStore(data / "models"),
    )


def connect(url: str) -> Redis:
    """A client that outlives a short break of the connection."""
    retry = Retry(ExponentialBackoff(cap=1.0, base=0.05), retries=3)
    return Redis.from_url(url, retry=retry, retry_on_error=[RedisConnectionError], socket_connect_timeout=5)
