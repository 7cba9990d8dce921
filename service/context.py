"""Common state of all routes, opened once per application and handed to routes as an argument."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from fastapi import Depends, Request
from redis.asyncio import Redis as AsyncRedis

from model_store.api_keys import KeyLimits
from model_store.errors import UnknownJobError
from model_store.job_lists import job_key
from model_store.jobs import Room
from model_store.records import JobRecord
from model_store.settings import Settings
from model_store.stores import Stores, connect_async, open_stores
from service.outbound.client import web_client
from service.outbound.fetching import References
from service.outbound.webhooks import Webhooks
from service.queues import JobQueue


@dataclass(frozen=True)
class Caller:
    """Whoever makes a request. owner: the id of their key, None of those without one. limits: those of the key.
    idempotency_key: the header ``Idempotency-Key`` of the request."""

    owner: str | None = None
    limits: KeyLimits = field(default_factory=KeyLimits)
    idempotency_key: str = ""


@dataclass(frozen=True)
class Context:
    """``async_redis`` serves the one question that is asked all the time: how is my job? caller: whose things
    ``stores`` shows; all things, in the context of the service itself."""

    settings: Settings
    stores: Stores
    queue: JobQueue
    async_redis: AsyncRedis
    references: References
    webhooks: Webhooks
    caller: Caller = field(default_factory=Caller)

    @property
    def max_upload_bytes(self) -> int:
        """The largest upload of this caller."""
        return self.caller.limits.max_upload_bytes or self.settings.max_upload_bytes

    @property
    def room(self) -> Room:
        """How many jobs may wait before this caller's next one is refused."""
        own = self.caller.limits.max_waiting_jobs
        if self.caller.owner is None:
            return Room(self.settings.max_queue_length)
        return Room(self.settings.max_queue_length, self.settings.max_waiting_jobs if own is None else own)

    def seen_by(self, caller: Caller) -> "Context":
        """The same as this caller may see it."""
        return replace(self, caller=caller, stores=self.stores.of(caller.owner))

    async def job(self, job_id: str) -> JobRecord:
        """The job's record. Raises UnknownJobError and UnreadableRecordError."""
        raw: Any = await self.async_redis.hgetall(job_key(job_id))
        record = self.stores.jobs.seen(job_id, raw)
        if record is None:
            raise UnknownJobError(f"there is no job {job_id!r}")
        return record

    async def close(self) -> None:
        await self.async_redis.aclose()
        await asyncio.to_thread(self.stores.redis.close)


def open_context(settings: Settings) -> Context:
    """Raises QueueUnavailableError when no Redis is named and no embedded queue runs on the data folder."""
    stores = open_stores(settings)
    queue = JobQueue(stores.redis, settings.job_timeout_seconds)
    web = web_client(settings)
    references, webhooks = References(settings, web), Webhooks(settings, stores, web)
    return Context(settings, stores, queue, connect_async(settings), references, webhooks)


async def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context.seen_by(request.state.caller)


ContextArgument = Annotated[Context, Depends(_context)]


async def require_own(request: Request, context: ContextArgument) -> None:
    """For every route: a job that its path names has to be the caller's. Lists and models ``Context.stores`` narrows.

    Raises UnknownJobError, as for a job that does not exist.
    """
    job_id = request.path_params.get("job_id")
    if job_id is None or not context.stores.keys.exist:
        return
    raw: Any = await context.async_redis.hget(job_key(job_id), "owner")
    if (None if raw is None else json.loads(raw)) != context.caller.owner:
        raise UnknownJobError(f"there is no job {job_id!r}")
