"""Delivery of jobs to workers: RQ, given ids alone. What a job is, and how it stands, our records say."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from redis import Redis
from rq import Queue, Worker
from rq.command import send_stop_job_command
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.registry import DeferredJobRegistry, ReadyJobRegistry, StartedJobRegistry
from rq.utils import utcparse

from model_store.deliveries import FAILURE_TTL_SECONDS, RESULT_TTL_SECONDS, Delivery, delivery_of
from model_store.records import JobRecord, now

TASK = "worker.tasks.unmix"
"""By name, for the service must not import the worker; a test resolves it."""

TRAIN, APPLY = "train", "apply"
QUEUES = (TRAIN, APPLY)
"""Two, so that a worker can be kept free for applying stored models, which takes seconds."""


class WorkerState(NamedTuple):
    """A worker that lives: the queues it serves, and the seconds since its last sign of life."""

    queues: tuple[str, ...]
    silent_seconds: float


@dataclass(frozen=True)
class JobQueue:
    """Every attempt of a job is an RQ job of its own: what RQ still believes of a lost one does no harm.

    A shared image is more of them, its steps, which the first delivery of its attempt adds (``worker.sharing``).
    """

    redis: Redis
    timeout_seconds: int

    def enqueue(self, record: JobRecord) -> None:
        """Deliver the next attempt of an accepted job."""
        self._queue(record.queue).enqueue(
            TASK,
            args=[record.id],
            job_id=str(Delivery(record.id, record.attempts + 1)),
            description=f"unmix {record.id}",
            job_timeout=self.timeout_seconds,
            result_ttl=RESULT_TTL_SECONDS,
            failure_ttl=FAILURE_TTL_SECONDS,
        )

    def waiting(self) -> set[str]:
        """Ids of the jobs that wait in a queue to be started."""
        return {delivery.job_id for delivery in self._in_queues() if not delivery.step}

    def steps(self) -> set[tuple[str, int]]:
        """Job and attempt of every step of a shared image that waits in a queue or is being done."""
        # The queues first: what leaves one for a worker meanwhile is found there.
        found = [*self._in_queues(), *self._started()]
        return {(delivery.job_id, delivery.attempt) for delivery in found if delivery.step}

    def stop(self, record: JobRecord) -> None:
        """Kill the work-horses of a job, and take out of the queue what waits of it."""
        for delivery in self._started():
            if delivery.job_id == record.id:
                with suppress(NoSuchJobError, InvalidJobOperation):  # it ended by itself, or has not quite begun
                    send_stop_job_command(self.redis, str(delivery), serializer="json")
        self.remove_waiting(record.id)

    def remove_waiting(self, job_id: str) -> None:
        """Take out of the queue what waits of a job, its steps that wait for others included."""
        registries = [
            kind(name, connection=self.redis, serializer="json")
            for kind in (DeferredJobRegistry, ReadyJobRegistry)
            for name in QUEUES
        ]
        deferred = [_delivery(text) for registry in registries for text in registry.get_job_ids(cleanup=False)]
        # Those that wait for others first: they would be let in by what is removed.
        for delivery in [*deferred, *self._in_queues()]:
            if delivery.job_id == job_id:
                with suppress(NoSuchJobError):
                    Job.fetch(str(delivery), connection=self.redis, serializer="json").delete()

    def workers(self) -> list[WorkerState]:
        """Workers whose sign of life has not expired; RQ keeps a killed one in its list for longer."""
        found = []
        for key in Worker.all_keys(connection=self.redis):
            facts: Any = self.redis.hmget(key, "queues", "last_heartbeat")
            if None not in facts:
                queues, beat = (fact.decode() for fact in facts)
                silent_seconds = max(0.0, (now() - utcparse(beat)).total_seconds())
                found.append(WorkerState(tuple(queues.split(",")), silent_seconds))
        return found

    def clean(self) -> None:
        """Let RQ see which executions died, and deliver again what it has been told to deliver again; by itself it
        looks every ten minutes only."""
        for name in QUEUES:
            StartedJobRegistry(name, connection=self.redis, serializer="json").cleanup()
            ReadyJobRegistry(name, connection=self.redis, serializer="json").cleanup()

    def _in_queues(self) -> list[Delivery]:
        return [_delivery(text) for name in QUEUES for text in self._queue(name).get_job_ids()]

    def _started(self) -> list[Delivery]:
        registries = [StartedJobRegistry(name, connection=self.redis, serializer="json") for name in QUEUES]
        return [_delivery(text) for registry in registries for text in registry.get_job_ids(cleanup=False)]

    def _queue(self, name: str) -> Queue:
        return Queue(name, connection=self.redis, serializer="json")


def _delivery(text: str) -> Delivery:
    """The delivery with this id; one that nobody delivers for the id of something else."""
    with suppress(ValueError):
        return delivery_of(text)
    return Delivery(text, 0)
