"""Subscribers of OGC API - Processes: told by the webhooks of the service how a job goes on."""

import asyncio

from model_store.records import JobRecord, JobStatus
from service.context import Context
from service.outbound.subscriptions import Form, Subscription
from service.reading.messages import Subscriber

Told = tuple[str, tuple[JobStatus, ...], Form]
"""An address, the states of a job it hears of, and the form of the message."""


async def check(context: Context, subscriber: Subscriber) -> None:
    """Before there is a job: whether its addresses would be asked. Raises UploadFieldError, ReferenceRefusedError."""
    for url, _, form in _told(subscriber):
        await context.webhooks.check(url, form)


async def subscribe(context: Context, subscriber: Subscriber, record: JobRecord, base: str) -> None:
    """Tell its addresses of the job, at once where it is that far already. base: URL of the service, with a slash at
    its end."""
    for url, states, form in _told(subscriber):
        message = Subscription(job_id=record.id, url=url, base=base, on=states, form=form)
        await asyncio.to_thread(context.webhooks.subscribe, message)


def _told(subscriber: Subscriber) -> list[Told]:
    rows = (
        (subscriber.successUri, (JobStatus.SUCCESSFUL,), Form.RESULTS),
        (subscriber.inProgressUri, (JobStatus.RUNNING,), Form.STATUS),
        (subscriber.failedUri, (JobStatus.FAILED, JobStatus.DISMISSED), Form.STATUS),
    )
    return [(url, states, form) for url, states, form in rows if url]
