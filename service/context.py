"""Common state of all routes, opened once per application and handed to routes as an argument."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from redis.asyncio import Redis as AsyncRedis

from model_store.errors import UnknownJobError
from model_store.job_lists import job_key
from model_store.records import JobRecord, decode
from model_store.settings import Settings
from model_store.stores import Stores, connect_async, open_stores
from service.outbound.client import web_client
from service.outbound.fetching import References
from service.outbound.webhooks import Webhooks
from service.queues import JobQueue


@dataclass(frozen=True)
class Context:
    """``async_redis`` serves the one question that is asked all the time: how is my job?"""

    settings: Settings
    stores: Stores
    queue: JobQueue
    async_redis: AsyncRedis
    references: References
    webhooks: Webhooks

    async def job(self, job_id: str) -> JobRecord:
        """The job's record. Raises UnknownJobError and UnreadableRecordError."""
        raw: Any = await self.async_redis.hgetall(job_key(job_id))
        record = decode(job_id, raw)
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
    return context


ContextArgument = Annotated[Context, Depends(_context)]
