"""The real service on a core of its own, and what its process takes of core and memory. Linux only."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cli.demo import running_service

PROC = Path("/proc")


@dataclass(frozen=True)
class Cores:
    """Who runs where. ``rest``: queue, supervisor and load generator."""

    service: int
    workers: int
    rest: frozenset[int]

    @property
    def in_words(self) -> str:
        rest = ", ".join(str(core) for core in sorted(self.rest))
        shared = " (shared)" if {self.service, self.workers} & self.rest else ""
        return (
            f"Service on core {self.service}, workers on core {self.workers}, queue and load generator on core "
            f"{rest}{shared}."
        )


def cores_of(available: set[int]) -> Cores:
    """The first core for the service, the second for the workers, the rest for all else.

    Where there are two, queue and load generator share the workers' core; where there is one, all share it.
    """
    service, *others = sorted(available)
    workers = others[0] if others else service
    return Cores(service, workers, frozenset(others[1:] or [workers]))


class Process:
    """A process, read from /proc."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def pin(self, cores: set[int]) -> None:
        """Move all its threads; those to come follow."""
        for task in (PROC / str(self.pid) / "task").iterdir():
            os.sched_setaffinity(int(task.name), cores)

    @property
    def cpu_seconds(self) -> float:
        """Time on any core so far, user and system."""
        fields = (PROC / str(self.pid) / "stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def resident_mb(self) -> float:
        return self._status("VmRSS")

    @property
    def peak_resident_mb(self) -> float:
        """Since its start, or since ``forget_peak``."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        (PROC / str(self.pid) / "clear_refs").write_text("5", "ascii")

    def _status(self, field: str) -> float:
        """In MB, not MiB."""
        status = (PROC / str(self.pid) / "status").read_text("ascii")
        return int(status.partition(f"{field}:")[2].split()[0]) * 1024 / 1e6


@dataclass(frozen=True)
class PinnedService:
    """A running service: where it listens, and its process."""

    address: tuple[str, int]
    process: Process
    cores: Cores


@contextmanager
def pinned_service(data: Path) -> Iterator[PinnedService]:
    """``unmix serve`` on ``data``, its processes pinned, this one too while the block runs."""
    before = os.sched_getaffinity(0)
    cores = cores_of(before)
    os.sched_setaffinity(0, cores.rest)  # children inherit it
    try:
        with running_service(data) as url:
            processes = _descendants(os.getpid())
            [service] = [pid for pid in processes if _role(pid) == "service"]
            Process(service).pin({cores.service})
            for pid in processes:
                if _role(pid) == "worker":
                    Process(pid).pin({cores.workers})
            parts = urlsplit(url)
            assert parts.hostname is not None
            assert parts.port is not None
            yield PinnedService((parts.hostname, parts.port), Process(service), cores)
    finally:
        os.sched_setaffinity(0, before)


def _descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in PROC.glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text("ascii", errors="replace").rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = list(children.get(pid, []))
    for child in found:
        found += children.get(child, [])
    return found


def _role(pid: int) -> str | None:
    """Its role in the tree, as ``supervision.child`` got it."""
    arguments = (PROC / str(pid) / "cmdline").read_bytes().decode().split("\0")
    return arguments[arguments.index("supervision.child") + 1] if "supervision.child" in arguments else None
