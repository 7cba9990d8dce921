"""A client that is quicker than the service: keep-alive connections that ask again as soon as they are answered,
and an upload that the kernel sends from the file."""

import asyncio
import json
import math
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import httptools

BOUNDARY = "unmix-load"


@dataclass(frozen=True)
class Answers:
    """The answers that came back. Latencies in seconds, one per answer; ``n_bytes`` of bodies."""

    latencies: tuple[float, ...]
    seconds: float
    n_bytes: int

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    @property
    def megabytes_per_second(self) -> float:
        return self.n_bytes / self.seconds / 1e6


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that ``percent`` of all are not above (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(math.ceil(percent / 100 * len(ordered)) - 1, 0)]


class _Connection(asyncio.Protocol):
    """One connection, a request at a time until the deadline. ``done`` ends with the last answer, or with what
    went wrong: any status but 200 does."""

    def __init__(self, request: bytes, deadline: float) -> None:
        self._request, self._deadline = request, deadline
        self._parser = httptools.HttpResponseParser(self)
        self._asked = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.latencies: list[float] = []
        self.n_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.n_bytes += len(body)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        self.latencies.append(now - self._asked)
        status = self._parser.get_status_code()
        if status != HTTPStatus.OK:
            self._end(ConnectionError(f"answered with status {status}"))
        elif now < self._deadline:
            self._ask()
        else:
            self._end(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or ConnectionError("the service closed the connection"))

    def _ask(self) -> None:
        assert self._transport is not None
        self._asked = time.perf_counter()
        self._transport.write(self._request)

    def _end(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)
        if self._transport is not None:
            self._transport.close()


def ask(address: tuple[str, int], path: str, connections: int, seconds: float) -> Answers:
    """GET ``path`` again and again over so many connections. Raises ConnectionError for any answer but 200."""
    return asyncio.run(_ask(address, path, connections, seconds))


async def _ask(address: tuple[str, int], path: str, connections: int, seconds: float) -> Answers:
    request = f"GET {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n\r\n".encode("ascii")
    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: _Connection(request, started + seconds), *address)
        for _ in range(connections)
    ]
    callers = [caller for _, caller in opened]
    await asyncio.gather(*(caller.done for caller in callers))
    took = time.perf_counter() - started
    latencies = tuple(latency for caller in callers for latency in caller.latencies)
    return Answers(latencies, took, sum(caller.n_bytes for caller in callers))


def upload(
    address: tuple[str, int], scene: Path, fields: Mapping[str, str], timeout_seconds: float = 120.0
) -> tuple[Mapping[str, Any], float]:
    """POST ``scene`` and ``fields`` to /unmix as multipart/form-data, the file sent by the kernel.

    The job and the seconds until it was accepted. Raises ConnectionError when it was not.
    """
    parts = [f'name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
    parts.append(f'name="file"; filename="{scene.name}"\r\nContent-Type: application/octet-stream\r\n\r\n')
    head = "\r\n".join(f"--{BOUNDARY}\r\nContent-Disposition: form-data; {part}" for part in parts).encode("ascii")
    tail = f"\r\n--{BOUNDARY}--\r\n".encode("ascii")
    request = (
        f"POST /unmix HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nConnection: close\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        f"Content-Length: {len(head) + scene.stat().st_size + len(tail)}\r\n\r\n"
    ).encode("ascii")
    started = time.perf_counter()
    with socket.create_connection(address, timeout_seconds) as connection, scene.open("rb") as file:
        connection.sendall(request + head)
        connection.sendfile(file)
        connection.sendall(tail)
        response = HTTPResponse(connection, method="POST")
        response.begin()
        body = response.read()
    seconds = time.perf_counter() - started
    if response.status != HTTPStatus.ACCEPTED:
        raise ConnectionError(f"POST /unmix was answered with status {response.status}: {body.decode()}")
    return json.loads(body), seconds
