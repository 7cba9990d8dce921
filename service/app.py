"""The application, assembled from its settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI

from model_store.settings import Settings
from service import openapi, problems
from service.context import open_context
from service.reading.readers import ForkServer, Readers
from service.routes import about, jobs, models, results, unmix
from service.sweeper import sweep_forever


def create_app(settings: Settings, fork_server: ForkServer | None = None) -> FastAPI:
    """The service over the data folder and the queue that ``settings`` name; connects when it starts.

    fork_server: where uploads are read; without one the service starts its own, and ends it.

    Its start raises QueueUnavailableError when no Redis is named and no embedded queue runs on the data.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        settings.data.mkdir(parents=True, exist_ok=True)
        context = open_context(settings)
        app.state.context = context
        server = fork_server or ForkServer()
        await asyncio.to_thread(server.start)
        app.state.readers = Readers(settings, server, context.stores.models.folder)
        sweeping = asyncio.create_task(sweep_forever(context))
        try:
            yield
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping
            if fork_server is None:
                await asyncio.to_thread(server.close)
            await context.close()

    app = FastAPI(
        title="Hyperspectral unmixing",
        version=_version(),
        description="Send a hyperspectral image, get its materials and their maps, "
        "by a network trained on that very image.",
        lifespan=lifespan,
    )
    routers = [module.router for module in (about, unmix, jobs, results, models)]
    for router in routers:
        app.include_router(router)
    app.state.routes = [route for router in routers for route in router.routes]
    problems.install(app)
    openapi.install(app)
    return app


def _version() -> str:
    try:
        return version("unmixing-service")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0"
