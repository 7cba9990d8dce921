"""Log of each job: what was done with it and when. The log of the process has the same lines."""

import json
import logging
from datetime import datetime
from typing import Any, Literal, NamedTuple

from redis import Redis
from redis.exceptions import RedisError

from model_store.records import now

MAX_LINES = 1000
"""Lines of a job that are kept: of more the oldest are dropped."""

KEEP_SECONDS = 90 * 24 * 3600
"""A log that nothing was added to for this long is dropped, should its job never have been removed."""

Level = Literal["info", "warning", "error"]

logger = logging.getLogger("unmix.jobs")


class LogLine(NamedTuple):
    """One line; ``time``: when it was written, in UTC."""

    time: datetime
    level: Level
    message: str


class JobLog:
    """Lines by job, in Redis. A line that Redis does not take costs the job nothing: it is in the process's log."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def add(self, job_id: str, message: str, level: Level = "info", *, exc_info: object = None) -> None:
        """Tell the job's log and the process's. exc_info: an exception whose trace only the latter gets."""
        # A message may quote a file name of any bytes, which neither a log in UTF-8 nor JSON in Redis can hold.
        message = message.encode(errors="replace").decode()
        number = logging.getLevelNamesMapping()[level.upper()]
        logger.log(number, "job %s: %s", job_id, message, exc_info=exc_info, extra={"job_id": job_id})  # type: ignore[arg-type]
        line = json.dumps([now().isoformat(), level, message])
        pipe = self._redis.pipeline()
        pipe.rpush(log_key(job_id), line)
        pipe.ltrim(log_key(job_id), -MAX_LINES, -1)
        pipe.expire(log_key(job_id), KEEP_SECONDS)
        try:
            pipe.execute()
        except RedisError as error:
            logger.debug("job %s: Redis did not take the line: %s", job_id, error)

    def lines(self, job_id: str) -> list[LogLine]:
        """All lines, oldest first."""
        found: Any = self._redis.lrange(log_key(job_id), 0, -1)
        return [
            LogLine(datetime.fromisoformat(time), level, message) for time, level, message in map(json.loads, found)
        ]


def log_key(job_id: str) -> str:
    return f"unmix:log:{job_id}"
