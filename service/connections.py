"""Connections of strangers: none keeps a place, a file or memory for long without sending or taking something.

uvicorn's own protocol has no limit on a head, and waits for the rest of a request for ever.
"""

import json
import logging
from asyncio import TimerHandle, Transport
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
"""Of the line and the headers of a request, and of whatever else comes beside its body."""

MIN_BYTES = 16 * 1024
"""Whoever sends less of a body than this in ``stall_seconds`` is cut."""

LINGER_SECONDS = 30.0
"""How long the rest of a body is still taken, and dropped, after its answer."""

TAKING_STALLS = 5
"""So many ``stall_seconds`` an answer may lie: the system holds megabytes of it that a slow reader still gets."""

_DETAILS = {
    HTTPStatus.REQUEST_TIMEOUT: "the request came too slowly",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"the head of the request has more than {MAX_HEAD_BYTES} bytes",
    HTTPStatus.SERVICE_UNAVAILABLE: "too many connections are open; try again shortly",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ConnectionLimits:
    """max_connections: open at the same time. header_seconds: until the head of a request is there. stall_seconds: in
    which ``MIN_BYTES`` of a body have to come."""

    max_connections: int
    header_seconds: float
    stall_seconds: float


class Phase(Enum):
    """How far the request is that is being received."""

    IDLE = "idle"
    """It is there; the next has not begun."""
    HEAD = "head"
    BODY = "body"


class GuardedProtocol(HttpToolsProtocol):
    """One connection. Cut when its head is too large or too late, its body too slow, or its answer not taken."""

    limits: ConnectionLimits

    def __init__(self, *server: Any, **more: Any) -> None:
        super().__init__(*server, **more)
        self._phase = Phase.IDLE
        self._timer: TimerHandle | None = None
        self._taking: TimerHandle | None = None
        self._n_received = self._n_unread = self._n_untaken = 0
        self.since = 0.0

    @property
    def is_waiting(self) -> bool:
        """Whether it may be dropped for another: no request of it is being worked on."""
        answered = self._phase is Phase.BODY and self.cycle is not None and self.cycle.response_complete
        return self._phase is Phase.HEAD or answered

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._enter(Phase.HEAD)
        if len(self.connections) > self.limits.max_connections:
            others = (one for one in self.connections if isinstance(one, GuardedProtocol) and one is not self)
            waiting = [one for one in others if one.is_waiting and not one.transport.is_closing()]
            # Who sends nothing does not keep out who does.
            min(waiting, key=lambda one: one.since, default=self).refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def connection_lost(self, exc: Exception | None) -> None:
        _cancel(self._timer)
        _cancel(self._taking)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._phase is Phase.IDLE:
            self._enter(Phase.HEAD)
        self._n_received += len(data)
        self._n_unread += len(data)
        super().data_received(data)
        if self._n_unread > MAX_HEAD_BYTES:
            self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD_BYTES:
            self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if not self.transport.is_closing():
            self._enter(Phase.BODY)
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._n_unread = 0
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self.transport.is_closing():
            self._enter(Phase.IDLE)
            super().on_message_complete()
            if self.cycle.response_complete and self.timeout_keep_alive_task is None:
                later = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
                self.timeout_keep_alive_task = later

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._phase is Phase.BODY and not self.transport.is_closing():
            _cancel(self._timer)
            self._timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_taking()

    def resume_writing(self) -> None:
        _cancel(self._taking)
        super().resume_writing()

    def refuse(self, status: HTTPStatus) -> None:
        """Say why, where no answer has begun, and close."""
        logger.info("a connection of %s is cut: %s", self.client and self.client[0], _DETAILS[status])
        _cancel(self._timer)
        answering = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if answering or (self._phase is Phase.BODY and self.cycle.response_complete):
            self.transport.abort()
            return
        self.transport.write(_answer(status))
        self.transport.close()

    def _enter(self, phase: Phase) -> None:
        _cancel(self._timer)
        self._phase, self._n_unread, self.since = phase, 0, self.loop.time()
        if phase is Phase.HEAD:
            self._timer = self.loop.call_later(self.limits.header_seconds, self._head_is_late)
        elif phase is Phase.BODY:
            self._watch_body()

    def _head_is_late(self) -> None:
        if self.flow.read_paused:  # it waits for us
            self._enter(Phase.HEAD)
        else:
            self.refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _watch_body(self) -> None:
        self._timer = self.loop.call_later(self.limits.stall_seconds, self._check_body, self._n_received)

    def _check_body(self, n_before: int) -> None:
        if self.flow.read_paused or self._n_received - n_before >= MIN_BYTES:
            self._watch_body()
        else:
            self.refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _watch_taking(self) -> None:
        self._n_untaken = self.transport.get_write_buffer_size()
        _cancel(self._taking)
        self._taking = self.loop.call_later(TAKING_STALLS * self.limits.stall_seconds, self._check_taking)

    def _check_taking(self) -> None:
        if self._n_untaken - self.transport.get_write_buffer_size() < MIN_BYTES:
            self.transport.abort()
        else:
            self._watch_taking()


def _cancel(timer: TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


def _answer(status: HTTPStatus) -> bytes:
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": _DETAILS[status]}
    body = json.dumps(problem).encode()
    retry = "Retry-After: 10\r\n" if status is HTTPStatus.SERVICE_UNAVAILABLE else ""
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/problem+json\r\n{retry}"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


def guarded(limits: ConnectionLimits) -> type[GuardedProtocol]:
    """The protocol with these limits."""
    return type("LimitedProtocol", (GuardedProtocol,), {"limits": limits})
