"""Webhooks: who asked to hear of a job's end is told, again and again if need be, and after a restart too.

Workers know nothing of it. The service looks at the jobs of the messages that are still to be sent, every
``sweep_seconds``.
"""

import asyncio
import json
import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import httpx

from model_store.jobs import ENDED
from model_store.records import JobRecord, now
from model_store.settings import Settings
from model_store.stores import Stores
from service.errors import ServiceError, UploadFieldError
from service.outbound.client import WebClient
from service.outbound.hrefs import web_address
from service.outbound.signing import keys_of, signed_headers
from service.outbound.subscriptions import Form, Subscription, Subscriptions
from service.schemas.jobs import job_document

MAX_ATTEMPTS = 8
GROWTH = 4
"""Each wait is so many times the one before: with five seconds at first, the last attempt comes after 7.6 hours."""

SEND_SECONDS = 15.0
MAX_AT_A_TIME = 32
MAX_OF_A_HOST = 4
"""A host that answers slowly does not keep others waiting."""

Results = Callable[[JobRecord, str], Mapping[str, Any]]
"""From a successful job and the URL of the service to the document of its results. Raises ServiceError."""

logger = logging.getLogger(__name__)


class Webhooks:
    """Sends what ``subscriptions`` hold. Several services may send from one folder: each message is claimed first."""

    def __init__(self, settings: Settings, stores: Stores, client: WebClient) -> None:
        self._settings, self._stores, self._client = settings, stores, client
        self._keys = keys_of(settings.webhook_secret or "")
        self._subscriptions = Subscriptions(settings.data.resolve() / "webhooks")
        self._under_way: dict[str, str] = {}

    async def check(self, url: str, form: Form = Form.EVENT) -> None:
        """Before a job is made of a request that names ``url``: whether messages of this form would be sent there.

        Raises UploadFieldError when an event could not be signed, and ReferenceRefusedError.
        """
        if form is Form.EVENT and not self._keys:
            raise UploadFieldError("this service sends no webhooks: its operator has set no UNMIX_WEBHOOK_SECRET")
        await self._client.check(web_address(url))

    def subscribe(self, subscription: Subscription) -> None:
        """Send this message once its job is as far, at once when it is already."""
        self._subscriptions.put(subscription)

    async def send_forever(self, pause_seconds: float, results: Results) -> None:
        """Send until cancelled; no failure ends it. results: makes the messages of that form."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                try:
                    for subscription, record in await asyncio.to_thread(self._due):
                        if self._may_start(subscription):
                            tasks.create_task(self._send(subscription, record, results))
                except Exception:
                    logger.exception("looking for webhooks that are due failed")
                await asyncio.sleep(pause_seconds)

    def _due(self) -> list[tuple[Subscription, JobRecord]]:
        """The messages whose jobs are as far. Those that will never be are forgotten."""
        waiting = self._subscriptions.due()
        records = {record.id: record for record in self._stores.jobs.readable({one.job_id for one in waiting})}
        due = []
        for subscription in waiting:
            record = records.get(subscription.job_id)
            if record is None:
                # A queue that was lost is filled again from the disk: only what is on neither is gone.
                if not self._stores.jobs.files.exists(subscription.job_id):
                    self._subscriptions.remove(subscription.id)
            elif record.status in subscription.on:
                due.append((subscription, record))
            elif record.status in ENDED:
                self._subscriptions.remove(subscription.id)
        return due

    def _may_start(self, subscription: Subscription) -> bool:
        host = httpx.URL(subscription.url).host
        if subscription.id in self._under_way or len(self._under_way) >= MAX_AT_A_TIME:
            return False
        if Counter(self._under_way.values())[host] >= MAX_OF_A_HOST:
            return False
        self._under_way[subscription.id] = host
        return True

    async def _send(self, subscription: Subscription, record: JobRecord, results: Results) -> None:
        try:
            if await asyncio.to_thread(self._claimed, subscription):
                try:
                    outcome = await self._outcome(subscription, record, results)
                    await asyncio.to_thread(self._note, subscription, outcome)
                finally:
                    await asyncio.to_thread(self._stores.redis.delete, _claim(subscription))
        except Exception:
            logger.exception("job %s: its webhook could not be handled", subscription.job_id)
        finally:
            del self._under_way[subscription.id]

    def _claimed(self, subscription: Subscription) -> bool:
        """Whether this process is the one that sends the message now."""
        lifetime = timedelta(seconds=2 * SEND_SECONDS)
        if not self._stores.redis.set(_claim(subscription), "", nx=True, px=lifetime):
            return False
        if self._subscriptions.get(subscription.id) == subscription:
            return True
        self._stores.redis.delete(_claim(subscription))  # another has sent it since it was looked at
        return False

    async def _outcome(self, subscription: Subscription, record: JobRecord, results: Results) -> int | str:
        """The status of the answer, or why there is none."""
        try:
            body = await asyncio.to_thread(_body, subscription, record, results, self._settings)
            headers = signed_headers(self._keys, subscription.id, now(), body) | {"Content-Type": "application/json"}
            async with asyncio.timeout(SEND_SECONDS):
                return await self._client.post(web_address(subscription.url), headers, body)
        except TimeoutError:
            return f"no answer in {SEND_SECONDS:g} seconds"
        except ServiceError as error:
            return str(error)

    def _note(self, subscription: Subscription, outcome: int | str) -> None:
        """Forget what has arrived, was refused for good (410) or was tried often enough; the rest is tried again."""
        attempts = subscription.attempts + 1
        arrived = isinstance(outcome, int) and 200 <= outcome < 300
        if not arrived:
            said = f"webhook, attempt {attempts} of {MAX_ATTEMPTS}: {outcome}"
            self._stores.log.add(subscription.job_id, said, "warning")
        if arrived or outcome == 410 or attempts >= MAX_ATTEMPTS:
            self._subscriptions.remove(subscription.id)
            return
        wait = self._settings.webhook_retry_seconds * GROWTH ** (attempts - 1) * random.uniform(1.0, 1.2)
        later = {"attempts": attempts, "next_attempt": now() + timedelta(seconds=wait)}
        self._subscriptions.put(subscription.model_copy(update=later))


def _claim(subscription: Subscription) -> str:
    return f"unmix:webhook:{subscription.id}"


def _body(subscription: Subscription, record: JobRecord, results: Results, settings: Settings) -> bytes:
    if subscription.form is Form.RESULTS:
        return json.dumps(results(record, subscription.base), ensure_ascii=False).encode()
    return json.dumps(_message(subscription, record, settings), ensure_ascii=False).encode()


def _message(subscription: Subscription, record: JobRecord, settings: Settings) -> dict[str, object]:
    document = job_document(record, subscription.base, settings).model_dump(mode="json", exclude_none=True)
    if subscription.form is Form.STATUS:
        return document
    moment = record.finished or record.updated
    return {"type": f"job.{record.status}", "timestamp": moment.isoformat(), "data": document}
