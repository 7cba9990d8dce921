"""The task of a job, read from its record and its input folder."""

from typing import TYPE_CHECKING

from model_store.records import JobRecord
from model_store.stores import Stores

if TYPE_CHECKING:
    from unmixing.io.formats.reader import SceneReader
    from unmixing.io.inputs.tasks import UnmixingTask


def task_of(record: JobRecord, stores: Stores) -> "UnmixingTask":
    """The task that was checked when the job was accepted. Raises UnknownModelError and UnreadableModelError."""
    from unmixing.io.inputs.tasks import UnmixingTask

    folder = stores.inputs.of(record.id)
    return UnmixingTask(
        paths=[folder / name for name in record.files],
        spec=record.spec,
        variable=record.variable,
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
    return open_scene([folder / name for name in record.files], record.variable, scratch=folder)
