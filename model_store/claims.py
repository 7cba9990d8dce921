"""Who does which part of a job: a claim that expires when its holder gives no sign of life."""

from redis import Redis


class Claims:
    """Two holders of one claim do no harm, only the same work twice: parts are written so that they may be repeated."""

    def __init__(self, redis: Redis, *, lease_seconds: float) -> None:
        self._redis = redis
        self.lease_seconds = lease_seconds
        self._lease_ms = round(lease_seconds * 1000)

    def take(self, job_id: str, part: str) -> bool:
        """Whether the part was free, and is now the caller's."""
        return bool(self._redis.set(_key(job_id, part), "1", nx=True, px=self._lease_ms))

    def renew(self, job_id: str, part: str) -> bool:
        """Hold the part for another lease. Always True, as a ``Lease`` wants to hear."""
        self._redis.set(_key(job_id, part), "1", px=self._lease_ms)
        return True

    def release(self, job_id: str, part: str) -> None:
        self._redis.delete(_key(job_id, part))


def _key(job_id: str, part: str) -> str:
    return f"unmix:part:{job_id}:{part}"
