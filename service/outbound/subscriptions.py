"""Who wants to hear of a job: a file for each message that is still to be sent, so that none is lost with a process."""

import hashlib
import logging
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_store.folders import write_durably
from model_store.jobs import ENDED
from model_store.records import JobStatus, now

logger = logging.getLogger(__name__)


class Form(StrEnum):
    """How a message is written."""

    EVENT = "event"
    """Standard Webhooks: type, timestamp and data."""
    STATUS = "status"
    """The job itself (OGC API - Processes statusInfo)."""
    RESULTS = "results"
    """The document of its results (OGC API - Processes)."""


class Subscription(BaseModel):
    """A message to ``url``, due once the job is in one of the states ``on``. base: URL of this service, with a slash at
    its end, for the links in it. attempts: how often it was tried to send it, next_attempt: when it may be again."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    url: str
    base: str
    on: tuple[JobStatus, ...] = ENDED
    form: Form = Form.EVENT
    attempts: int = 0
    next_attempt: datetime = Field(default_factory=now)

    @property
    def id(self) -> str:
        """Equal for equal messages, so that whoever gets one twice can tell."""
        facts = "\n".join([self.job_id, self.url, *self.on, self.form])
        return f"msg_{hashlib.sha256(facts.encode()).hexdigest()[:32]}"


class Subscriptions:
    """The messages to be sent, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, subscription: Subscription) -> None:
        """Remember it, in place of what was known of this message."""
        write_durably(self._path(subscription.id), subscription.model_dump_json())

    def get(self, message_id: str) -> Subscription | None:
        """The message; None when it has been sent, or given up."""
        try:
            return Subscription.model_validate_json(self._path(message_id).read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError:
            logger.error("the webhook %s cannot be read", message_id)
            return None

    def due(self) -> list[Subscription]:
        """Those whose time has come, if their job is as far."""
        found = [self.get(path.stem) for path in sorted(self.folder.glob("msg_*.json"))]
        moment = now()
        return [one for one in found if one is not None and one.next_attempt <= moment]

    def remove(self, message_id: str) -> None:
        self._path(message_id).unlink(missing_ok=True)

    def _path(self, message_id: str) -> Path:
        return self.folder / f"{message_id}.json"
