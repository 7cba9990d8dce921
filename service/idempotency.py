"""``Idempotency-Key``: a request that is sent again under the same key is answered with the job of the first one."""

import hashlib
from typing import Any

from model_store.records import JobRecord
from service.context import Context
from service.errors import IdempotencyKeyError

KEEP_SECONDS = 24 * 3600
MAX_KEY_LENGTH = 255


def earlier_job(context: Context, record: JobRecord) -> JobRecord | None:
    """The job that the first request with this key got; None for the first one, or when that job has gone.

    Raises IdempotencyKeyError when the first one asked for something else.
    """
    name, redis = _name(context), context.stores.redis
    if name is None or redis.set(name, _value(record), nx=True, ex=KEEP_SECONDS):
        return None
    held: Any = redis.get(name)
    work, _, job_id = (held or b"").decode().partition(" ")
    if work and work != record.work_key:
        raise IdempotencyKeyError("this Idempotency-Key was sent with another request before; choose a new one")
    return context.stores.jobs.get(job_id) if job_id else None


def remember(context: Context, record: JobRecord) -> None:
    """Answer with this job from now on."""
    if (name := _name(context)) is not None:
        context.stores.redis.set(name, _value(record), ex=KEEP_SECONDS)


def forget(context: Context) -> None:
    """After a request that got no job: it may be sent again."""
    if (name := _name(context)) is not None:
        context.stores.redis.delete(name)


def _name(context: Context) -> str | None:
    key = context.caller.idempotency_key
    if not key:
        return None
    if len(key) > MAX_KEY_LENGTH:
        raise IdempotencyKeyError(f"the Idempotency-Key has {len(key)} characters; {MAX_KEY_LENGTH} are the limit")
    digest = hashlib.sha256(key.encode(errors="replace")).hexdigest()
    return f"unmix:idempotency:{context.caller.owner or ''}:{digest}"


def _value(record: JobRecord) -> str:
    return f"{record.work_key} {record.id}"
