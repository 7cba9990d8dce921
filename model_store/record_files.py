"""The job records on disk, ``{id}.json`` each: what the queue may lose is rebuilt from them."""

from pathlib import Path

from model_store.folders import write_durably
from model_store.records import JobRecord, parse

SUFFIX = ".json"


class RecordFiles:
    """A folder of records. A file that can be seen is complete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, record: JobRecord) -> None:
        """Keep ``record`` in the place of what was kept of this job; on the disk when this returns."""
        write_durably(self._path(record.id), record.model_dump_json())

    def read(self, job_id: str) -> JobRecord | None:
        """The stored record of the job, or None. Raises UnreadableRecordError."""
        try:
            return parse(job_id, self._path(job_id).read_bytes())
        except FileNotFoundError:
            return None

    def exists(self, job_id: str) -> bool:
        return self._path(job_id).is_file()

    def remove(self, job_id: str) -> None:
        self._path(job_id).unlink(missing_ok=True)

    def ids(self) -> list[str]:
        found = self._folder.glob(f"[!.]*{SUFFIX}") if self._folder.is_dir() else ()
        return sorted(path.name.removesuffix(SUFFIX) for path in found)

    def _path(self, job_id: str) -> Path:
        return self._folder / f"{job_id}{SUFFIX}"
