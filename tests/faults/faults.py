"""Everything that is done to a running system, a function each; whoever plays the round repairs it."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from redis import Redis

from tests.conftest import npy, small_scene
from tests.faults import clock
from tests.faults.rounds import Fault
from tests.faults.systems import Cluster, System, kill


def kill_one(*roles: str) -> Fault:
    """kill -9 of one process of each role."""

    def fault(system: System, rng: np.random.Generator) -> None:
        for role in roles:
            found = system.running(role)
            kill([int(rng.choice(found))] if found else [])

    return fault


def restart(system: System, rng: np.random.Generator) -> None:
    system.stop()


def delete_queue(system: System, rng: np.random.Generator) -> None:
    """Everything is killed, and what the queue had kept is gone."""
    kill(system.running("supervisor"))
    shutil.rmtree(system.settings.data / "queue")


def flush(system: System, rng: np.random.Generator) -> None:
    with Redis.from_url(str(system.settings.redis_url)) as redis:
        redis.flushall()


def delete_redis(system: System, rng: np.random.Generator) -> None:
    """The Redis dies, and another one, which is empty, takes its place while everything else runs on."""
    assert isinstance(system, Cluster)
    kill(system.running("queue"))
    shutil.rmtree(system.folder)
    system.folder.mkdir()


def fill_disk(system: System, rng: np.random.Generator) -> None:
    """No room for a while."""
    ballast = system.settings.data / "ballast"
    subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=64k"], capture_output=True)  # until it is full
    time.sleep(rng.uniform(0.5, 1.5))
    ballast.unlink()


def make_read_only(system: System, rng: np.random.Generator) -> None:
    """Nothing can be written for a while."""
    _remount(system.settings.data, "ro")
    time.sleep(rng.uniform(0.5, 1.5))
    _remount(system.settings.data, "rw")


def _remount(folder: Path, how: str) -> None:
    deadline = time.monotonic() + 20.0
    while subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], capture_output=True).returncode:
        assert time.monotonic() < deadline, f"{folder} cannot be mounted {how}"  # files are being written all the time
        time.sleep(0.01)


def upload(then: Callable[[socket.socket], None]) -> Fault:
    """Half an upload, after which ``then`` is done to its connection."""

    def fault(system: System, rng: np.random.Generator) -> None:
        body = npy(small_scene(7, rows=64, columns=64))
        half = body[: int(rng.integers(1, len(body)))]
        lines = ["POST /unmix?n_endmembers=3 HTTP/1.1", "Host: x", "Content-Type: application/x-npy"]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
        with socket.create_connection(("127.0.0.1", int(system.urls[0].rpartition(":")[2]))) as connection:
            connection.sendall(head.encode() + half)
            then(connection)

    return fault


def tear(connection: socket.socket) -> None:
    """No more comes, and the end is said."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(20.0)
    while connection.recv(4096):
        pass


def go_away(connection: socket.socket) -> None:
    """A reset, as of a client that has died."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def stall(connection: socket.socket) -> None:
    """Nothing comes and nothing is said, while others are served."""
    time.sleep(2.0)


def jump(system: System, rng: np.random.Generator) -> None:
    """The clocks of service and workers go forward or back by up to two hours, and later right again."""
    for seconds in (int(rng.integers(-7200, 7200)), 0):
        Path(system.extra[clock.VARIABLE]).write_text(str(seconds))
        time.sleep(1.0)


FAULTS_OF_TREE: dict[str, Fault] = {
    "kill -9 work-horse": kill_one("horse"),
    "kill -9 worker": kill_one("worker"),
    "kill -9 service": kill_one("service"),
    "kill -9 queue server": kill_one("queue"),
    "kill -9 supervisor": kill_one("supervisor"),
    "restart of everything": restart,
    "the queue's folder deleted": delete_queue,
}
FAULTS_OF_CLUSTER: dict[str, Fault] = {
    "two services, three workers: one of each killed": kill_one("service", "worker", "horse"),
    "two services, three workers: FLUSHALL": flush,
    "two services, three workers: an empty Redis": delete_redis,
    "torn upload": upload(tear),
    "client gone in mid-upload": upload(go_away),
    "stalled upload": upload(stall),
}
FAULTS_OF_DISK: dict[str, Fault] = {"disk full": fill_disk, "store read-only": make_read_only}
