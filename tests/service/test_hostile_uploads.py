"""Uploads that crash or exhaust whoever reads them: each costs its own request, the service goes on."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from model_store.settings import Settings
from service.reading.fork_server import ForkServer
from tests.conftest import FORK_SERVER, REPOSITORY, npy, serving, small_scene, wait_until
from tests.service import bombs
from tests.service.test_bad_input import assert_nothing_left, assert_problem

MIB = 2**20
LIMITS = {
    "readers": 2,
    "reader_memory_bytes": 100 * MIB,
    "reader_cpu_seconds": 1,
    "reader_wall_seconds": 6.0,
    "reader_seconds_per_gib": 0.0,
}

Bomb = Callable[[Path], bytes]

BOMBS: dict[str, tuple[str, Bomb, list[str]]] = {
    "a type that crashes SciPy": ("a.mat", lambda folder: bombs.mat_v5_of_no_type(), ["65535", "none of numbers"]),
    "a part that claims 3.5 GiB": ("b.mat", lambda folder: bombs.mat_v5_that_claims(3584 * MIB), ["memory"]),
    "a chunk deflated twice": ("c.mat", lambda folder: bombs.hdf5_deflated_twice(folder, 400 * MIB), ["c.mat"]),
    "a header of 400 MiB": ("d.npz", lambda folder: bombs.npz_with_a_header_of(400 * MIB), ["d.npz"]),
    "a million short lines": ("e.csv", lambda folder: bombs.short_lines(3_000_000), ["processor time"]),
    "a million short rows": ("f.json", lambda folder: bombs.short_rows(3_000_000), ["memory"]),
    "thousands of bands": ("g.tif", lambda folder: bombs.geotiff_of(30_000), ["30000 bands", "8192"]),
}


@pytest.fixture
def limited(settings: Settings) -> Iterator[httpx.Client]:
    with serving(settings.model_copy(update=LIMITS)) as client:
        yield client


def post(service: httpx.Client, name: str, content: bytes, **fields: str) -> httpx.Response:
    if name.endswith(".json"):
        return service.post("/unmix", content=content, headers={"Content-Type": "application/json"})
    return service.post("/unmix", files={"file": (name, content)}, data=fields)


def children_of(process: int) -> list[int]:
    """The processes that ``process`` has started and that have not been reaped."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[1]) == process:
            found.append(int(path.parent.name))
    return found


def fork_server() -> int:
    """The process that forks readers, a child of this one."""
    (found,) = [pid for pid in children_of(os.getpid()) if FORK_SERVER.pid == pid]
    return found


def command_of(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("row", BOMBS)
def test_a_bomb_is_refused(limited: httpx.Client, settings: Settings, tmp_path: Path, row: str) -> None:
    name, content, words = BOMBS[row]
    fields = {"n_sources": "2"} if name.endswith(".csv") else {}
    assert_problem(post(limited, name, content(tmp_path), **fields), 422, words)
    assert_nothing_left(limited, settings)
    wait_until(lambda: not children_of(fork_server()), 5)
    assert post(limited, "scene.npy", npy(small_scene())).status_code == 202


def test_the_service_answers_while_bombs_are_read(limited: httpx.Client, settings: Settings, tmp_path: Path) -> None:
    contents = {name: content(tmp_path) for name, content, _ in BOMBS.values()}
    with ThreadPoolExecutor(len(contents)) as pool:
        sent = [pool.submit(post, limited, name, content) for name, content in contents.items()]
        longest = 0.0
        while not all(answer.done() for answer in sent):
            started = time.monotonic()
            assert limited.get("/livez").status_code == 200
            longest = max(longest, time.monotonic() - started)
            time.sleep(0.02)
    assert {answer.result().status_code for answer in sent} == {422}
    assert longest < 2.0
    assert_nothing_left(limited, settings)
    wait_until(lambda: not children_of(fork_server()), 5)


def test_who_waits_too_long_is_told_when_to_come_again(settings: Settings) -> None:
    impatient = LIMITS | {"readers": 1, "reader_wait_seconds": 0.2, "reader_cpu_seconds": 2}
    slow = bombs.short_lines(3_000_000)
    with serving(settings.model_copy(update=impatient)) as service, ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, service, "slow.csv", slow, n_sources="2")
        wait_until(lambda: children_of(fork_server()), 10)
        refused = post(service, "scene.npy", npy(small_scene()))
        assert_problem(refused, 503, ["1 other"])
        assert int(refused.headers["retry-after"]) > 0
        assert first.result().status_code == 422
        assert post(service, "scene.npy", npy(small_scene())).status_code == 202


def test_time_counts_even_when_nothing_is_computed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped process stands for one that waits for a disk that does not answer."""
    monkeypatch.setattr("service.reading.readers.LATE_SECONDS", 0.5)
    with serving(settings.model_copy(update=LIMITS | {"reader_wall_seconds": 1.0})) as service:
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(post, service, "slow.csv", bombs.short_lines(3_000_000), n_sources="2")
            wait_until(lambda: children_of(fork_server()), 10)
            for process in children_of(fork_server()):
                os.kill(process, signal.SIGSTOP)
            assert_problem(answer.result(), 422, ["more than 1 seconds"])
        wait_until(lambda: not children_of(fork_server()), 5)
        assert_nothing_left(service, settings)


def test_a_crash_costs_one_request(limited: httpx.Client, settings: Settings) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(post, limited, "slow.csv", bombs.short_lines(3_000_000), n_sources="2")
        wait_until(lambda: children_of(fork_server()), 10)
        for process in children_of(fork_server()):
            os.kill(process, signal.SIGSEGV)
        assert_problem(answer.result(), 422, ["crash", "SIGSEGV"])
    assert_nothing_left(limited, settings)


def test_a_fork_server_that_died_is_started_again(service: httpx.Client) -> None:
    assert post(service, "scene.npy", npy(small_scene())).status_code == 202
    killed = fork_server()
    os.kill(killed, signal.SIGKILL)
    assert post(service, "other.npy", npy(small_scene(seed=1))).status_code == 202
    assert fork_server() != killed


def test_readers_end_with_the_fork_server(service: httpx.Client) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert post(service, "scene.npy", npy(small_scene())).status_code == 202
        answer = pool.submit(post, service, "slow.csv", bombs.short_lines(500_000), n_sources="2")
        wait_until(lambda: children_of(fork_server()), 10)
        readers = children_of(fork_server())
        os.kill(fork_server(), signal.SIGKILL)
        wait_until(lambda: not any(command_of(reader) for reader in readers), 5)
        assert answer.result().status_code == 202  # it was read again


def test_the_fork_server_ends_with_its_owner() -> None:
    owner = ForkServer()
    try:
        with owner.connect() as connection:
            connection.shutdown(socket.SHUT_WR)
            assert b"exit_status" in connection.recv(4096)  # of a process without a request
        process = owner.pid
        assert process is not None
        assert len(list(Path(f"/proc/{process}/task").iterdir())) == 1  # a fork with threads would not be safe
    finally:
        owner.close()
    assert not command_of(process)


OWNER = """
import sys
from service.reading.fork_server import ForkServer
owner = ForkServer()
connection = owner.connect()
print(owner.pid, flush=True)
sys.stdin.read()
"""


def test_readers_end_with_a_service_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as service:
        assert service.stdout is not None
        server = int(service.stdout.readline())
        wait_until(lambda: children_of(server), 20)  # it waits for a request, with all that reading takes
        readers = children_of(server)
        service.kill()
        wait_until(lambda: not any(command_of(process) for process in (server, *readers)), 10)
