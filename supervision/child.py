"""Entry point of a process of the tree: ``python -m supervision.child ROLE PARENT_PID ARGUMENTS...``.

Settings arrive in the environment: a Redis URL may hold a password, and arguments are seen by everybody.
"""

import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence

from model_store.lifeline import die_with_parent
from model_store.logs import set_up_logging
from model_store.settings import Settings
from supervision.readiness import signal_ready

GRACE_SECONDS = 5
"""How long open requests may take once the service is told to stop."""


def main(role: str, parent: str, arguments: Sequence[str]) -> None:
    # A worker told to stop would let its job run on for a while; without a parent nobody waits for that.
    by = signal.SIGKILL if role == "worker" else signal.SIGTERM
    die_with_parent(int(parent), by)
    if role == "queue":
        os.execv(arguments[0], list(arguments))
    set_up_logging(Settings())
    if role == "service":
        _serve(int(arguments[0]), int(arguments[1]))
    elif role == "worker":
        _work(arguments)
    elif role == "tree":
        _supervise()
    else:
        raise ValueError(f"no such role: {role}")


def _serve(listener: int, ready: int) -> None:
    """Answer HTTP on a socket that the parent has bound, which stays open while this process is replaced.

    ``ready``: the writer of a ``ReadyPipe``.
    """
    import uvicorn

    from service.app import create_app
    from service.server import server_config

    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    settings = Settings()
    app = create_app(settings)
    # Everything imported lives as long as the process: walking it in every full collection stalls all requests.
    gc.collect()
    gc.freeze()
    config = server_config(app, settings, log_config=None, timeout_graceful_shutdown=GRACE_SECONDS)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                signal_ready(ready)

    Server(config).run(sockets=[socket.socket(fileno=listener)])


def _work(queues: Sequence[str]) -> None:
    from worker.run import run_worker

    run_worker(Settings(), queues)


def _supervise() -> None:
    from supervision.supervisor import serve

    sys.exit(serve(Settings()))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
