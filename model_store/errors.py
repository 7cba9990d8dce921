"""Errors around the science: with jobs, models, queue. HTTP is decided elsewhere, in one table."""

import errno

NO_ROOM = "the service has no room left to store this, or its disk is read-only; nothing was kept"


class StoreError(Exception):
    """Root of this package's errors; the text may be shown to whoever asked."""


class QueueUnavailableError(StoreError):
    """No Redis was named and no embedded queue runs on this data folder, or it does not answer."""


class DataFolderMismatchError(StoreError):
    """The queue belongs to another data folder than the one named: the jobs of one would be lost in the other."""


class UnknownJobError(StoreError):
    """There is no job with this id: never was, or its lifetime has ended."""


class UnreadableRecordError(StoreError):
    """The job's record is there and cannot be understood; only deleting the job helps."""


class InvalidTextError(StoreError):
    """A text is no valid Unicode, so it could be stored and never be read again."""


class QueueFullError(StoreError):
    """As many jobs wait as may wait. is_own: those of one owner, rather than all."""

    def __init__(self, detail: str, *, is_own: bool) -> None:
        super().__init__(detail)
        self.is_own = is_own


class UnknownKeyError(StoreError):
    """There is no API key of this id."""


class UnknownModelError(StoreError):
    """There is no stored model with this id."""


class UnreadableModelError(StoreError):
    """The stored model is there and its manifest cannot be understood."""


class WorkerLostError(StoreError):
    """The process that ran the job died, twice."""


class TimeLimitError(StoreError):
    """The job took longer than a job may take."""


class MemoryLimitError(StoreError):
    """The job needed more memory than a job may take, or than the machine had."""


class StorageFullError(StoreError):
    """The disk of the data folder, or the quota on it, is full, or it is read-only: nothing was kept."""


class ObjectStoreError(StoreError):
    """The object store that holds results, models and uploads does not answer, or refuses."""


class InternalError(StoreError):
    """Something unforeseen; what it was stands in the worker's log alone."""


def is_storage_full(error: BaseException) -> bool:
    """Whether the operating system found no room, or may not write at all."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
