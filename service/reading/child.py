"""The process that reads one upload: it limits itself, reads, answers in JSON and ends."""

import errno
import os
import resource
import signal
import socket
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from model_store.errors import NO_ROOM, InternalError, StorageFullError, is_storage_full
from model_store.lifeline import die_with_parent
from model_store.models import ModelStore
from model_store.records import MAX_LABEL_LENGTH, JobError
from service.errors import ROOTS, UploadFieldError, UploadReadingError
from service.reading.confinement import confine
from service.reading.execute_requests import unpack_execution
from service.reading.json_mixtures import unpack_json
from service.reading.messages import (
    MAX_DETAIL_LENGTH,
    Limits,
    ReadAnswer,
    ReadCount,
    ReadExecution,
    ReadInspection,
    ReadRequest,
    ReadTask,
    ReadUpload,
)
from service.uploads import LABEL, SUBMITTED_FIELDS, WEBHOOK, Fields
from unmixing.io.apply.inspecting import count_in_input, inspect_input
from unmixing.io.inputs.correction_files import CORRECTIONS
from unmixing.io.inputs.requests import INSPECTED_FIELDS
from unmixing.io.inputs.tasks import LIBRARIES, Request, checked_task
from unmixing.io.inputs.uploads import unpack_files
from unmixing.types import TrainedModel

PICTURE = ".false-colour.png"
"""Of an inspected image, in the folder of its upload."""


def read_and_exit(connection: socket.socket, parent: int) -> NoReturn:
    """Read the request on ``connection``, answer it there and end the process; never returns into the loop that forked
    it, whatever happens."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        die_with_parent(parent, signal.SIGKILL)
        request = ReadRequest.model_validate_json(connection.makefile("rb").read())
        impose(request.limits)
        tempfile.tempdir = str(request.folder)  # no other place can be written to
        with suppress(OSError):  # the process that forked this one has said what is missing
            confine([request.folder], [] if request.models is None else [request.models])
        connection.sendall(answer(request).model_dump_json().encode())
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def impose(limits: Limits) -> None:
    """From here on the kernel ends this process, or refuses it memory, when it takes more."""
    signal.setitimer(signal.ITIMER_REAL, limits.wall_seconds)  # SIGALRM, which nobody handles, ends the process
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, limits.file_bytes)
    # At the hard limit the kernel kills without a word, a second earlier it says why.
    _lower(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1)
    if sys.platform == "linux":  # elsewhere the kernel does not hold a process to it
        # Of the address space only what can be written to counts: files that are mapped to be read take no memory.
        _lower(resource.RLIMIT_DATA, _data_bytes() + limits.memory_bytes)


def _lower(kind: int, soft: int, hard: int | None = None) -> None:
    """Set a limit, but never above the one that this process inherited."""
    _, inherited = resource.getrlimit(kind)
    hard = soft if hard is None else hard
    if inherited != resource.RLIM_INFINITY:
        soft, hard = min(soft, inherited), min(hard, inherited)
    resource.setrlimit(kind, (soft, hard))


def _data_bytes() -> int:
    """Memory of this process that can be written to, as RLIMIT_DATA counts it."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData:"))
    return int(line.split()[1]) * 1024


def answer(request: ReadRequest) -> ReadAnswer:
    """The answer read, or the error; a text that could not be sent is made one that can."""
    found = _outcome(request)
    if not isinstance(found, JobError):
        return found
    detail = found.detail.encode("utf-8", "backslashreplace").decode()[:MAX_DETAIL_LENGTH]
    return ReadAnswer(error=found.model_copy(update={"detail": detail}))


def _outcome(request: ReadRequest) -> ReadAnswer | JobError:
    try:
        match request.task:
            case ReadTask.JOB:
                return ReadAnswer(upload=read_upload(request))
            case ReadTask.INSPECTION:
                return ReadAnswer(inspection=inspect_upload(request))
            case ReadTask.COUNT:
                return ReadAnswer(count=count_in_upload(request))
            case ReadTask.EXECUTION:
                return ReadAnswer(execution=read_execution(request))
    except ROOTS as error:
        return JobError.of(error)
    except MemoryError:
        return JobError.of(
            UploadReadingError(
                f"reading the upload took more than {request.limits.memory_bytes} bytes of memory; "
                "send it uncompressed, as .npy"
            )
        )
    except OSError as error:
        if is_storage_full(error):
            return JobError.of(StorageFullError(NO_ROOM))
        if error.errno == errno.EFBIG:
            return JobError.of(UploadReadingError(f"unpacked it has more than {request.limits.file_bytes} bytes"))
        return _unforeseen(request)
    except Exception:
        return _unforeseen(request)


def _unforeseen(request: ReadRequest) -> JobError:
    # Its text may hold paths or worse, and goes to the log alone.
    print(f"reading {request.folder.name} failed", file=sys.stderr)
    traceback.print_exc()
    return JobError.of(InternalError("something unforeseen happened; it stands in the service's log"))


def read_upload(request: ReadRequest) -> ReadUpload:
    """Unpack the upload and check it against its fields. Raises UnmixingError, StoreError and ServiceError."""
    folder, fields = request.folder, Fields(SUBMITTED_FIELDS, request.fields)
    if request.body is not None:
        unpack_json(folder / request.body, fields)
    label = _label(fields)
    webhook = fields.values.pop(WEBHOOK, None) or None
    model_id = fields.values.get("model") or None
    assert request.models is not None  # a job may name one
    # Of a model its manifest says what it fits; its network is no business of this process.
    model = TrainedModel(b"", ModelStore(request.models).get(model_id).manifest) if model_id else None
    task = checked_task(_asked(request, fields, model))
    return ReadUpload(
        spec=task.spec,
        kind_decided_by=task.kind_decided_by,
        model_id=model_id,
        webhook=webhook,
        input=task.input.model_copy(update={"mask": _relative(task.input.mask, folder)}),
        label=label,
        files=tuple(path.relative_to(folder).as_posix() for path in task.paths),
    )


def _label(fields: Fields) -> str | None:
    """The label, taken out of the fields: nothing that computes looks at it. Raises UploadFieldError."""
    label = fields.values.pop(LABEL, "").strip()
    if len(label) > MAX_LABEL_LENGTH:
        raise UploadFieldError(f"label has {len(label)} characters; {MAX_LABEL_LENGTH} are the limit")
    if not label.isprintable():
        raise UploadFieldError(f"label is {label[:40]!r}; it has to be one line of printable text")
    return label or None


def inspect_upload(request: ReadRequest) -> ReadInspection:
    """Unpack the upload and report on it. Raises as ``read_upload``."""
    folder, fields = request.folder, Fields(INSPECTED_FIELDS, request.fields)
    if request.body is not None:
        unpack_json(folder / request.body, fields)
    found = inspect_input(_asked(request, fields))
    if found.picture is not None:
        (folder / PICTURE).write_bytes(found.picture)
    return ReadInspection(**found.document, picture=None if found.picture is None else PICTURE)


def count_in_upload(request: ReadRequest) -> ReadCount:
    """Unpack the upload and count its endmembers. Raises as ``read_upload``."""
    found = count_in_input(_asked(request, Fields(INSPECTED_FIELDS, request.fields)))
    return ReadCount(n_endmembers=found.n_endmembers, evidence=found.evidence, warnings=list(found.warnings))


def read_execution(request: ReadRequest) -> ReadExecution:
    """Unpack the execute request. Raises ExecuteRequestError and SceneFormatError."""
    assert request.body is not None  # such a request has a body, and no files yet
    return unpack_execution(request.folder, request.body)


def _asked(request: ReadRequest, fields: Fields, model: TrainedModel | None = None) -> Request:
    """The unpacked files of an upload with its fields."""
    folder = request.folder
    return Request(
        files=unpack_files(folder, max_total_bytes=request.max_unpacked_bytes),
        fields=fields.values,
        libraries={name: sorted(folder.glob(f"{name}/*")) for name in (*LIBRARIES, *CORRECTIONS)},
        model=model,
        scratch=folder,
        max_training_seconds=request.max_training_seconds,
        max_values=request.max_values,
    )


def _relative(path: str | None, folder: Path) -> str | None:
    return None if path is None else Path(path).relative_to(folder).as_posix()
