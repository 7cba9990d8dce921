"""``unmix serve``: service, queue and workers on one data folder, as one tree of processes."""

import fcntl
import ipaddress
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis.exceptions import RedisError

from model_store.adoption import claim_queue
from model_store.forked import run_forked
from model_store.settings import Settings
from model_store.stores import connect, keys_of, objects_of
from supervision.command import command
from supervision.embedded_queue import EmbeddedQueue, prepare_queue
from supervision.environment import environment_of
from supervision.errors import AddressUnavailableError, DataFolderInUseError, UnprotectedAddressError
from supervision.process_tree import ProcessTree, Role
from supervision.readiness import ReadyPipe, ready_pipe

QUEUE_START_SECONDS = 120.0
"""Loading a long queue from disk takes a while."""

logger = logging.getLogger("unmix")


def serve(settings: Settings) -> int:
    """Run the tree until a signal ends it; the exit status, 1 when it could not go on.

    Raises SupervisionError when the data folder is in use, the port is taken, others can reach the address and
    there are no API keys, or an earlier queue does not stop, and DataFolderMismatchError when the queue belongs to
    another data folder.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    with locked(settings.data), listening(settings.host, settings.port) as listener, ready_pipe() as pipe:
        require_protected(settings, listener.getsockname()[0])
        tree = ProcessTree(environment_of(settings), grace_seconds=settings.stop_grace_seconds)
        tree.stop_on_signals()
        queue = None if settings.redis_url else prepare_queue(settings.queue_url_file)
        try:
            return 0 if _run(tree, settings, listener, pipe, queue) else 1
        finally:
            logger.info("stopping")
            tree.stop()
            if queue is not None:
                queue.forget()
            logger.info("stopped; everything is kept in %s", settings.data.resolve())


def _run(
    tree: ProcessTree, settings: Settings, listener: socket.socket, pipe: ReadyPipe, queue: EmbeddedQueue | None
) -> bool:
    if queue is not None:
        tree.start(Role("queue", tuple(command("queue", *queue.command)), ready=queue.answers))
        if not _queue_is_up(tree, queue):
            return tree.stopping
    _claim_queue(settings)
    inherited = (listener.fileno(), pipe.writer)
    tree.start(Role("service", tuple(command("service", *map(str, inherited))), pipe.was_signalled, inherited))
    for name, queues in worker_queues(settings.workers).items():
        tree.start(Role(name, tuple(command("worker", *queues))))
    host, port = listener.getsockname()[:2]
    logger.info("service on http://%s:%d (stop with Ctrl-C)", f"[{host}]" if ":" in host else host, port)
    logger.info("%d worker(s) for training, data in %s", settings.workers, settings.data.resolve())
    return tree.run()


def _claim_queue(settings: Settings) -> None:
    """Before any process that would refuse it starts. A Redis that is not there yet is waited for by all of them."""
    try:
        with connect(settings) as redis:
            claim_queue(objects_of(settings) or settings.data, redis)
    except RedisError as error:
        logger.warning("the queue does not answer yet: %s", error)


def worker_queues(n_training: int) -> dict[str, tuple[str, ...]]:
    """Which worker serves which queues. One more only applies models, so that training blocks nobody."""
    if n_training == 0:
        return {}
    training = {f"worker-{number}": ("train", "apply") for number in range(1, n_training + 1)}
    return {**training, "worker-apply": ("apply",)}


def _queue_is_up(tree: ProcessTree, queue: EmbeddedQueue) -> bool:
    deadline = time.monotonic() + QUEUE_START_SECONDS
    while not queue.answers():
        if tree.stopping:
            return False
        if time.monotonic() > deadline or not tree.alive("queue"):
            logger.error("the queue does not start; see %s", queue.url_file.with_name("valkey.log"))
            return False
        time.sleep(0.02)
    return True


def require_protected(settings: Settings, address: str) -> None:
    """Raises UnprotectedAddressError for an address beyond this machine that anybody could use.

    address: the numeric one that is listened on.
    """
    is_local = ipaddress.ip_address(address.partition("%")[0]).is_loopback
    if is_local or settings.allow_anonymous is not None or run_forked(lambda: _has_keys(settings)):
        return
    raise UnprotectedAddressError(
        f"others can reach {address}, and there are no API keys: make one (`unmix keys create --data "
        f"{settings.data}`), or say that everybody may use the service (--allow-anonymous)"
    )


def _has_keys(settings: Settings) -> bool:
    keys = keys_of(settings)
    keys.synchronize()
    return keys.exist


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Hold the data folder for this process alone. The kernel lets go of it however the process ends.

    Raises DataFolderInUseError when another process holds it.
    """
    with (data / ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            raise DataFolderInUseError(
                f"another `unmix serve` (process {owner}) uses {data}; stop it, or choose another with --data"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A bound socket, so that a taken port shows before anything is started. Port 0 takes a free one.

    Raises AddressUnavailableError when it cannot be bound.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _bind(listener, address, f"{host}:{port}")
            yield listener
    except socket.gaierror as error:
        raise AddressUnavailableError(f"{host} is not an address of this machine ({error.strerror})") from error


def _bind(listener: socket.socket, address: object, shown: str) -> None:
    try:
        listener.bind(address)  # type: ignore[arg-type]
        listener.listen(1024)
    except OSError as error:
        raise AddressUnavailableError(
            f"cannot listen on {shown}: {error.strerror}; choose another --port (0 takes a free one)"
        ) from error
