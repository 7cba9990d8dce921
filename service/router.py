"""The router of every resource: what answers GET answers HEAD."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter

Endpoint = Callable[..., Any]


class Router(APIRouter):
    """A router whose GET routes answer HEAD too, with the same headers; the server itself leaves the body out."""

    def get(self, path: str, **options: Any) -> Callable[[Endpoint], Endpoint]:  # type: ignore[override]
        def decorate(endpoint: Endpoint) -> Endpoint:
            super(Router, self).get(path, **options)(endpoint)
            return super(Router, self).head(path, **{**options, "include_in_schema": False})(endpoint)

        return decorate
