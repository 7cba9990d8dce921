"""The HTTP server around the application, with its limits on connections."""

import logging
import resource
from typing import Any

import uvicorn
from fastapi import FastAPI

from model_store.settings import Settings
from service.connections import ConnectionLimits, guarded

OPEN_FILES = 2**16
SPARE_FILES = 256
"""Open files that are not connections: Redis, readers, logs, results that are sent."""

logger = logging.getLogger(__name__)


def server_config(app: FastAPI, settings: Settings, **options: Any) -> uvicorn.Config:
    """How the application is served. options: more of uvicorn's."""
    limits = ConnectionLimits(_connections(settings), settings.header_seconds, settings.stall_seconds)
    return uvicorn.Config(
        app, http=guarded(limits), ws="none", access_log=False, server_header=False,
        proxy_headers=bool(settings.trusted_proxies), forwarded_allow_ips=settings.trusted_proxies, **options
    )  # fmt: skip


def _connections(settings: Settings) -> int:
    """As many connections as the settings allow and the open files of this process suffice for: an upload has two."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    possible = max(16, (wanted - SPARE_FILES) // 2)
    if possible < settings.max_connections:
        logger.warning("%d open files suffice for %d connections only", wanted, possible)
    return min(settings.max_connections, possible)
