"""Every error that may reach a caller, and the one table that gives it an HTTP status."""

from collections.abc import Mapping
from dataclasses import dataclass

from model_store import errors as store
from model_store.records import JobError
from unmixing import errors as science

OGC = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"


class ServiceError(Exception):
    """Root of this package's errors; the text names the argument and the values. headers: of the answer."""

    headers: Mapping[str, str] = {}


class KeyRequiredError(ServiceError):
    """This service answers to who has an API key: none was sent, or one that is unknown or was revoked."""

    headers: Mapping[str, str] = {"WWW-Authenticate": 'Bearer realm="unmix"'}


class ForeignHostError(ServiceError):
    """The header Host names no host of this service, which its links could lead to."""


class IdempotencyKeyError(ServiceError):
    """The header Idempotency-Key was sent with another request before, or is too long."""


class MalformedUploadError(ServiceError):
    """The body is not what its Content-Type claims, or ends too early."""


class UploadContentTypeError(ServiceError):
    """The body is of no type that the service takes."""


class UploadTooLargeError(ServiceError):
    """The body is larger than the service accepts."""


class UploadFieldError(ServiceError):
    """A part of the upload is missing, unknown, given twice or badly named."""


class UploadReadingError(ServiceError):
    """Reading the upload took more memory or time than the service allows, or crashed."""


class ReferenceRefusedError(ServiceError):
    """An address in the request is none that this service asks: only http and https, and only public hosts and those
    that its operator names. Nothing was sent there."""


class ReferenceUnavailableError(ServiceError):
    """An address in the request was asked and gave no file: it does not answer, too slowly, or with an error."""


class ExecuteRequestError(ServiceError):
    """An execute request is no JSON of the form that OGC API - Processes gives it, or has other inputs or outputs than
    the process."""


class SyncTooLargeError(ServiceError):
    """The input is too large to be answered while the caller waits: ask with `Prefer: respond-async`."""


class SyncTimeoutError(ServiceError):
    """The job did not end while the caller waited; it goes on, and its id is in the text."""


class UnknownProcessError(ServiceError):
    """There is no process of this id."""


class QueryParameterError(ServiceError):
    """A parameter of the query has a value that it cannot have."""


class ServiceBusyError(ServiceError):
    """Too many uploads are read at the same time; the header Retry-After says when to try again."""

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.headers = {"Retry-After": str(retry_after_seconds)}


class QueueBusyError(ServiceBusyError):
    """As many jobs wait as may wait; nothing was kept. The header Retry-After says when to try again."""


class TooManyJobsError(ServiceBusyError):
    """As many jobs of this API key wait as may wait; nothing was kept. The header Retry-After says when to try
    again."""


class TooManyRequestsError(ServiceBusyError):
    """More requests than one caller may make in this time; the header Retry-After says when to try again."""


class ResultNotReadyError(ServiceError):
    """The job exists and has no results, at least not yet."""


class UnknownOutputError(ServiceError):
    """The job's results have no asset of this name."""


class RangeNotSatisfiableError(ServiceError):
    """The bytes asked for lie outside the asset, or the Range header cannot be read."""


class FailedJobError(ServiceError):
    """Results were asked for of a job that failed: what made it fail decides the answer."""

    def __init__(self, error: JobError) -> None:
        super().__init__(error.detail)
        self.error = error


@dataclass(frozen=True)
class Row:
    """How an error looks over HTTP. ``type`` is a URI, or a name under ``/problems/`` of this service."""

    status: int
    title: str
    type: str


