"""Who may call: one place before all routes, so that a new one asks for a key by itself."""

from dataclasses import replace
from typing import Any

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from model_store.api_keys import looks_like_a_key
from model_store.settings import Settings
from service.context import Caller, Context
from service.errors import KeyRequiredError, TooManyRequestsError
from service.problems import known_problem
from service.rate_limits import RateLimits, limited_name

PUBLIC = frozenset({"/", "/livez", "/readyz", "/conformance", "/api", "/openapi.json", "/docs"})
PUBLIC_BELOW = ("/problems/", "/docs/", "/static-offline-docs/", "/page/")
"""Paths that answer without a key: health, and what is the same for everybody."""

STRANGER = Caller("stranger")
"""Whoever sends no key where one is asked for: owns nothing, and so sees nothing on the public paths."""

KEY_HEADER = "x-api-key"


class Access:
    """The middleware: puts the caller into the request's state, or answers 401, or 429 who asks too often."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                sent = Headers(scope=scope).get("idempotency-key", "")
                caller = replace(self._caller(scope), idempotency_key=sent)
                scope.setdefault("state", {})["caller"] = caller
                if not is_public(scope["path"]):
                    await self._count(scope, caller)
            except (KeyRequiredError, TooManyRequestsError) as error:
                await known_problem(Request(scope), error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _caller(self, scope: Scope) -> Caller:
        """Raises KeyRequiredError."""
        context: Context = scope["app"].state.context
        keys, text = context.stores.keys, sent_key(Headers(scope=scope))
        if found := keys.holder(text):
            return Caller(found.id, found.limits)
        anonymous = self._settings.allow_anonymous
        if is_public(scope["path"]):
            return STRANGER if anonymous is False or keys.exist else Caller()
        if looks_like_a_key(text):
            raise KeyRequiredError("the API key is unknown, or was revoked")
        if anonymous is False or (anonymous is None and keys.exist):
            raise KeyRequiredError(
                "this service asks for an API key: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`"
            )
        return Caller()

    async def _count(self, scope: Scope, caller: Caller) -> None:
        """Raises TooManyRequestsError."""
        name = limited_name(caller.owner, (scope.get("client") or [None])[0])
        if name is not None:
            limits: RateLimits = scope["app"].state.rate_limits
            await limits.take(name, caller.limits.requests_per_second or self._settings.requests_per_second)


def is_public(path: str) -> bool:
    return path in PUBLIC or path.startswith(PUBLIC_BELOW)


def sent_key(headers: Headers) -> str:
    """The key in the headers of a request; empty when there is none."""
    if (key := headers.get(KEY_HEADER)) is not None:
        return key.strip()
    scheme, _, key = headers.get("authorization", "").strip().partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def secured(document: dict[str, Any], refused: dict[int | str, dict[str, Any]]) -> dict[str, Any]:
    """The OpenAPI document with how a key is sent, by every operation that is asked for one. refused: how such an
    operation answers without it."""
    document["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "An API key of this service."},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key."},
    }
    # Empty: without a key, for as long as the operator has made none.
    document["security"] = [{"bearer": []}, {"header": []}, {}]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if is_public(path):
                operation["security"] = []
            else:
                operation["responses"] |= {str(status): answer for status, answer in refused.items()}
    return document
