"""``unmix serve`` as users start it, and the processes below it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.conftest import REPOSITORY, wait_until


@dataclass(frozen=True)
class Tree:
    """A running ``unmix serve``."""

    process: subprocess.Popen[str]
    url: str
    data: Path

    @property
    def children(self) -> list[int]:
        return descendants(self.process.pid)

    def finish(self, number: signal.Signals = signal.SIGTERM) -> str:
        """Signal the parent, wait for its end, and return its log."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=30)[0]


@contextmanager
def serving(data: Path, *arguments: str, **environment: str) -> Iterator[Tree]:
    """``unmix serve`` on a free port, ready for requests."""
    port = free_port()
    process = start_serve("--port", str(port), "--data", str(data), *arguments, **environment)
    tree = Tree(process, f"http://127.0.0.1:{port}", data)
    try:
        wait_until(lambda: process.poll() is not None or is_ready(tree.url), 30)
        yield tree
    finally:
        if process.poll() is None:
            tree.finish()


def start_serve(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return start("serve", *arguments, **environment)


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """``unmix`` as a process of its own, with these settings and none from outside."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("UNMIX_") and name != "REDIS_URL"
    }
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", *arguments],
        env={**inherited, "PYTHONPATH": str(REPOSITORY), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_ready(url: str) -> bool:
    try:
        answer = httpx.get(f"{url}/readyz", timeout=2.0)
    except httpx.TransportError:
        return False
    return answer.status_code == 200


def descendants(pid: int) -> list[int]:
    """Children and their children, from /proc."""
    parents: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found = [*parents.get(pid, [])]
    for child in found:
        found += parents.get(child, [])
    return found


def is_alive(pid: int) -> bool:
    """A zombie has ended; only nobody has asked yet how."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
