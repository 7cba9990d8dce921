"""Lists of the job records in Redis: which jobs there are, in which state and in which order."""

import copy
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Self

from redis import Redis

from model_store.errors import UnreadableRecordError
from model_store.records import JobRecord, JobStatus, decode

AT_A_TIME = 500
"""Records that are read in one go."""

EVERYONE = "*"
"""In the place of an owner: no job is hidden."""

logger = logging.getLogger(__name__)


def job_key(job_id: str) -> str:
    return f"unmix:job:{job_id}"


class JobLists:
    """Questions about many jobs; nothing is changed here."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._owner: str | None = EVERYONE

    def of(self, owner: str | None) -> Self:
        """The same jobs as one owner sees them (see ``JobRecord``): those of others are not there."""
        view = copy.copy(self)
        view._owner = owner
        return view

    def seen(self, job_id: str, raw: Mapping[bytes, bytes]) -> JobRecord | None:
        """The record in a Redis hash; None when there is none, or it is hidden. Raises UnreadableRecordError."""
        # Before it is decoded: a record that cannot be read belongs to somebody too.
        hidden = self._owner != EVERYONE and raw.get(b"owner", b"null") != json.dumps(self._owner).encode()
        return None if hidden else decode(job_id, raw)

    def readable(self, job_ids: Iterable[str]) -> list[JobRecord]:
        """The records of those jobs that are there and can be read; the others are told to the log."""
        pipe = self._redis.pipeline(transaction=False)
        asked = list(job_ids)
        for job_id in asked:
            pipe.hgetall(job_key(job_id))
        found = []
        for job_id, raw in zip(asked, pipe.execute(), strict=True):
            try:
                record = self.seen(job_id, raw)
            except UnreadableRecordError as error:
                logger.error("%s", error)
                continue
            if record is not None:
                found.append(record)
        return found

    def page(
        self,
        status: JobStatus | None = None,
        matches: Callable[[JobRecord], bool] | None = None,
        *,
        limit: int,
        offset: int,
    ) -> tuple[list[JobRecord], int]:
        """One page, newest first, and how many such jobs there are in all. Records that cannot be read are left out.

        matches: of which records to take; every record is read to say that, those of other states excepted.
        """
        key = self._listed(status)
        if matches is not None or self._is_mixed():
            found = [record for record in self.every(status) if matches is None or matches(record)]
            return found[offset : offset + limit], len(found)
        pipe = self._redis.pipeline()
        pipe.zcard(key)
        pipe.zrevrange(key, offset, offset + limit - 1)
        total, ids = pipe.execute()
        return self.readable(job_id.decode() for job_id in ids), total

    def every(self, status: JobStatus | None = None) -> Iterator[JobRecord]:
        """All records, or those in this state, newest first, read some at a time: there may be many thousands."""
        ids: Any = self._redis.zrevrange(self._listed(status), 0, -1)
        for start in range(0, len(ids), AT_A_TIME):
            yield from self.readable(job_id.decode() for job_id in ids[start : start + AT_A_TIME])

    def ids(self, status: JobStatus | None = None) -> list[str]:
        """All ids, or those in this state, oldest first."""
        ids: Any = self._redis.zrange(self._listed(status), 0, -1)
        return [job_id.decode() for job_id in ids]

    def count(self, status: JobStatus | None = None) -> int:
        """How many jobs there are, or are in this state."""
        found: Any = self._redis.zcard(self._listed(status))
        return int(found)

    def ended_before(self, moment: datetime) -> list[str]:
        ids: Any = self._redis.zrangebyscore("unmix:ended", "-inf", moment.timestamp())
        return [job_id.decode() for job_id in ids]

    def _listed(self, status: JobStatus | None) -> str:
        name = f"unmix:jobs:{status}" if status else "unmix:jobs"
        return name if self._owner in (EVERYONE, None) else f"{name}@{self._owner}"

    def _is_mixed(self) -> bool:
        """Whether the list holds jobs that are hidden: those without an owner have no list of their own."""
        return self._owner is None and bool(self._redis.exists("unmix:owned"))
