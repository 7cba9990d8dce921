"""The task of a job, read from its record and its input folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from model_store.records import JobRecord
from model_store.stores import Stores
from unmixing.specs import InputSpec

if TYPE_CHECKING:
    from unmixing.io.formats.reader import SceneReader
    from unmixing.io.inputs.tasks import UnmixingTask


def task_of(record: JobRecord, stores: Stores) -> "UnmixingTask":
    """The task that was checked when the job was accepted. Raises UnknownModelError and UnreadableModelError."""
    from unmixing.io.inputs.tasks import UnmixingTask

    folder = stores.inputs.fetched(record.id)
    return UnmixingTask(
        paths=[folder / name for name in record.files],
        spec=record.spec,
        input=input_of(record, folder),
        model=stores.models.load(record.model_id) if record.model_id else None,
        libraries={field: [folder / name for name in names] for field, names in record.libraries.items()},
        kind_decided_by=record.kind_decided_by,
        scratch=folder,
        digests=record.digests or None,
    )


def opened_scene(record: JobRecord, stores: Stores) -> "SceneReader":
    """The image of a job that has one, without the model. Raises SceneFormatError."""
    from unmixing.io.inputs.scenes import open_scene

    folder = stores.inputs.of(record.id)
    return open_scene([folder / name for name in record.files], input_of(record, folder), scratch=folder)


def input_of(record: JobRecord, folder: Path) -> InputSpec:
    """How the input is to be read, with the place of its mask. folder: that of the job's input."""
    mask = record.input.mask
    return record.input if mask is None else record.input.model_copy(update={"mask": str(folder / mask)})
