"""The filters of a list of jobs that OGC API - Processes names."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import BeforeValidator

from model_store.records import JobRecord, JobStatus, now
from service.errors import QueryParameterError

PROCESS_TYPE = "process"
OPEN = ("", "..")
"""An end of an interval that is left open."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def split(value: Any) -> Any:
    """The items of a list parameter, which may be repeated or have commas between them."""
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [part for item in value for part in str(item).split(",")]
    return value


@dataclass(frozen=True)
class ProcessFilters:
    """A job has to match all that are given. Raises QueryParameterError for a datetime that is none."""

    status: Annotated[
        list[JobStatus] | None, BeforeValidator(split), Query(description="Only jobs in one of these states.")
    ] = None
    type: Annotated[
        list[str] | None, BeforeValidator(split), Query(description="Only jobs of these types; all are `process`.")
    ] = None
    processID: Annotated[
        list[str] | None, BeforeValidator(split), Query(description="Only jobs of these processes.")
    ] = None
    datetime: Annotated[
        str | None,
        Query(
            description="Only jobs that were created then: a moment (RFC 3339), or two with a slash between them, of "
            "which one may be `..`.",
            examples=["2026-11-01T00:00:00Z/.."],
        ),
    ] = None
    minDuration: Annotated[
        int | None, Query(ge=0, description="Only jobs that have run for so many seconds or longer.")
    ] = None
    maxDuration: Annotated[
        int | None, Query(ge=0, description="Only jobs that have run for so many seconds or shorter.")
    ] = None

    def __post_init__(self) -> None:
        if self.datetime is not None:
            interval(self.datetime)

    @property
    def state(self) -> JobStatus | None:
        """The one status that is asked for, when it is one."""
        return self.status[0] if self.status and len(self.status) == 1 else None

    def matches_process(self, record: JobRecord) -> bool:
        """Whether the job passes all of them."""
        if self.type is not None and PROCESS_TYPE not in self.type:
            return False
        if self.datetime is not None:
            first, last = interval(self.datetime)
            # Texts of moments end with the second, and a job is created in the middle of one.
            if not first <= record.created.replace(microsecond=0) <= last:
                return False
        return (
            (self.status is None or record.status in self.status)
            and (self.processID is None or record.process in self.processID)
            and self._has_run(record)
        )

    def _has_run(self, record: JobRecord) -> bool:
        if self.minDuration is None and self.maxDuration is None:
            return True
        if record.started is None or record.status is JobStatus.ACCEPTED:
            return False
        seconds = ((record.finished or now()) - record.started).total_seconds()
        longest = float("inf") if self.maxDuration is None else self.maxDuration
        return (self.minDuration or 0) <= seconds <= longest


def interval(text: str) -> tuple[datetime, datetime]:
    """The first and the last moment of ``text``, a moment or an interval. Raises QueryParameterError.

    >>> interval("2026-11-01T00:00:00Z/..")[0].isoformat()
    '2026-11-01T00:00:00+00:00'
    """
    first, slash, last = text.partition("/")
    if not slash:
        moment = _moment(text, text)
        return moment, moment
    if first in OPEN and last in OPEN:
        raise QueryParameterError(f"datetime is {text!r}; one end of it has to be a moment")
    begins = _EARLIEST if first in OPEN else _moment(first, text)
    ends = _LATEST if last in OPEN else _moment(last, text)
    if begins > ends:
        raise QueryParameterError(f"datetime is {text!r}; it ends before it begins")
    return begins, ends


def _moment(part: str, text: str) -> datetime:
    try:
        if _MOMENT.fullmatch(part):
            return datetime.fromisoformat(part.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise QueryParameterError(f"datetime is {text!r}; {part!r} is no moment such as 2026-11-01T00:00:00Z")
