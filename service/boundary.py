"""Names of hosts that are this service's, and headers that tell browsers how little they may do with an answer."""

import ipaddress
from fnmatch import fnmatch
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from model_store.settings import Settings
from service.errors import ForeignHostError
from service.problems import known_problem

ANY_HOST = ("/livez", "/readyz")
"""Orchestrators ask these by whatever address they know; nothing in the answers depends on it."""

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")

POLICY = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
FRAMES = "frame-ancestors 'none'"
DOCS_POLICY = "script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
"""Of the page of Swagger UI alone, whose few lines of script stand in it."""

HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"}


class Boundary:
    """The middleware."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._public = urlsplit(settings.public_url) if settings.public_url else None
        named = [name.strip() for name in settings.trusted_hosts.split(",") if name.strip()]
        own = [self._public.hostname] if self._public is not None and self._public.hostname else []
        self._hosts = (*LOCAL_NAMES, settings.host, *named, *own)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                more = DOCS_POLICY if scope["path"] == "/docs" else ""
                headers.setdefault("Content-Security-Policy", POLICY + more + FRAMES)
            await send(message)

        if scope["path"] not in ANY_HOST and not self._is_own(host, scope):
            error = ForeignHostError(
                f"{host[:200]!r} is no name of this service; its operator sets UNMIX_TRUSTED_HOSTS or UNMIX_PUBLIC_URL"
            )
            await known_problem(Request(scope), error)(scope, receive, send_with_headers)
            return
        await self._app(self._as_public(scope), receive, send_with_headers)

    def _is_own(self, host: str, scope: Scope) -> bool:
        """Whether links may name the host: a name from the settings, or the address that was connected to."""
        name = _name_of(host)
        server = (scope.get("server") or [None])[0]
        return name == server or any(fnmatch(name, pattern.lower()) for pattern in self._hosts)

    def _as_public(self, scope: Scope) -> Scope:
        """The request as if it had come by the public URL, which all links are then made of."""
        if self._public is None:
            return scope
        others = [(name, value) for name, value in scope["headers"] if name != b"host"]
        headers = [(b"host", self._public.netloc.encode("ascii")), *others]
        path = self._public.path.rstrip("/")
        return {**scope, "scheme": self._public.scheme, "headers": headers, "root_path": path}


def _name_of(host: str) -> str:
    """The host without its port, as it is compared.

    >>> _name_of("Example.org:8000"), _name_of("[::1]:8000"), _name_of("10.0.0.1")
    ('example.org', '::1', '10.0.0.1')
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() and ":" in host else host
    bare = name.strip("[]").lower()
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare
