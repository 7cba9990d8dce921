"""The job records on disk, ``{id}.json`` each: what the queue may lose is rebuilt from them."""

from pathlib import Path

from model_store.folders import write_durably
from model_store.objects import Objects
from model_store.records import JobRecord, parse

SUFFIX = ".json"


class RecordFiles:
    """A folder of records. A file that can be seen is complete. objects: where they are kept in its place."""

    def __init__(self, folder: Path, objects: Objects | None = None) -> None:
        self._folder, self._objects = folder, objects

    def write(self, record: JobRecord) -> None:
        """Keep ``record`` in the place of what was kept of this job; on the disk when this returns."""
        if self._objects is not None:
            self._objects.put(_key(record.id), record.model_dump_json().encode())
        else:
            write_durably(self._path(record.id), record.model_dump_json())

    def read(self, job_id: str) -> JobRecord | None:
        """The stored record of the job, or None. Raises UnreadableRecordError."""
        if self._objects is not None:
            found = self._objects.get(_key(job_id))
            return None if found is None else parse(job_id, found)
        try:
            return parse(job_id, self._path(job_id).read_bytes())
        except FileNotFoundError:
            return None

    def exists(self, job_id: str) -> bool:
        return self._path(job_id).is_file() if self._objects is None else self._objects.exists(_key(job_id))

    def remove(self, job_id: str) -> None:
        if self._objects is not None:
            self._objects.remove(_key(job_id))
        else:
            self._path(job_id).unlink(missing_ok=True)

    def ids(self) -> list[str]:
        if self._objects is not None:
            names = [entry.key.removeprefix("jobs/") for entry in self._objects.listed("jobs/")]
        else:
            names = [path.name for path in self._folder.glob(f"[!.]*{SUFFIX}")] if self._folder.is_dir() else []
        return sorted(name.removesuffix(SUFFIX) for name in names)

    def _path(self, job_id: str) -> Path:
        return self._folder / f"{job_id}{SUFFIX}"


def _key(job_id: str) -> str:
    return f"jobs/{job_id}{SUFFIX}"
