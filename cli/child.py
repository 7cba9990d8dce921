"""What a process of the tree does: ``python -m cli.child ROLE PARENT_PID ARGUMENTS...``.

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

GRACE_SECONDS = 5
"""How long open requests may take once the service is told to stop."""


def command(role: str, *arguments: str) -> list[str]:
    """The command line that runs ``role`` as a child of this process."""
    return [sys.executable, "-m", "cli.child", role, str(os.getpid()), *arguments]


def main(role: str, parent: str, arguments: Sequence[str]) -> None:
    # A worker told to stop politely would first finish its job; without a parent nobody waits for that.
    by = signal.SIGKILL if role == "worker" else signal.SIGTERM
    die_with_parent(int(parent), by)
    if role == "queue":
        os.execv(arguments[0], list(arguments))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    if role == "service":
        _serve(int(arguments[0]))
    elif role == "worker":
        _work(arguments)
    elif role == "tree":
        _supervise()
    else:
        raise ValueError(f"no such role: {role}")


def _serve(listener: int) -> None:
    """Answer HTTP on a socket that the parent has bound: it stays open while this process is replaced."""
    import uvicorn

    from cli.settings import settings_with
    from service.app import create_app

    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    app = create_app(settings_with())
    # Everything imported lives as long as the process: walking it in every full collection stalls all requests.
    gc.collect()
    gc.freeze()
    config = uvicorn.Config(
        app,
        http="httptools",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=listener)])


def _work(queues: Sequence[str]) -> None:
    from cli.settings import settings_with
    from worker.run import run_worker

    run_worker(settings_with(), queues)


def _supervise() -> None:
    from cli.settings import settings_with
    from cli.supervisor import serve

    sys.exit(serve(settings_with()))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
