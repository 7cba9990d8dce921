"""The job records in Redis: who may change what when, decided in one place and atomically."""

import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from redis import Redis

from model_store import job_scripts
from model_store.deliveries import Delivery
from model_store.errors import QueueFullError, UnreadableRecordError
from model_store.job_lists import JobLists, job_key
from model_store.measurements import Measurements, Sum
from model_store.record_files import RecordFiles
from model_store.records import MAX_LABELS, JobError, JobRecord, JobStatus, encode, now

LIVE = (JobStatus.ACCEPTED, JobStatus.RUNNING)
ENDED = (JobStatus.SUCCESSFUL, JobStatus.FAILED, JobStatus.DISMISSED)


logger = logging.getLogger(__name__)


class Report(NamedTuple):
    """How far a job is: percent, the stage in words, and both stage and figures as one text."""

    progress: int
    stage: str
    message: str


class Room(NamedTuple):
    """How many jobs may wait: of all, and of one owner; None for any number."""

    all: int | None = None
    own: int | None = None


class JobRecords(JobLists):
    """Every change names the states it may come from; one that comes too late does nothing and says so.

    Every change of state is on disk as well, in ``files``, from which a lost queue is rebuilt; progress is not.
    """

    def __init__(self, redis: Redis, files: RecordFiles, *, lease_seconds: float) -> None:
        super().__init__(redis)
        self.files = files
        self.lease_seconds = lease_seconds
        self._lease_ms = str(round(lease_seconds * 1000))
        self._measurements = Measurements(redis)
        self._reserve = redis.register_script(job_scripts.LISTS + job_scripts.RESERVE)
        self._restore = redis.register_script(job_scripts.LISTS + job_scripts.RESTORE)
        self._move = redis.register_script(job_scripts.LISTS + job_scripts.MOVE)
        self._touch = redis.register_script(job_scripts.TOUCH)
        self._label = redis.register_script(job_scripts.LABEL)
        self._remove = redis.register_script(job_scripts.LISTS + job_scripts.REMOVE)

    def reserve(self, record: JobRecord, room: Room = Room()) -> JobRecord:  # noqa: B008
        """Enter ``record``; when equal work is accepted, running or successful, return that job instead.

        Raises QueueFullError when there is no ``room`` for one more that waits, InvalidTextError for what could not be
        read back, before anything is stored, and OSError when the disk does not take the record.
        """
        fields = encode(record.model_dump(mode="json"))
        # The disk first: whoever hears of the job may count on it.
        self.files.write(record)
        try:
            holder = self._holder(record, fields, room)
        except BaseException:
            self.files.remove(record.id)
            raise
        if holder.id != record.id:
            self.files.remove(record.id)
        return holder

    def _holder(self, record: JobRecord, fields: Sequence[str], room: Room) -> JobRecord:
        """Whoever has the work of ``record`` now, ``record`` itself when nobody had."""
        limits = ["" if most is None else most for most in room]
        frame = [record.work_key, record.id, record.created.timestamp(), *limits, record.owner or ""]
        while True:
            holder = self._reserve(args=[*frame, *fields]).decode()
            if holder == "full":
                raise QueueFullError(f"{room.all} jobs wait, as many as may wait here; try again later", is_own=False)
            if holder == "full of own":
                raise QueueFullError(f"{room.own} jobs of this key wait, as many as may; try again later", is_own=True)
            try:
                found = self.get(holder)
            except UnreadableRecordError:
                logger.exception("job %s holds equal work and cannot be read, so the work is done again", holder)
                self._redis.delete(f"unmix:work:{record.work_key}")
                continue
            # Between the two calls the holder may have been removed; then the work is free again.
            if found is not None:
                return found

    def get(self, job_id: str) -> JobRecord | None:
        """The record, or None when there is no such job. Raises UnreadableRecordError."""
        raw: Any = self._redis.hgetall(job_key(job_id))
        return self.seen(job_id, raw)

    def start(self, job_id: str) -> int | None:
        """accepted -> running, with a lease. The attempt's number, or None when the job is not to be run."""
        fields = {"stage": "starting", "message": "starting", "progress": 0}
        attempt = self._moved(job_id, (JobStatus.ACCEPTED,), JobStatus.RUNNING, None, fields)
        return attempt if attempt > 0 else None

    def touch(self, job_id: str, attempt: int, report: Report | None = None, *, step: str = "") -> bool:
        """Renew the lease, that of the step too, and say how far the work is, unless more has been said already.

        False when the attempt no longer has the job.
        """
        fields: list[str] = []
        if report is not None:
            updated = now().isoformat()
            fields = encode({**report._asdict(), "updated": updated})
        progress = "" if report is None else report.progress
        return bool(self._touch(args=[job_id, attempt, self._lease_ms, step, progress, *fields]))

    def succeed(self, job_id: str, attempt: int, warnings: Sequence[Mapping[str, str]] = ()) -> bool:
        """running -> successful, by the attempt that has the job. warnings: those of its results, JSON-able."""
        fields = {"progress": 100, "stage": "done", "message": "done", "warnings": list(warnings)}
        return self._moved(job_id, (JobStatus.RUNNING,), JobStatus.SUCCESSFUL, attempt, fields) >= 0

    def fail(self, job_id: str, attempt: int, error: JobError) -> bool:
        """running -> failed, by the attempt that has the job."""
        fields = {"stage": "failed", "message": "failed", "error": error.model_dump()}
        return self._moved(job_id, (JobStatus.RUNNING,), JobStatus.FAILED, attempt, fields) >= 0

    def give_up(self, job_id: str, error: JobError) -> bool:
        """accepted -> failed, for a job that no worker can ever run."""
        fields = {"stage": "failed", "message": "failed", "error": error.model_dump()}
        return self._moved(job_id, (JobStatus.ACCEPTED,), JobStatus.FAILED, None, fields) >= 0

    def retry(self, record: JobRecord) -> bool:
        """running -> accepted, for a job whose worker died in the attempt that ``record`` shows: a failure."""
        message = "the worker died; waiting for another one"
        fields = {"stage": "waiting", "message": message, "progress": 0, "failures": record.failures + 1}
        return self._moved(record.id, (JobStatus.RUNNING,), JobStatus.ACCEPTED, record.attempts, fields) >= 0

    def give_back(self, job_id: str, attempt: int) -> bool:
        """running -> accepted, for a job whose worker was told to stop: no failure."""
        message = "the worker was stopped; waiting for another one"
        fields = {"stage": "waiting", "message": message, "progress": 0}
        return self._moved(job_id, (JobStatus.RUNNING,), JobStatus.ACCEPTED, attempt, fields) >= 0

    def dismiss(self, job_id: str) -> bool:
        """Live -> dismissed. Whoever runs it learns from its next ``touch``."""
        return self._moved(job_id, LIVE, JobStatus.DISMISSED, None, {"stage": "dismissed", "message": "dismissed"}) >= 0

    def remove(self, job_id: str) -> bool:
        """Forget an ended job. False when there is none by this id, or it has not ended."""
        return self._forget(job_id, "")

    def discard(self, job_id: str) -> bool:
        """Forget a job whatever its state, for a record that cannot be read. False when there is none."""
        return self._forget(job_id, "any")

    def _forget(self, job_id: str, states: str) -> bool:
        forgotten = bool(self._remove(args=[job_id, states]))
        if forgotten:
            self.files.remove(job_id)
        return forgotten

    def restore(self, record: JobRecord) -> JobStatus:
        """Enter a record from disk, accepted or ended, unless the job is here already and not behind it.

        Returns the status that the job has here.
        """
        finished = record.finished.timestamp() if record.finished else ""
        created = record.created.timestamp()
        frame: list[str | float] = [record.id, str(record.status), record.work_key, created, finished]
        return JobStatus(self._restore(args=[*frame, *encode(record.model_dump(mode="json"))]).decode())

    def label(self, job_id: str, label: str) -> None:
        """Say that the job was asked for under this label too."""
        if self._label(args=[job_id, label, MAX_LABELS]):
            self.save(job_id)

    def save(self, job_id: str) -> None:
        """Write the job's state to disk. A disk that does not take it costs no job: the queue has it still."""
        try:
            record, written = self.get(job_id), None
            while record is not None and (written is None or _state(record) != _state(written)):
                self.files.write(record)
                # Another process may have moved on meanwhile, and have written before this one did.
                record, written = self.get(job_id), record
        except (OSError, UnreadableRecordError):
            logger.exception("job %s: its record could not be written to disk", job_id)

    def alive(self, job_ids: Collection[str]) -> set[str]:
        """Those whose worker holds a lease."""
        pipe = self._redis.pipeline()
        for job_id in job_ids:
            pipe.exists(f"unmix:lease:{job_id}")
        return {job_id for job_id, found in zip(job_ids, pipe.execute(), strict=True) if found}

    def holds(self, delivery: Delivery) -> bool:
        """Whether this very attempt, or this very step of it, has a lease."""
        if delivery.step:
            return bool(self._redis.exists(f"unmix:lease:{delivery}"))
        held: Any = self._redis.get(f"unmix:lease:{delivery.job_id}")
        return bool(held == str(delivery.attempt).encode())

    def _moved(
        self,
        job_id: str,
        sources: Collection[JobStatus],
        target: JobStatus,
        attempt: int | None,
        fields: Mapping[str, Any],
    ) -> int:
        """The attempt's number, or -1 when the job was in none of ``sources`` or with another attempt."""
        moment = now()
        times = {"updated": moment.isoformat()}
        if target is JobStatus.RUNNING:
            times["started"] = moment.isoformat()
        if target in ENDED:
            times["finished"] = moment.isoformat()
        expected = "" if attempt is None else attempt
        values = encode({**times, **fields})
        frame = [job_id, f",{','.join(sources)},", expected, str(target), moment.timestamp(), self._lease_ms]
        moved = int(self._move(args=[*frame, *values]))
        if moved >= 0:
            self.save(job_id)
            if target in ENDED:
                self._count(job_id, target)
        return moved

    def _count(self, job_id: str, status: JobStatus) -> None:
        """Add an ended job to the measurements."""
        with suppress(UnreadableRecordError):
            record = self.get(job_id)
            if record is not None:
                self._measurements.add(Sum("jobs_ended", {"status": status, "method": record.method}, 1))


def _state(record: JobRecord) -> tuple[JobStatus, int]:
    return record.status, record.attempts
