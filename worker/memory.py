"""How much memory a work-horse takes and may take, and which errors say that there was no more."""

import os
import select
import sys
from contextlib import closing
from io import FileIO
from pathlib import Path

from model_store.errors import MemoryLimitError
from model_store.settings import Settings

SHARE_OF_MACHINE = 0.8
"""A job may take so much of the machine's memory where no setting says it: the rest is for whatever else runs there."""

CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))

GIB = 2**30

_PHRASES = ("can't allocate memory", "bad_alloc", "bad allocation", "failed to allocate memory", "out of memory")
"""By which PyTorch and ONNX Runtime say it, whose errors have no class of their own for it."""


def limit_bytes(settings: Settings) -> int:
    """Memory that one job may take."""
    return settings.job_memory_bytes or round(SHARE_OF_MACHINE * machine_bytes())


def machine_bytes() -> int:
    """The memory of this machine, or of the container that this process runs in."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = [path.read_text().strip() for path in CGROUP_LIMITS if path.is_file()]
    return min([physical, *(int(limit) for limit in limits if limit.isdecimal())])


def taken_bytes(process: int) -> int:
    """Memory that the process has and nobody could take from it: files that are mapped do not count. 0 when it has
    ended, and where the system does not tell."""
    try:
        _, resident, shared, *_ = Path(f"/proc/{process}/statm").read_text().split()
    except OSError:
        return 0
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def ends_within(process: int, seconds: float) -> bool:
    """Whether this child ends in the next ``seconds``; True too where the system gives nothing to wait for."""
    if sys.platform != "linux":
        return True
    try:
        descriptor = os.pidfd_open(process)
    except OSError:
        return True
    with closing(FileIO(descriptor)):
        return bool(select.select([descriptor], [], [], seconds)[0])


def too_much(taken: int, limit: int) -> MemoryLimitError:
    """The error of a job that was stopped with so many bytes."""
    return MemoryLimitError(
        f"the job was stopped when it had taken {taken / GIB:.2f} GiB of memory; {limit / GIB:.2f} GiB is the limit "
        f"set here (UNMIX_JOB_MEMORY_BYTES). Send fewer rows, columns or bands, or train on a part and apply the model"
    )


def refused(error: Exception) -> MemoryLimitError | None:
    """The error of a job to which the system refused memory, None for an error of another kind."""
    if isinstance(error, MemoryError):  # NumPy says how much it wanted
        wanted = f" ({error})" if str(error) else ""
    elif isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in _PHRASES):
        wanted = ""
    else:
        return None
    return MemoryLimitError(
        f"the job needs more memory than this machine has to give{wanted}. Send fewer rows, columns or bands, or train "
        "on a part and apply the model"
    )