TABLE: dict[type[Exception], Row] = {
    science.SceneFormatError: Row(422, "Not a readable scene", "scene-format"),
    science.AmbiguousSceneError: Row(422, "Several arrays could be the scene", "ambiguous-scene"),
    science.SceneTooLargeError: Row(413, "The scene is too large", "scene-too-large"),
    science.SceneContentError: Row(422, "A scene that cannot be unmixed", "scene-content"),
    science.SpecError: Row(422, "An argument out of its range", "invalid-argument"),
    science.UnknownMethodError: Row(422, "No such method", "unknown-method"),
    science.BandMismatchError: Row(422, "Another number of bands", "band-mismatch"),
    science.LibraryFormatError: Row(422, "Not a readable library", "library-format"),
    science.LibraryMismatchError: Row(422, "A spectral library for other bands", "library-mismatch"),
    science.ModelParityError: Row(500, "The exported model differs from the trained one", "model-parity"),
    science.ModelFormatError: Row(422, "Not a model of this project", "model-format"),
    science.PartFormatError: Row(422, "Not a readable part of an image", "part-format"),
    science.ResultFormatError: Row(422, "Not a readable result", "result-format"),
    science.OutputFolderError: Row(422, "A folder that is not free", "output-folder"),
    science.MissingExtraError: Row(501, "A part that is not installed here", "missing-extra"),
    science.Cancelled: Row(404, "The job was dismissed", "cancelled"),
    science.UnmixingError: Row(422, "The scene cannot be unmixed", "unmixing"),
    store.QueueUnavailableError: Row(503, "The job queue cannot be reached", "queue-unavailable"),
    store.DataFolderMismatchError: Row(503, "The queue of another data folder", "data-folder-mismatch"),
    store.QueueFullError: Row(503, "Too many jobs wait", "queue-full"),
    store.UnknownJobError: Row(404, "No such job", OGC + "no-such-job"),
    store.UnreadableRecordError: Row(500, "A job that cannot be read", "unreadable-record"),
    store.InvalidTextError: Row(422, "A text that is no valid Unicode", "invalid-text"),
    store.UnknownKeyError: Row(404, "No such key", "no-such-key"),
    store.UnknownModelError: Row(404, "No such model", "no-such-model"),
    store.UnreadableModelError: Row(500, "A model that cannot be read", "unreadable-model"),
    store.WorkerLostError: Row(500, "The worker died", "worker-lost"),
    store.TimeLimitError: Row(504, "The job took too long", "time-limit"),
    store.MemoryLimitError: Row(413, "The job needs too much memory", "memory-limit"),
    store.StorageFullError: Row(507, "No room left", "storage-full"),
    store.ObjectStoreError: Row(503, "The object store cannot be used", "object-store"),
    store.InternalError: Row(500, "Internal Server Error", "internal"),
    store.StoreError: Row(500, "Internal Server Error", "internal"),
    KeyRequiredError: Row(401, "An API key is needed", "key-required"),
    ForeignHostError: Row(421, "Another host", "foreign-host"),
    IdempotencyKeyError: Row(422, "A key of another request", "idempotency-key"),
    MalformedUploadError: Row(400, "A malformed upload", "malformed-upload"),
    UploadContentTypeError: Row(415, "A body of another type", "unsupported-media-type"),
    UploadTooLargeError: Row(413, "The upload is too large", "too-large"),
    UploadFieldError: Row(422, "A missing or unexpected part", "upload-field"),
    UploadReadingError: Row(422, "An upload that cannot be read", "upload-reading"),
    ReferenceRefusedError: Row(422, "An address that is not asked", "reference-refused"),
    ReferenceUnavailableError: Row(422, "An address that gives no file", "reference-unavailable"),
    ExecuteRequestError: Row(400, "Not an execute request of this process", "execute-request"),
    SyncTooLargeError: Row(413, "Too large to wait for", "sync-too-large"),
    SyncTimeoutError: Row(504, "The job goes on", "sync-timeout"),
    UnknownProcessError: Row(404, "No such process", OGC + "no-such-process"),
    QueryParameterError: Row(400, "A value that a parameter cannot have", OGC + "invalid-query-parameter-value"),
    ServiceBusyError: Row(503, "Too many uploads at once", "busy"),
    QueueBusyError: Row(503, "Too many jobs wait", "queue-full"),
    TooManyJobsError: Row(429, "Too many jobs of one key", "too-many-jobs"),
    TooManyRequestsError: Row(429, "Too many requests", "too-many-requests"),
    ResultNotReadyError: Row(404, "No results yet", OGC + "result-not-ready"),
    UnknownOutputError: Row(404, "No such output", OGC + "no-such-output"),
    RangeNotSatisfiableError: Row(416, "Range not satisfiable", "range"),
    FailedJobError: Row(500, "The job failed", "job-failed"),
    ServiceError: Row(500, "Internal Server Error", "internal"),
}

ROOTS = (science.UnmixingError, store.StoreError, ServiceError)

_BY_NAME = {error.__name__: error for error in TABLE}


def row_of(error: type[Exception]) -> Row:
    """The row of the error's class, or of the nearest class above it. Raises KeyError for foreign errors."""
    return next(TABLE[base] for base in error.__mro__ if base in TABLE)


def row_named(kind: str) -> Row:
    """The row for the ``kind`` of a failed job; a name from another version counts as internal."""
    return TABLE[_BY_NAME.get(kind, store.InternalError)]


def error_named(kind: str, allowed: tuple[type[Exception], ...]) -> type[Exception]:
    """The class of this name when it is one of ``allowed`` or below one; otherwise InternalError."""
    found = _BY_NAME.get(kind, store.InternalError)
    return found if issubclass(found, allowed) else store.InternalError
