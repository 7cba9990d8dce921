"""Every attempt of a job is delivered under an id of its own, which names the job and the attempt."""


def delivery_id(job_id: str, attempt: int) -> str:
    return f"{job_id}-{attempt}"


def job_of(delivery: str) -> str:
    return delivery.rpartition("-")[0]


def attempt_of(delivery: str) -> int:
    return int(delivery.rpartition("-")[2])
