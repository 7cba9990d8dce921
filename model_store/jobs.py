"""The job records in Redis: who may change what when, decided in one place and atomically."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from redis import Redis

from model_store import job_scripts
from model_store.records import JobError, JobRecord, JobStatus, decode, encode, now

LIVE = (JobStatus.ACCEPTED, JobStatus.RUNNING)
ENDED = (JobStatus.SUCCESSFUL, JobStatus.FAILED, JobStatus.DISMISSED)


class Report(NamedTuple):
    """How far a job is: percent, the stage in words, and both stage and figures as one text."""

    progress: int
    stage: str
    message: str


def job_key(job_id: str) -> str:
    return f"unmix:job:{job_id}"


class JobRecords:
    """Every change names the states it may come from; one that comes too late does nothing and says so."""

    def __init__(self, redis: Redis, *, lease_seconds: float) -> None:
        self._redis = redis
        self.lease_seconds = lease_seconds
        self._lease_ms = str(round(lease_seconds * 1000))
        self._reserve = redis.register_script(job_scripts.RESERVE)
        self._move = redis.register_script(job_scripts.MOVE)
        self._touch = redis.register_script(job_scripts.TOUCH)
        self._remove = redis.register_script(job_scripts.REMOVE)

    def reserve(self, record: JobRecord) -> JobRecord:
        """Enter ``record``; when equal work is accepted, running or successful, return that job instead."""
        fields = encode(record.model_dump(mode="json"))
        score = record.created.timestamp()
        while True:
            holder = self._reserve(args=[record.work_key, record.id, score, *fields]).decode()
            # Between the two calls the holder may have been removed; then the work is free again.
            if found := self.get(holder):
                return found

    def get(self, job_id: str) -> JobRecord | None:
        return decode(self._hgetall(job_id))

    def page(self, status: JobStatus | None = None, *, limit: int, offset: int) -> tuple[list[JobRecord], int]:
        """One page, newest first, and how many jobs there are in all."""
        key = f"unmix:jobs:{status}" if status else "unmix:jobs"
        pipe = self._redis.pipeline()
        pipe.zcard(key)
        pipe.zrevrange(key, offset, offset + limit - 1)
        total, ids = pipe.execute()
        for job_id in ids:
            pipe.hgetall(job_key(job_id.decode()))
        return [record for raw in pipe.execute() if (record := decode(raw))], total

    def ids(self, status: JobStatus) -> list[str]:
        """All ids in this state, oldest first."""
        ids: Any = self._redis.zrange(f"unmix:jobs:{status}", 0, -1)
        return [job_id.decode() for job_id in ids]

    def start(self, job_id: str) -> int | None:
        """accepted -> running, with a lease. The attempt's number, or None when the job is not to be run."""
        fields = {"stage": "starting", "message": "starting", "progress": 0}
        attempt = self._moved(job_id, (JobStatus.ACCEPTED,), JobStatus.RUNNING, None, fields)
        return attempt if attempt > 0 else None

    def touch(self, job_id: str, attempt: int, report: Report | None = None) -> bool:
        """Renew the lease, and say how far the work is. False when the attempt no longer has the job."""
        fields: list[str] = []
        if report is not None:
            updated = now().isoformat()
            fields = encode({**report._asdict(), "updated": updated})
        return bool(self._touch(args=[job_id, attempt, self._lease_ms, *fields]))

    def succeed(self, job_id: str, attempt: int) -> bool:
        """running -> successful, by the attempt that has the job."""
        fields = {"progress": 100, "stage": "done", "message": "done"}
        return self._moved(job_id, (JobStatus.RUNNING,), JobStatus.SUCCESSFUL, attempt, fields) >= 0

    def fail(self, job_id: str, attempt: int, error: JobError) -> bool:
        """running -> failed, by the attempt that has the job."""
        fields = {"stage": "failed", "message": "failed", "error": error.model_dump()}
        return self._moved(job_id, (JobStatus.RUNNING,), JobStatus.FAILED, attempt, fields) >= 0

    def give_up(self, job_id: str, error: JobError) -> bool:
        """accepted -> failed, for a job that no worker can ever run."""
        fields = {"stage": "failed", "message": "failed", "error": error.model_dump()}
        return self._moved(job_id, (JobStatus.ACCEPTED,), JobStatus.FAILED, None, fields) >= 0

    def retry(self, job_id: str, attempt: int, message: str) -> bool:
        """running -> accepted, for a job whose worker died."""
        fields = {"stage": "waiting", "message": message, "progress": 0}
        return self._moved(job_id, (JobStatus.RUNNING,), JobStatus.ACCEPTED, attempt, fields) >= 0

    def dismiss(self, job_id: str) -> bool:
        """Live -> dismissed. Whoever runs it learns from its next ``touch``."""
        return self._moved(job_id, LIVE, JobStatus.DISMISSED, None, {"stage": "dismissed", "message": "dismissed"}) >= 0

    def remove(self, job_id: str) -> bool:
        """Forget an ended job. False when there is none by this id, or it has not ended."""
        return bool(self._remove(args=[job_id]))

    def alive(self, job_ids: Collection[str]) -> set[str]:
        """Those whose worker holds a lease."""
        pipe = self._redis.pipeline()
        for job_id in job_ids:
            pipe.exists(f"unmix:lease:{job_id}")
        return {job_id for job_id, found in zip(job_ids, pipe.execute(), strict=True) if found}

    def ended_before(self, moment: datetime) -> list[str]:
        ids: Any = self._redis.zrangebyscore("unmix:ended", "-inf", moment.timestamp())
        return [job_id.decode() for job_id in ids]

    def _hgetall(self, job_id: str) -> dict[bytes, bytes]:
        raw: Any = self._redis.hgetall(job_key(job_id))
        return dict(raw)

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
        return int(self._move(args=[*frame, *values]))
