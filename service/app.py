"""The application, assembled from its settings."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import Depends, FastAPI
from fastapi_offline import FastAPIOffline
from prometheus_client import CollectorRegistry
from redis.exceptions import RedisError
from starlette.middleware.cors import CORSMiddleware

from model_store.settings import Settings
from service import openapi, problems
from service.access import Access
from service.boundary import Boundary
from service.compression import JsonCompression
from service.context import open_context, require_own
from service.measuring import RequestMetrics, StateCollector
from service.ogc import routes as ogc
from service.ogc.answers import results_document
from service.page.bundle import load_bundle
from service.rate_limits import RateLimits
from service.reading.fork_server import ForkServer
from service.reading.readers import Readers
from service.routes import about, events, inspect, jobs, logs, methods, metrics, models, page, results, unmix
from service.sweeper import Sweeper, sweep_forever
from service.watching import JobWatcher
from unmixing.inference.provenance import package_version

CORS: dict[str, Any] = {
    "allow_methods": ["GET", "HEAD", "POST", "DELETE"],
    "allow_headers": [
        "Authorization",
        "X-API-Key",
        "Content-Type",
        "Prefer",
        "Range",
        "Last-Event-ID",
        "Idempotency-Key",
    ],
    "expose_headers": ["Location", "Link", "Retry-After", "Preference-Applied", "Content-Range", "WWW-Authenticate"],
}
"""For pages of other origins that the operator names."""

logger = logging.getLogger(__name__)


def create_app(settings: Settings, fork_server: ForkServer | None = None) -> FastAPI:
    """The service over the data folder and the queue that ``settings`` name; connects when it starts.

    Its start raises QueueUnavailableError when no Redis is named and no embedded queue runs on the data, and
    DataFolderMismatchError when the queue belongs to another data folder.

    fork_server: where uploads are read; without one the service starts its own, and ends it.
    """

    # Swagger UI comes with the package: sites without internet have it too.
    app = FastAPIOffline(
        redoc_url=None,
        title="Hyperspectral unmixing",
        version=package_version("unmixing-service") or "0",
        description="Send a hyperspectral image, get its materials and their maps, "
        "by a network trained on that very image.",
        generate_unique_id_function=lambda route: route.name,
        dependencies=[Depends(require_own)],
        lifespan=lambda app: _running(app, settings, fork_server),
    )
    modules = (about, metrics, methods, unmix, inspect, jobs, events, logs, results, models, page, ogc)
    routers = [module.router for module in modules]
    for router in routers:
        app.include_router(router)
    app.state.routes = [route for router in routers for route in router.routes]
    app.state.registry = CollectorRegistry()
    app.state.bundle = load_bundle()
    app.add_middleware(JsonCompression)
    app.add_middleware(Access, settings=settings)
    app.add_middleware(Boundary, settings=settings)
    if origins := [origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()]:
        app.add_middleware(CORSMiddleware, allow_origins=origins, **CORS)
    app.add_middleware(RequestMetrics, registry=app.state.registry)
    problems.install(app)
    openapi.install(app)
    return app


@asynccontextmanager
async def _running(app: FastAPI, settings: Settings, fork_server: ForkServer | None) -> AsyncIterator[None]:
    """The stores, the readers, the sweeper and the webhooks of the service, from its start to its end."""
    settings.data.mkdir(parents=True, exist_ok=True)
    context = open_context(settings)
    app.state.context = context
    app.state.registry.register(StateCollector(context))
    sweeper = Sweeper(context)
    await asyncio.to_thread(context.stores.keys.synchronize)  # before anybody is answered: a key closes the service
    try:
        await asyncio.to_thread(sweeper.adopt)
    except RedisError as error:  # requests are answered with 503, and the first sweep that finds it makes up for it
        logger.error("Redis: %s", error)
    server = fork_server or ForkServer()
    await asyncio.to_thread(server.start)
    app.state.readers = Readers(settings, server)
    app.state.rate_limits = RateLimits(context.async_redis)
    app.state.upload_slots = asyncio.Semaphore(settings.max_uploads)
    app.state.watcher = JobWatcher(context.async_redis)
    results = partial(results_document, context.stores.results)
    background = [
        asyncio.create_task(sweep_forever(sweeper, settings.sweep_seconds)),
        asyncio.create_task(context.webhooks.send_forever(settings.sweep_seconds, results)),
    ]
    try:
        yield
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await app.state.watcher.close()
        if fork_server is None:
            await asyncio.to_thread(server.close)
        await context.close()
