"""Delivery of jobs to workers: RQ, given ids alone. What a job is, and how it stands, our records say."""

from contextlib import suppress
from dataclasses import dataclass

from redis import Redis
from rq import Queue
from rq.command import send_stop_job_command
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.registry import StartedJobRegistry

from model_store.deliveries import delivery_id, job_of
from model_store.records import JobRecord

TASK = "worker.tasks.unmix"
"""By name, for the service must not import the worker; a test resolves it."""

TRAIN, APPLY = "train", "apply"
QUEUES = (TRAIN, APPLY)
"""Two, so that a worker can be kept free for applying stored models, which takes seconds."""

RESULT_TTL_SECONDS = 600
FAILURE_TTL_SECONDS = 24 * 3600


@dataclass(frozen=True)
class JobQueue:
    """Every attempt of a job is an RQ job of its own: what RQ still believes of a lost one does no harm."""

    redis: Redis
    timeout_seconds: int

    def enqueue(self, record: JobRecord) -> None:
        """Deliver the next attempt of an accepted job."""
        Queue(record.queue, connection=self.redis, serializer="json").enqueue(
            TASK,
            args=[record.id],
            job_id=delivery_id(record.id, record.attempts + 1),
            description=f"unmix {record.id}",
            job_timeout=self.timeout_seconds,
            result_ttl=RESULT_TTL_SECONDS,
            failure_ttl=FAILURE_TTL_SECONDS,
        )

    def waiting(self) -> set[str]:
        """Ids of the jobs that wait in a queue."""
        queues = [Queue(name, connection=self.redis, serializer="json") for name in QUEUES]
        return {job_of(delivery) for queue in queues for delivery in queue.get_job_ids()}

    def stop(self, record: JobRecord) -> None:
        """Kill the work-horse of a running attempt, or take a waiting one out of its queue."""
        with suppress(NoSuchJobError, InvalidJobOperation):  # it ended by itself, or has not quite begun
            send_stop_job_command(self.redis, delivery_id(record.id, record.attempts), serializer="json")
        with suppress(NoSuchJobError):
            delivery = delivery_id(record.id, record.attempts + 1)
            Job.fetch(delivery, connection=self.redis, serializer="json").delete()

    def clean(self) -> None:
        """Let RQ forget the executions of workers that died; by itself it looks every ten minutes only."""
        for name in QUEUES:
            StartedJobRegistry(name, connection=self.redis, serializer="json").cleanup()
