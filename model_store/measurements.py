"""Sums over all jobs that ever ran: jobs ended, seconds per stage, pixels, errors of trainings."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from redis import Redis

KEY = "unmix:measurements"


class Sum(NamedTuple):
    """A sum of one name with one set of labels."""

    name: str
    labels: Mapping[str, str]
    value: float


class Measurements:
    """Sums in Redis, added to atomically. They begin anew with an empty Redis, as counters of a process do."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def add(self, *sums: Sum) -> None:
        """Add to what is there, all at once."""
        pipe = self._redis.pipeline()
        for one in sums:
            pipe.hincrbyfloat(KEY, json.dumps([one.name, sorted(one.labels.items())]), one.value)
        pipe.execute()

    def read(self) -> Iterator[Sum]:
        found: Any = self._redis.hgetall(KEY)
        for field, value in sorted(found.items()):
            name, labels = json.loads(field)
            yield Sum(name, dict(labels), float(value))
