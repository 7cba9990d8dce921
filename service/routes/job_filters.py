"""Which jobs a list shows: every filter of ``GET /jobs`` is a field and a line of ``matches``."""

from dataclasses import dataclass, fields
from typing import Annotated

from fastapi import Query

from model_store.records import MAX_LABEL_LENGTH, JobRecord
from service.ogc.job_filters import ProcessFilters
from service.routes.parameters import filter_query
from service.schemas.methods import MethodName
from service.uploads import MAX_NAME_BYTES
from unmixing.methods import COMPARE


@dataclass(frozen=True)
class JobFilters(ProcessFilters):
    """Query parameters that narrow down a list of jobs: a job has to match all that are given."""

    label: Annotated[
        str | None, Query(max_length=MAX_LABEL_LENGTH, description="Only jobs that were asked for under this label.")
    ] = None
    file: Annotated[
        str | None, Query(max_length=MAX_NAME_BYTES, description="Only jobs with an uploaded file of this name.")
    ] = None
    method: Annotated[
        MethodName | None, Query(description="Only jobs of this method, comparisons that it is one of included.")
    ] = None

    @property
    def by_record(self) -> bool:
        """Whether records have to be looked at: the store itself knows jobs by their status alone."""
        others = (field.name for field in fields(self) if field.name != "status" or self.state is None)
        return any(getattr(self, name) is not None for name in others)

    def matches(self, record: JobRecord) -> bool:
        """Whether the job passes every filter."""
        return (
            self.matches_process(record)
            and (self.label is None or self.label in record.labels)
            and (self.file is None or self.file in record.uploaded)
            and (self.method is None or _uses(record, self.method))
        )

    def query(self) -> str:
        """The filters as a query, which links to other pages repeat; not empty, it ends in &."""
        return filter_query(self)


def _uses(record: JobRecord, method: str) -> bool:
    # Not by the table: a record may be of a version that knew other methods.
    named = [name.strip() for name in record.spec.method.split(",")]
    return method in named or COMPARE in named
