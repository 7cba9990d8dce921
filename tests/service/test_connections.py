"""Slow, stalled and endless connections are cut, and others are answered meanwhile. Real sockets, a real server."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from benchmarks.crowd import send_on
from model_store.settings import Settings
from model_store.stores import Stores
from service.connections import MAX_HEAD_BYTES
from tests.conftest import npy, serving, small_scene, wait_until
from tests.service.test_http import finish

SCENE = npy(small_scene())
UPLOAD_HEAD = (
    b"POST /unmix HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-npy\r\nContent-Length: 9999999\r\n\r\n"
)


@pytest.fixture
def short(settings: Settings) -> Settings:
    """Settings of little patience."""
    return settings.model_copy(update={"header_seconds": 1.0, "stall_seconds": 1.0})


@contextmanager
def connected(client: httpx.Client, sent: bytes = b"") -> Iterator[socket.socket]:
    address = (client.base_url.host, client.base_url.port)
    with socket.create_connection(address, timeout=15) as connection:
        connection.sendall(sent)
        yield connection


def answer_of(connection: socket.socket) -> bytes:
    """Everything until the server closes; what is cut in the middle gives what came before."""
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def quick_ms(client: httpx.Client, path: str, n: int = 150) -> float:
    """Milliseconds of the quickest tenth: what the service takes, whatever else this machine does."""
    times = []
    for _ in range(n):
        started = time.perf_counter()
        assert client.get(path).status_code == 200
        times.append(1000 * (time.perf_counter() - started))
    return sorted(times)[n // 10]


@pytest.mark.parametrize("head", [b"", b"GET /jobs HTTP/1.1\r\nHost: 127", b"\r\n", b"GET /jobs HTTP/1.1\r\nX: "])
def test_a_head_that_does_not_come_is_cut(short: Settings, head: bytes) -> None:
    with serving(short) as client, connected(client, head) as connection:
        started = time.monotonic()
        assert b" 408 " in answer_of(connection)
        assert time.monotonic() - started < 5


def test_a_head_that_trickles_is_cut_on_a_connection_that_was_used_before(short: Settings) -> None:
    with serving(short) as client, connected(client, b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") as connection:
        assert b" 200 " in connection.recv(65536)
        connection.sendall(b"GET /livez HTTP/1.1\r\n")
        stopped, cut = threading.Event(), dict[int, float]()
        trickling = threading.Thread(target=send_on, args=([connection], stopped, cut))
        trickling.start()
        try:
            wait_until(lambda: cut, 10)
        finally:
            stopped.set()
            trickling.join()


@pytest.mark.parametrize(
    "endless",
    [
        b"GET /" + b"a" * 1000,
        b"GET /jobs HTTP/1.1\r\nX-Long: " + b"a" * 1000,
        b"GET /jobs HTTP/1.1\r\n" + b"X-Many: value\r\n" * 100,
        b"POST /unmix HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n5; extension=" + b"a" * 1000,
        b"POST /unmix HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: " + b"a" * 1000,
    ],
)
def test_an_endless_head_is_cut_with_bounded_memory(service: httpx.Client, endless: bytes) -> None:
    more = endless[-14:] if endless.endswith(b"\r\n") else b"a" * 14
    before = resident_bytes()
    with connected(service, endless) as connection:
        n_sent = 0
        try:
            while n_sent < 200 * 2**20:
                connection.sendall(more * 5000)
                n_sent += len(more) * 5000
        except OSError:
            pass
    assert n_sent < 100 * MAX_HEAD_BYTES
    assert resident_bytes() - before < 20 * 2**20
    assert service.get("/livez").status_code == 200


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_large_head_in_one_piece_is_refused_in_words(service: httpx.Client) -> None:
    answer = service.get("/livez", headers={"X-Long": "a" * (MAX_HEAD_BYTES + 1)})
    assert (answer.status_code, answer.headers["content-type"]) == (431, "application/problem+json")
    assert service.get("/livez", headers={"X-Long": "a" * (MAX_HEAD_BYTES - 2000)}).status_code == 200


def test_a_stalled_upload_is_cut_and_leaves_nothing(short: Settings) -> None:
    with serving(short) as client, connected(client, UPLOAD_HEAD + SCENE[:1000]) as connection:
        wait_until(lambda: [*(short.data / "inputs").glob("*/*")], 5)
        assert b" 408 " in answer_of(connection)
        wait_until(lambda: not [*(short.data / "inputs").iterdir()], 5)


def test_a_slow_upload_that_goes_on_is_taken(short: Settings) -> None:
    scene = npy(small_scene(rows=50, columns=50))

    def slowly() -> Iterator[bytes]:
        for start in range(0, len(scene), 12_000):
            yield scene[start : start + 12_000]
            time.sleep(0.1)

    with serving(short) as client:
        answer = client.post("/unmix", content=slowly(), headers={"Content-Type": "application/x-npy"})
    assert answer.status_code == 202, answer.text


def test_who_does_not_take_the_answer_is_cut(short: Settings, stores: Stores) -> None:
    with serving(short.model_copy(update={"stall_seconds": 0.3})) as client:
        job_id = client.post("/unmix", files={"file": ("scene.npy", SCENE)}).json()["jobID"]
        finish(stores, job_id, bytes(64 * 2**20))
        asked = f"GET /jobs/{job_id}/results/maps.npy HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        with connected(client, asked) as connection:
            time.sleep(3.0)  # 1.5 are what it may lie
            assert len(answer_of(connection)) < 64 * 2**20
        assert len(client.get(f"/jobs/{job_id}/results/maps.npy").content) == 64 * 2**20


def test_200_that_trickle_do_not_slow_others_and_are_cut(settings: Settings) -> None:
    patient = settings.model_copy(update={"header_seconds": 6.0, "stall_seconds": 6.0})
    with serving(patient) as client, ExitStack() as stack:
        client.post("/unmix", files={"file": ("scene.npy", SCENE)})
        quiet = quick_ms(client, "/jobs")
        heads = (UPLOAD_HEAD, b"GET /jobs HTTP/1.1\r\nX-Long: ")
        sockets = [stack.enter_context(connected(client, heads[number % 2])) for number in range(200)]
        stopped, cut = threading.Event(), dict[int, float]()
        trickling = threading.Thread(target=send_on, args=(sockets, stopped, cut))
        trickling.start()
        try:
            time.sleep(1.5)  # until all are open
            beside = quick_ms(client, "/jobs")
            wait_until(lambda: len(cut) == 200, 30)
        finally:
            stopped.set()
            trickling.join()
    print(f"GET /jobs: {quiet:.2f} ms alone, {beside:.2f} ms beside 200 that trickle")
    assert beside < 2 * quiet + 1.0


def test_600_stalled_uploads_stop_no_other_route(settings: Settings) -> None:
    with serving(settings) as client, ExitStack() as stack:
        for _ in range(600):
            stack.enter_context(connected(client, UPLOAD_HEAD + SCENE[:1000]))
        for path in ("/livez", "/readyz", "/jobs", "/models", "/methods"):
            assert client.get(path).status_code == 200
        busy = client.post("/unmix", files={"file": ("scene.npy", SCENE)})
        assert (busy.status_code, busy.json()["type"]) == (503, "/problems/busy")
        assert int(busy.headers["retry-after"]) >= 1


def test_who_sends_nothing_does_not_keep_out_who_does(settings: Settings) -> None:
    with serving(settings.model_copy(update={"max_connections": 20})) as client, ExitStack() as stack:
        silent = [stack.enter_context(connected(client)) for _ in range(40)]
        assert httpx.get(f"{client.base_url}/livez").status_code == 200
        assert b" 503 " in answer_of(silent[0])
