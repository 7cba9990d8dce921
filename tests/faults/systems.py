"""Whole systems of real processes, to be killed and started again: what ``unmix serve`` starts, and several services
and workers on one Redis."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from model_store.settings import Settings
from model_store.stores import Stores, open_stores
from supervision.environment import environment_of
from tests.conftest import REPOSITORY, wait_until
from tests.faults.test_killed import processes, runs
from tests.supervision.trees import free_port, is_ready

QUICK = {"lease_seconds": 1.5, "sweep_seconds": 0.25, "stop_grace_seconds": 0.3}
READY_SECONDS = 120.0

SERVICE = (
    "import sys, uvicorn; from model_store.settings import Settings; from service.app import create_app; "
    "from tests.faults.clock import install; install(); "
    "uvicorn.run(create_app(Settings()), port=int(sys.argv[1]), log_level='warning', http='httptools')"
)
WORKER = """
import os, signal
from model_store.settings import Settings
from tests.faults.clock import install
from worker import run, tasks

whole = tasks.task_of

def task_of(record, stores):
    # A job that kills whoever runs it, work-horse or worker.
    if "poison" in record.labels:
        os.kill(os.getppid() if record.failures % 2 else os.getpid(), signal.SIGKILL)
        signal.pause()
    return whole(record, stores)

tasks.task_of = task_of
install()
run.run_worker(Settings(), ["apply"])
"""


class System:
    """Processes on one data folder. extra: variables of the environment of all but the queue."""

    def __init__(self, settings: Settings, extra: dict[str, str] | None = None) -> None:
        self.settings, self.extra = settings, extra or {}
        self.urls: list[str] = []
        self.started: dict[str, subprocess.Popen[bytes]] = {}

    def launch(self, name: str, *command: str) -> None:
        """Start the process ``name``, unless it runs."""
        if name in self.started and self.started[name].poll() is None:
            return
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("UNMIX_")}
        environment = inherited | environment_of(self.settings) | {"PYTHONPATH": str(REPOSITORY)}
        environment |= {} if name == "queue" else self.extra
        log = self.settings.data.with_name(f"{self.settings.data.name}.log").open("ab")
        with log:
            self.started[name] = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, cwd=self.settings.data.parent
            )

    def start(self) -> None:
        """Start whatever does not run, and wait for the services."""
        raise NotImplementedError

    def wait_until_ready(self) -> None:
        wait_until(lambda: all(is_ready(url) for url in self.urls), READY_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop everything, the processes started last first."""
        for process in reversed(self.started.values()):
            process.send_signal(number)
            process.wait(30)

    def stores(self) -> Stores:
        return open_stores(self.settings)

    def alive(self) -> list[int]:
        """Processes of this data folder, by their environment, whoever started them."""
        mark = f"UNMIX_DATA={self.settings.data.resolve()}\0".encode()
        return [pid for pid, _ in processes() if mark in _environment_of(pid)]

    def running(self, role: str) -> list[int]:
        """The processes of a role: service, worker, horse, queue or supervisor."""
        raise NotImplementedError

    def horses(self) -> list[int]:
        workers = self.running("worker")
        return [pid for pid, parent in processes() if parent in workers]


class Tree(System):
    """``unmix serve`` with its embedded queue, one worker for training and one for models."""

    def __init__(self, settings: Settings, extra: dict[str, str] | None = None) -> None:
        super().__init__(settings.model_copy(update={"port": free_port(), "redis_url": None}), extra)
        self.urls = [f"http://127.0.0.1:{self.settings.port}"]

    def start(self) -> None:
        self.launch("supervisor", sys.executable, "-m", "supervision.child", "tree", str(os.getpid()))
        self.wait_until_ready()

    def running(self, role: str) -> list[int]:
        if role == "horse":
            return self.horses()
        supervisor = self.started["supervisor"].pid
        if role == "supervisor":
            return [supervisor]
        word = {"queue": b"unixsocket"}.get(role, f"supervision.child\0{role}".encode())
        return [pid for pid, parent in processes() if parent == supervisor and word in _command_of(pid)]


class Cluster(System):
    """Services and workers on a Redis of their own. The workers serve the queue ``apply`` alone."""

    def __init__(
        self, settings: Settings, n_services: int = 1, n_workers: int = 2, extra: dict[str, str] | None = None
    ) -> None:
        self.folder = settings.data.with_name(f"{settings.data.name}-redis")
        self.folder.mkdir()
        self.port = free_port()
        super().__init__(settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{self.port}"}), extra)
        self.ports = [free_port() for _ in range(n_services)]
        self.urls = [f"http://127.0.0.1:{port}" for port in self.ports]
        self.n_workers = n_workers

    def start(self) -> None:
        binary = shutil.which("redis-server") or ""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        self.launch("queue", binary, *options, "--appendonly", "yes", "--appendfsync", "always")
        wait_until(self._answers, 10)
        for number, port in enumerate(self.ports):
            self.launch(f"service-{number}", sys.executable, "-c", SERVICE, str(port))
        self.start_workers()
        self.wait_until_ready()

    def start_workers(self) -> None:
        for number in range(self.n_workers):
            self.launch(f"worker-{number}", sys.executable, "-c", WORKER)

    def running(self, role: str) -> list[int]:
        if role == "horse":
            return self.horses()
        named = [process for name, process in self.started.items() if name.partition("-")[0] == role]
        return [process.pid for process in named if process.poll() is None]

    def flush(self) -> None:
        with Redis.from_url(str(self.settings.redis_url)) as redis:
            redis.flushall()

    def _answers(self) -> bool:
        with suppress(RedisError), Redis.from_url(str(self.settings.redis_url)) as redis:
            return bool(redis.ping())
        return False


@contextmanager
def running(system: System) -> Iterator[System]:
    """The system, started; nothing of it is left when the block ends."""
    try:
        system.start()
        yield system
        system.stop()
        deadline = time.monotonic() + 20.0
        while (left := system.alive()) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not left, f"processes that outlived their system: {[_command_of(pid) for pid in left]}"
    finally:
        for pid in system.alive():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in system.started.values():
            process.wait()


def kill(pids: list[int]) -> None:
    """kill -9, and wait for their end."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(runs(pid) for pid in pids), 10)


def _environment_of(pid: int) -> bytes:
    return _read(Path(f"/proc/{pid}/environ"))


def _command_of(pid: int) -> bytes:
    return _read(Path(f"/proc/{pid}/cmdline"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
