"""``unmix serve`` and ``unmix worker``."""

from typing import Annotated

import typer

from cli import options
from cli.errors import one_line_errors
from cli.manners import log_settings
from cli.settings import settings_with
from unmixing.errors import needing

QUEUES = ("train", "apply")

Anonymous = Annotated[
    bool | None,
    typer.Option(
        "--allow-anonymous/--only-keys",
        help="Answer requests without an API key, or none of them. Default: on loopback addresses, until the first "
        "`unmix keys create`.",
        show_default=False,
    ),
]


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: UNMIX_HOST, else 127.0.0.1.")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port; 0 takes a free one. Default: UNMIX_PORT, else 8000."),
    ] = None,
    data: options.Data = None,
    workers: Annotated[
        int | None,
        typer.Option(min=0, max=256, help="Jobs that may train at the same time. Default: UNMIX_WORKERS, else 1."),
    ] = None,
    allow_anonymous: Anonymous = None,
) -> None:
    """Start the service, its queue and its workers; Ctrl-C stops them all.

    One worker more than asked for applies stored models only, so that a long training blocks nobody. The
    queue is a Valkey server that keeps its data in the data folder; with REDIS_URL or UNMIX_REDIS_URL set,
    that Redis is used instead. On an address that others can reach it needs API keys: `unmix keys create`.

    Examples:

        unmix serve

        unmix serve --port 9000 --data /srv/unmix --workers 2

        REDIS_URL=redis://queue:6379 unmix serve --host 0.0.0.0 --workers 0
    """
    with one_line_errors():
        with needing("service"):
            from model_store.logs import set_up_logging
            from supervision.supervisor import serve as supervise
        settings = settings_with(
            host=host, port=port, data=data, workers=workers, allow_anonymous=allow_anonymous, **log_settings()
        )
        set_up_logging(settings)
        raise typer.Exit(supervise(settings))


def worker(
    data: options.Data = None,
    queue: Annotated[
        list[str] | None,
        typer.Option(help="Queue to serve, the first one first; may be repeated. Default: train, then apply."),
    ] = None,
) -> None:
    """Start one more worker for a service that runs already.

    It finds the queue in the data folder of an `unmix serve` on this machine, or through REDIS_URL; the data
    folder must be the service's own, or shared with it.

    Examples:

        unmix worker --data unmix-data

        REDIS_URL=redis://queue:6379 unmix worker --data /shared/unmix --queue train
    """
    with one_line_errors():
        settings = settings_with(data=data, **log_settings())
        with needing("service"):
            from worker.run import run_worker
        run_worker(settings, tuple(queue or QUEUES))
