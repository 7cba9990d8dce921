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
from model_store.stores import Place, Stores

ID = "id"
"""Name of the file, or the object, with the id."""

ID_KEY = "unmix:data"
"""Holds the id of the data folder whose jobs this Redis has."""

logger = logging.getLogger(__name__)


def id_file(data: Path) -> Path:
    return data / ID


def claim_queue(place: Place, redis: Redis) -> None:
    """Tie a queue that belongs to nobody to the data folder, or the object store.

    Raises DataFolderMismatchError when it belongs to another one.
    """
    if queue_owner(redis) is None:
        redis.set(ID_KEY, _own_id(place), nx=True)
    require_same(place, redis)


def queue_owner(redis: Redis) -> str | None:
    """The id of the data folder that the queue belongs to; None for a queue that is empty, or older than ids."""
    held: Any = redis.get(ID_KEY)
    return None if held is None else held.decode()


def require_same(place: Place, redis: Redis) -> None:
    """Raises DataFolderMismatchError unless the queue belongs to the data folder, or the object store."""
    held, own = queue_owner(redis), _read_id(place)
    if held is None or held == own:
        return
    kind = "data folder" if isinstance(place, Path) else "object store"
    settings = "--data or UNMIX_DATA" if isinstance(place, Path) else "UNMIX_OBJECT_STORE"
    raise DataFolderMismatchError(
        f"the queue at {_place(redis)} belongs to the {kind} with the id {held}; {place} has "
        f"{f'the id {own}' if own else 'no id'} (its file `{ID}`). Name the {kind} of that queue with "
        f"{settings}, or another Redis or database with REDIS_URL; if that {kind} is given up for good, "
        f"empty the database first (FLUSHDB)"
    )


def adopt(stores: Stores) -> None:
    """Claim the queue, and make it and the records on disk agree: each learns from the other what it has missed.

    Jobs that had not ended wait again, with their upload; ended ones are answered as before. Raises
    DataFolderMismatchError.
    """
    claim_queue(stores.place, stores.redis)
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


def _own_id(place: Place) -> str:
    """The id of the place; one without gets it now, and two that ask at once get the same."""
    if (found := _read_id(place)) is not None:
        return found
    if isinstance(place, Path):
        return _new_id(place)
    place.put_new(ID, uuid.uuid4().hex.encode())
    return (place.get(ID) or b"").decode()


def _new_id(data: Path) -> str:
    path = id_file(data)
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


def _read_id(place: Place) -> str | None:
    if not isinstance(place, Path):
        found = place.get(ID)
        return None if found is None else found.decode()
    try:
        return id_file(place).read_text("utf-8").strip()
    except FileNotFoundError:
        return None


def _place(redis: Redis) -> str:
    """Where the queue is, without its password."""
    facts = redis.connection_pool.connection_kwargs
    where = facts.get("path") or f"{facts.get('host', 'localhost')}:{facts.get('port', 6379)}"
    return f"{where}, database {facts.get('db') or 0},"
