"""Jobs watched on behalf of all who listen: one question to the queue a second, however many they are."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from model_store.errors import UnreadableRecordError
from model_store.job_lists import job_key
from model_store.jobs import ENDED
from model_store.records import JobRecord, decode

POLL_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
"""Without news a listener hears at least this often that the stream still lives; proxies cut what is silent."""

logger = logging.getLogger(__name__)


class _Watched:
    """A job as it was seen last. changed: set once that is old; the next one is another event."""

    def __init__(self, record: JobRecord) -> None:
        self.record: JobRecord | None = record
        self.changed = asyncio.Event()
        self.listeners = 0

    def see(self, record: JobRecord | None) -> None:
        if record != self.record:
            self.record = record
            self.changed.set()
            self.changed = asyncio.Event()


class JobWatcher:
    """Belongs to one event loop."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._redis = redis
        self._watched: dict[str, _Watched] = {}
        self._polling: asyncio.Task[None] | None = None

    async def follow(self, record: JobRecord) -> AsyncIterator[JobRecord | None]:
        """The record, then each that differs from the one before, None when there was nothing new for a while; ends
        with the job, or when there is none any more."""
        watched = self._watched.setdefault(record.id, _Watched(record))
        watched.listeners += 1
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll())
        try:
            said: JobRecord | None = record
            yield said
            while said is None or said.status not in ENDED:
                changed = watched.changed
                if watched.record == said:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(changed.wait(), HEARTBEAT_SECONDS)
                if watched.record is None:
                    return
                if watched.record == said:
                    yield None
                    continue
                said = watched.record
                yield said
        finally:
            watched.listeners -= 1
            if not watched.listeners and self._watched.get(record.id) is watched:
                del self._watched[record.id]

    async def close(self) -> None:
        if self._polling is not None:
            self._polling.cancel()
            with suppress(asyncio.CancelledError):
                await self._polling

    async def _poll(self) -> None:
        while self._watched:
            await asyncio.sleep(POLL_SECONDS)
            job_ids = list(self._watched)
            pipe = self._redis.pipeline(transaction=False)
            for job_id in job_ids:
                pipe.hgetall(job_key(job_id))
            try:
                found: list[Any] = await pipe.execute()
            except RedisError as error:  # listeners wait; the next question may be answered
                logger.error("Redis: %s", error)
                continue
            for job_id, raw in zip(job_ids, found, strict=True):
                if job_id in self._watched:
                    self._watched[job_id].see(_decoded(job_id, raw))


def _decoded(job_id: str, raw: Any) -> JobRecord | None:
    try:
        return decode(job_id, raw)
    except UnreadableRecordError as error:
        logger.error("%s", error)
        return None
