"""JSON goes out compressed where the caller takes gzip, and nothing else does: assets are compressed by their formats
and served in ranges, events have to arrive one by one."""

import re

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipResponder, IdentityResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIN_BYTES = 4096
"""Shorter answers, as that about one job, are not worth the time."""

LEVEL = 5

_TAKES_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", re.IGNORECASE)


class JsonCompression:
    """The middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        takes_gzip = _TAKES_GZIP.search(Headers(scope=scope).get("accept-encoding", ""))
        responder: IdentityResponder = (
            GZipResponder(self._app, MIN_BYTES, LEVEL) if takes_gzip else IdentityResponder(self._app, MIN_BYTES)
        )
        await _JsonOnly(responder)(scope, receive, send)


class _JsonOnly:
    """Sends JSON through a responder of the framework, and everything else as it is."""

    def __init__(self, responder: IdentityResponder) -> None:
        self._responder = responder
        self._is_json = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._responder.send = send

        async def send_either_way(message: Message) -> None:
            if message["type"] == "http.response.start":
                kind = Headers(raw=message["headers"]).get("content-type", "").partition(";")[0]
                self._is_json = kind.endswith(("/json", "+json"))
            await (self._responder.send_with_compression if self._is_json else send)(message)

        await self._responder.app(scope, receive, send_either_way)
