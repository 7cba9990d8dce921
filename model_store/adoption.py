"""Queue and data folder belong together: a shared id says so, and an empty queue is filled again from the folder."""

import logging
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from redis import Redis

from model_store.errors import DataFolderMismatchError, UnreadableRecordError
from model_store.folders import write_durably
from model_store.jobs import LIVE
from model_store.records import JobRecord, JobStatus, now
from model_store.results import ResultStore
from model_store.stores import Stores

ID_KEY = "unmix:data"
"""Holds the id of the data folder whose jobs this Redis has."""

logger = logging.getLogger(__name__)


def id_file(data: Path) -> Path:
    return data / "id"


def claim_queue(data: Path, redis: Redis) -> None:
    """Tie a queue that belongs to nobody to the data folder.

    Raises DataFolderMismatchError when it belongs to another one.
    """
    if queue_owner(redis) is None:
        redis.set(ID_KEY, _own_id(data), nx=True)
    require_same(data, redis)


def queue_owner(redis: Redis) -> str | None:
    """The id of the data folder that the queue belongs to; None for a queue that is empty, or older than ids."""
    held: Any = redis.get(ID_KEY)
    return None if held is None else held.decode()


def require_same(data: Path, redis: Redis) -> None:
    """Raises DataFolderMismatchError unless the queue belongs to the data folder."""
    held, own = queue_owner(redis), _read_id(data)
    if held is None or held == own:
        return
    raise DataFolderMismatchError(
        f"the queue at {_place(redis)} belongs to the data folder with the id {held}; {data} has "
        f"{f'the id {own}' if own else 'no id'} (its file `{id_file(data).name}`). Name the folder of that queue with "
        f"--data or UNMIX_DATA, or another Redis or database with REDIS_URL; if that folder is given up for good, "
        f"empty the database first (FLUSHDB)"
    )


def adopt(data: Path, stores: Stores) -> None:
    """Claim the queue, and make it and the records on disk agree: each learns from the other what it has missed.

    Jobs that had not ended wait again, with their upload; ended ones are answered as before. Raises
    DataFolderMismatchError.
    """
    claim_queue(data, stores.redis)
    files, jobs = stores.jobs.files, stores.jobs
    kept = files.ids()
    for job_id in kept:
        try:
            record = files.read(job_id)
        except UnreadableRecordError as error:
            logger.error("%s", error)
            continue
        if record is not None and jobs.restore(_as_found(record, stores.results)) is not record.status:
            jobs.save(job_id)
    for job_id in set(jobs.ids()) - set(kept):
        jobs.save(job_id)


def _as_found(record: JobRecord, results: ResultStore) -> JobRecord:
    """The record of a job for a queue that has lost it."""
    if record.status not in LIVE:
        return record
    if results.exists(record.id):  # it had been stored, but not yet been said
        said = {"progress": 100, "stage": "done", "message": "done"}
        done = {"status": JobStatus.SUCCESSFUL, "finished": now(), **said}
        return record.model_copy(update=done)
    said = {"progress": 0, "stage": "waiting", "message": "the queue was lost; waiting for a worker"}
    return record.model_copy(update={"status": JobStatus.ACCEPTED, **said})


def _own_id(data: Path) -> str:
    """The folder's id; a folder without one gets it now, and two that ask at once get the same."""
    path = id_file(data)
    if (found := _read_id(data)) is not None:
        return found
    data.mkdir(parents=True, exist_ok=True)
    candidate = path.with_name(f".id.{uuid.uuid4().hex}")
    write_durably(candidate, uuid.uuid4().hex)
    try:
        with suppress(FileExistsError):
            os.link(candidate, path)
    except OSError:  # a file system without hard links
        candidate.replace(path)
    finally:
        candidate.unlink(missing_ok=True)
    return path.read_text("utf-8").strip()


def _read_id(data: Path) -> str | None:
    try:
        return id_file(data).read_text("utf-8").strip()
    except FileNotFoundError:
        return None


def _place(redis: Redis) -> str:
    """Where the queue is, without its password."""
    facts = redis.connection_pool.connection_kwargs
    where = facts.get("path") or f"{facts.get('host', 'localhost')}:{facts.get('port', 6379)}"
    return f"{where}, database {facts.get('db') or 0},"
