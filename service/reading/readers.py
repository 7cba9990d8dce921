"""The service's side: so many uploads are read at a time, each in a process of its own that is held to its limits."""

import asyncio
import logging
import signal
import socket
from pathlib import Path

from pydantic import ValidationError

from model_store.errors import StorageFullError, UnknownModelError
from model_store.models import ModelStore
from model_store.settings import Settings
from service.errors import (
    ExecuteRequestError,
    MalformedUploadError,
    ServiceBusyError,
    UploadFieldError,
    UploadReadingError,
    error_named,
)
from service.reading.fork_server import LATE_SECONDS, ForkServer
from service.reading.messages import (
    MAX_ANSWER_BYTES,
    ExitStatus,
    Limits,
    ReadAnswer,
    ReadCount,
    ReadExecution,
    ReadInspection,
    ReadRequest,
    ReadTask,
    ReadUpload,
)
from service.uploads import Upload
from unmixing.errors import UnmixingError

CHUNK_BYTES = 2**16
RETRY_AFTER_SECONDS = 10
MAY_RAISE = (
    UnmixingError,
    UnknownModelError,
    StorageFullError,
    MalformedUploadError,
    UploadFieldError,
    ExecuteRequestError,
)
"""Errors that a process that reads an upload may report; UploadReadingError beside these."""

logger = logging.getLogger(__name__)


class Readers:
    """Reads uploads, ``settings.readers`` at a time; the others wait their turn."""

    def __init__(self, settings: Settings, server: ForkServer) -> None:
        self._settings, self._server = settings, server
        self._free = asyncio.Semaphore(settings.readers)

    async def read(self, folder: Path, upload: Upload, models: ModelStore) -> ReadUpload:
        """The request that the upload in ``folder`` makes. models: those that it may name.

        Raises as ``checked_task``, UploadReadingError when that takes too much, and ServiceBusyError when too many
        others are read.
        """
        found = (await self._answer(folder, upload, ReadTask.JOB, models)).upload
        if found is None or not all(_lies_in(folder, name) for name in found.files):
            raise UploadReadingError("reading the upload gave no files; a file is damaged")
        return found

    async def inspect(self, folder: Path, upload: Upload) -> ReadInspection:
        """The report on the upload in ``folder``. Raises as ``read``."""
        found = (await self._answer(folder, upload, ReadTask.INSPECTION)).inspection
        if found is None or not (found.picture is None or _lies_in(folder, found.picture)):
            raise UploadReadingError("reading the upload gave no report; a file is damaged")
        return found

    async def count(self, folder: Path, upload: Upload) -> ReadCount:
        """How many endmembers the image in ``folder`` holds. Raises as ``read``."""
        found = (await self._answer(folder, upload, ReadTask.COUNT)).count
        if found is None:
            raise UploadReadingError("reading the upload gave no number; a file is damaged")
        return found

    async def execution(self, folder: Path, upload: Upload) -> ReadExecution:
        """The execute request in the body of the upload in ``folder``. Raises as ``read``, and ExecuteRequestError."""
        found = (await self._answer(folder, upload, ReadTask.EXECUTION)).execution
        if found is None or not all(
            _lies_in(folder, value.file) for values in found.inputs.values() for value in values if value.file
        ):
            raise UploadReadingError("reading the request gave no answer that makes sense")
        return found

    async def _answer(
        self, folder: Path, upload: Upload, task: ReadTask, models: ModelStore | None = None
    ) -> ReadAnswer:
        if models is not None:
            await asyncio.to_thread(models.synchronize)
        limits = self._limits(folder, task)
        request = ReadRequest(
            folder=folder,
            fields=upload.fields,
            body=upload.body,
            models=None if models is None else models.folder,
            max_unpacked_bytes=self._settings.max_unpacked_bytes,
            max_values=self._settings.max_values,
            max_training_seconds=self._settings.max_training_seconds,
            limits=limits,
            task=task,
        )
        await self._wait()
        try:
            answer, status = await self._ask(request)
        finally:
            self._free.release()
        if status != 0:
            raise UploadReadingError(_why(status, limits, task))
        return _understood(answer)

    def _limits(self, folder: Path, task: ReadTask) -> Limits:
        """An upload of many bytes has more time than a small one, and computing as much as a caller waits for."""
        settings = self._settings
        n_bytes = sum(path.stat().st_size for path in folder.rglob("*"))
        more_seconds = settings.reader_seconds_per_gib * n_bytes / 2**30
        more_seconds += settings.sync_seconds if task is ReadTask.COUNT else 0
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


def _why(status: int, limits: Limits, task: ReadTask) -> str:
    if task is ReadTask.COUNT and status in (-signal.SIGXCPU, -signal.SIGALRM):
        return (
            f"counting took more than {limits.cpu_seconds} seconds; send fewer `rows` and `columns`, or unmix the image"
        )
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
