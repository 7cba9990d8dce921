"""Leftovers of killed processes on disk. Only what ended, or was never accepted, goes; what is merely unknown stays."""

import logging
from pathlib import Path

from model_store.adoption import id_file
from model_store.errors import UnreadableRecordError
from model_store.folders import remove_leftovers
from model_store.jobs import LIVE
from model_store.records import JobRecord, JobStatus
from model_store.stores import Stores

LEFTOVER_SECONDS = 3600
"""Leftovers are deleted when nothing has been written into them for this long."""

logger = logging.getLogger(__name__)


def sweep_leftovers(data: Path, stores: Stores, *, older_than_seconds: float = LEFTOVER_SECONDS) -> None:
    """Delete half-written folders of killed processes, and folders of jobs that need them no longer, when nothing has
    been written into them for so long."""
    for folder, keep in (
        (data / "inputs", lambda name: _keeps_input(stores, data / "inputs" / name, data)),
        (data / "parts", lambda name: _keeps_input(stores, data / "parts" / name, data)),
        (data / "results", lambda name: _keeps_results(stores, name)),
        *((folder, _is_visible) for folder in stores.models.folders()),
        (data / "jobs", _is_visible),
        (data / "webhooks", _is_visible),
        (data / "cache", lambda name: False),  # copies of what the object store has
    ):
        for name in remove_leftovers(folder, keep, older_than_seconds=older_than_seconds):
            logger.info("removed the leftover %s", folder / name)


def _keeps_input(stores: Stores, folder: Path, data: Path) -> bool:
    """Whether the job may still need the folder: it is live, or nothing certain is known of it."""
    if not _is_visible(folder.name):
        return False
    try:
        record = stores.jobs.get(folder.name)
    except UnreadableRecordError:
        return True
    if record is not None:
        return record.status in LIVE
    # Uploads have a record before they are answered, but not those that came before records were on disk.
    return stores.jobs.files.exists(folder.name) or not _is_younger(folder, id_file(data))


def _keeps_results(stores: Stores, name: str) -> bool:
    if not _is_visible(name):
        return bool(stores.jobs.alive([name.split(".")[1]]))  # ".{job}.{random}", being written
    try:
        record: JobRecord | None = stores.jobs.get(name)
    except UnreadableRecordError:
        return True
    return record is None or record.status not in (JobStatus.FAILED, JobStatus.DISMISSED)


def _is_younger(folder: Path, than: Path) -> bool:
    try:
        return folder.stat().st_mtime > than.stat().st_mtime
    except FileNotFoundError:
        return False


def _is_visible(name: str) -> bool:
    return not name.startswith(".")
