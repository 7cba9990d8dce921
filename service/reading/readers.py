"""The service's side: so many uploads are read at a time, each in a process of its own that is held to its limits."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from pydantic import ValidationError

from model_store.errors import StorageFullError, UnknownModelError
from model_store.settings import Settings
from service.errors import (
    MalformedUploadError,
    ServiceBusyError,
    UploadFieldError,
    UploadReadingError,
    error_named,
)
from service.reading.messages import (
    MAX_ANSWER_BYTES,
    ExitStatus,
    Limits,
    ReadAnswer,
    ReadInspection,
    ReadRequest,
    ReadUpload,
)
from service.uploads import Upload
from unmixing.errors import UnmixingError

LATE_SECONDS = 5.0
"""A process that has not ended so long after its time is given up."""

CHUNK_BYTES = 2**16
RETRY_AFTER_SECONDS = 10
SECRETS = ("REDIS_URL", "UNMIX_REDIS_URL", "UNMIX_WEBHOOK_SECRET")
MAY_RAISE = (UnmixingError, UnknownModelError, StorageFullError, MalformedUploadError, UploadFieldError)
"""Errors that a process that reads an upload may report; UploadReadingError beside these."""

logger = logging.getLogger(__name__)


class ForkServer:
    """The process that forks readers, started when first needed and again when it has died. Safe in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Start the process now, so that the first upload need not wait for its imports."""
        with self._lock:
            if self._control is None:
                self._start()

    def connect(self) -> socket.socket:
        """A connection to a new process. Raises OSError when none can be started."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            try:
                self._send(theirs)
            except OSError:  # it has died since the last upload
                self._stop()
                self._send(theirs)
        return ours

    def close(self) -> None:
        """End the process, and with it all that it has forked."""
        with self._lock:
            self._stop()

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def _send(self, connection: socket.socket) -> None:
        if self._control is None:
            self._start()
        assert self._control is not None
        socket.send_fds(self._control, [b"."], [connection.fileno()])

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
        # Threads of numerical libraries would not survive a fork.
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "service.reading.forking", str(theirs.fileno())],
                env=environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the service, which then closes it
            )
        self._control = ours

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            try:
                self._process.wait(LATE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


class Readers:
    """Reads uploads, ``settings.readers`` at a time; the others wait their turn."""

    def __init__(self, settings: Settings, server: ForkServer, models: Path) -> None:
        self._settings, self._server, self._models = settings, server, models
        self._free = asyncio.Semaphore(settings.readers)

    async def read(self, folder: Path, upload: Upload) -> ReadUpload:
        """The request that the upload in ``folder`` makes.

        Raises as ``checked_task``, UploadReadingError when that takes too much, and ServiceBusyError when too many
        others are read.
        """
        found = (await self._answer(folder, upload, inspect=False)).upload
        if found is None or not all(_lies_in(folder, name) for name in found.files):
            raise UploadReadingError("reading the upload gave no files; a file is damaged")
        return found

    async def inspect(self, folder: Path, upload: Upload) -> ReadInspection:
        """The report on the upload in ``folder``. Raises as ``read``."""
        found = (await self._answer(folder, upload, inspect=True)).inspection
        if found is None or not (found.picture is None or _lies_in(folder, found.picture)):
            raise UploadReadingError("reading the upload gave no report; a file is damaged")
        return found

    async def _answer(self, folder: Path, upload: Upload, *, inspect: bool) -> ReadAnswer:
        limits = self._limits(folder)
        request = ReadRequest(
            folder=folder,
            fields=upload.fields,
            body=upload.body,
            models=self._models,
            max_unpacked_bytes=self._settings.max_unpacked_bytes,
            max_training_seconds=self._settings.max_training_seconds,
            limits=limits,
            inspect=inspect,
        )
        await self._wait()
        try:
            answer, status = await self._ask(request)
        finally:
            self._free.release()
        if status != 0:
            raise UploadReadingError(_why(status, limits))
        return _understood(answer)

    def _limits(self, folder: Path) -> Limits:
        """An upload of many bytes has more time than a small one."""
        settings = self._settings
        n_bytes = sum(path.stat().st_size for path in folder.rglob("*"))
        more_seconds = settings.reader_seconds_per_gib * n_bytes / 2**30
        return Limits(
            memory_bytes=settings.reader_memory_bytes,
            cpu_seconds=round(settings.reader_cpu_seconds + more_seconds),
            wall_seconds=settings.reader_wall_seconds + more_seconds,
            file_bytes=settings.max_unpacked_bytes,
        )

    async def _wait(self) -> None:
        seconds = self._settings.reader_wait_seconds
        try:
            await asyncio.wait_for(self._free.acquire(), seconds)
        except TimeoutError:
            raise ServiceBusyError(
                f"{self._settings.readers} other uploads are being read, for more than {seconds:g} seconds now; "
                f"try again in {RETRY_AFTER_SECONDS} seconds",
                RETRY_AFTER_SECONDS,
            ) from None

    async def _ask(self, request: ReadRequest) -> tuple[bytes, int]:
        """The answer of a process of its own, and its exit status. Raises ServiceBusyError when there is none."""
        for _ in range(2):  # the server may die too
            try:
                connection = await asyncio.to_thread(self._server.connect)
                return await _exchange(connection, request)
            except (OSError, EOFError, ValidationError):
                logger.exception("no process could be started to read %s", request.folder.name)
        raise ServiceBusyError("no process can be started to read the upload; try again later", RETRY_AFTER_SECONDS)


async def _exchange(connection: socket.socket, request: ReadRequest) -> tuple[bytes, int]:
    """Raises EOFError or ValidationError when no exit status comes, TimeoutError when nothing does."""
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    try:
        writer.write(request.model_dump_json().encode())
        writer.write_eof()
        received = bytearray()
        async with asyncio.timeout(request.limits.wall_seconds + LATE_SECONDS):
            while chunk := await reader.read(CHUNK_BYTES):
                received += chunk
                if len(received) > MAX_ANSWER_BYTES:
                    return b"", 1
    except TimeoutError:
        return b"", -signal.SIGALRM
    finally:
        writer.close()  # kills what still runs
    answer, _, line = bytes(received).removesuffix(b"\n").rpartition(b"\n")
    if not line:
        raise EOFError("the process that reads uploads has died")
    return answer, ExitStatus.model_validate_json(line).exit_status


def _why(status: int, limits: Limits) -> str:
    if status == -signal.SIGXCPU:
        return f"reading the upload took more than {limits.cpu_seconds} seconds of processor time; send it as .npy"
    if status == -signal.SIGALRM:
        return f"reading the upload took more than {limits.wall_seconds:g} seconds; send it as .npy"
    if status == -signal.SIGKILL:
        return "reading the upload took more memory than the machine has; send it uncompressed, as .npy"
    how = signal.Signals(-status).name if status < 0 else f"status {status}"
    return f"reading the upload ended in a crash ({how}): a file is damaged, or not what its name says"


def _understood(answer: bytes) -> ReadAnswer:
    """The answer of a process that has read a stranger's files, and is believed no more than they are."""
    try:
        found = ReadAnswer.model_validate_json(answer)
    except ValidationError as error:
        raise UploadReadingError("reading the upload gave no answer that makes sense; a file is damaged") from error
    if found.error is not None:
        raise error_named(found.error.kind, (*MAY_RAISE, UploadReadingError))(found.error.detail)
    return found


def _lies_in(folder: Path, name: str) -> bool:
    path = folder / name
    return path.is_file() and folder.resolve() in path.resolve().parents
