"""From a checked task to a folder of products and the document that describes them, whoever asks for it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unmixing.errors import SpecError
from unmixing.inference.images import Image
from unmixing.io.apply.comparison import compare_to_files
from unmixing.io.apply.image import unmix_to_files
from unmixing.io.apply.parts import Rows, write_part
from unmixing.io.inputs.correction_files import input_document
from unmixing.io.inputs.corrections import chosen_range
from unmixing.io.inputs.digests import digesting
from unmixing.io.inputs.libraries import read_library
from unmixing.io.inputs.mixtures import read_mixing_library, read_mixtures
from unmixing.io.inputs.scenes import open_scene
from unmixing.io.inputs.tasks import ENDMEMBERS, LIBRARY, MIXING_LIBRARY, UnmixingTask
from unmixing.io.products.document import assets_in, comparison_document, result_document, separation_document
from unmixing.io.products.image_file import write_image
from unmixing.io.products.separation_files import write_separation
from unmixing.methods import chosen_methods
from unmixing.mixtures.separation import separate
from unmixing.mixtures.specs import SeparationSpec
from unmixing.pipeline import FittedMethod, fit_image
from unmixing.progress import Progress, never_back, part_of
from unmixing.specs import UnmixSpec
from unmixing.types import Compute, SpectralLibrary, TrainedModel

READ_SHARE, SEPARATED_SHARE = 0.02, 0.98
"""Shares of the progress at which mixtures are read, and separated."""

FITTED_SHARE = 0.2
"""Share of the progress of a part at which the sample of the image has been looked at."""


@dataclass(frozen=True, eq=False)
class TaskResult:
    """The document, ready for ``json.dumps``, and the models that made the results."""

    document: dict[str, Any]
    models: tuple[TrainedModel, ...]


ModelId = Callable[[TrainedModel], str | None]
"""Under which id a model is, or will be, stored."""


def run_task(task: UnmixingTask, folder: Path, compute: Compute, progress: Progress, model_id: ModelId) -> TaskResult:
    """Unmix the image, or separate the mixtures, and write every product into an existing, empty ``folder``.

    Whatever goes wrong leaves an incomplete folder: its owner throws it away. Raises UnmixingError.
    """
    report = never_back(progress)
    masks = {} if task.input.mask is None else {"mask": [Path(task.input.mask)]}
    files = {"file": task.paths, **task.libraries, **masks} if task.digests is None else {}
    with digesting(files) as digests:
        if isinstance(task.spec, SeparationSpec):
            done = _separate(task, task.spec, folder, compute, report, model_id)
        elif len(chosen_methods(task.spec.method)) > 1:
            done = _compare(task, task.spec, folder, compute, report, model_id)
        else:
            done = _unmix(task, task.spec, folder, compute, report, model_id)
        inputs = digests() if task.digests is None else task.digests
    done.document["provenance"]["input"] = input_document(task.input)
    done.document["provenance"]["inputs"] = {field: dict(found) for field, found in inputs.items() if found}
    return done


def run_part(task: UnmixingTask, rows: str, folder: Path, compute: Compute, progress: Progress) -> Rows:
    """Unmix rows of an image, as ``chosen_range`` reads them, into an existing, empty ``folder``: a part, for
    ``join_parts``. Returns the rows. Raises UnmixingError."""
    started, report = time.perf_counter(), never_back(progress)
    if task.model is None or not isinstance(task.spec, UnmixSpec):
        raise SpecError(f"rows is {rows!r}, and only images with a stored model go in parts; name the model")
    with open_scene(task.paths, task.input, scratch=task.scratch) as reader:
        chosen = chosen_range(rows, reader.shape[0], "rows")
        # Of all parts one alone reads the whole scene.
        with digesting({"file": task.paths, **task.libraries} if chosen[0] == 0 else {}) as digests:
            fitted = fit_task(task, reader, compute, part_of(report, 0.0, FITTED_SHARE))
            write_part(
                folder, reader, fitted, chosen, compute, part_of(report, FITTED_SHARE, 1.0),
                kind_decided_by=task.kind_decided_by, started=started, inputs=digests,
            )  # fmt: skip
    return chosen


def fit_task(task: UnmixingTask, image: Image, compute: Compute, progress: Progress) -> FittedMethod:
    """The model of ``task`` after a look at a sample of its image, its endmembers named."""
    assert task.model is not None  # callers ask first
    assert isinstance(task.spec, UnmixSpec)
    fitted = fit_image(image, task.spec, task.model, compute, progress)
    return fitted if (library := _library(task, LIBRARY)) is None else fitted.named_by(library)


def _library(task: UnmixingTask, field: str) -> SpectralLibrary | None:
    return read_library(files) if (files := task.libraries.get(field)) else None


def _unmix(
    task: UnmixingTask, spec: UnmixSpec, folder: Path, compute: Compute, progress: Progress, model_id: ModelId
) -> TaskResult:
    library, endmembers = _library(task, LIBRARY), _library(task, ENDMEMBERS)
    with open_scene(task.paths, task.input, scratch=task.scratch) as reader:
        result, media_types = unmix_to_files(
            reader, spec, folder, compute, progress, model=task.model, library=library, endmembers=endmembers
        )
        media_types = {**media_types, **write_image(folder, reader, result.info.fill_values)}
    model = result.unmixing.model
    document = result_document(
        result,
        assets_in(folder, media_types),
        kind_decided_by=task.kind_decided_by,
        model_id=None if model is None else model_id(model),
    )
    return TaskResult(document, () if model is None else (model,))


def _compare(
    task: UnmixingTask, spec: UnmixSpec, folder: Path, compute: Compute, progress: Progress, model_id: ModelId
) -> TaskResult:
    library, endmembers = _library(task, LIBRARY), _library(task, ENDMEMBERS)
    with open_scene(task.paths, task.input, scratch=task.scratch) as reader:
        comparison, first, media_types = compare_to_files(
            reader, spec, folder, compute, progress, library=library, endmembers=endmembers
        )
        media_types |= write_image(folder, reader, first.info.fill_values)
    models = {method: answer.model for method, answer in comparison.answers.items() if answer.model is not None}
    document = comparison_document(
        comparison,
        first,
        assets_in(folder, media_types),
        task.kind_decided_by,
        {method: model_id(model) for method, model in models.items()},
    )
    return TaskResult(document, tuple(models.values()))


def _separate(
    task: UnmixingTask, spec: SeparationSpec, folder: Path, compute: Compute, progress: Progress, model_id: ModelId
) -> TaskResult:
    progress(0.0, "reading the mixtures")
    mixtures, source = read_mixtures(task.paths, task.input.variable)
    library = read_mixing_library(task.libraries.get(MIXING_LIBRARY, ()))
    separation = separate(
        mixtures, spec, library=library, model=task.model, compute=compute,
        progress=part_of(progress, READ_SHARE, SEPARATED_SHARE),
    )  # fmt: skip
    progress(SEPARATED_SHARE, "writing the results")
    media_types, model = write_separation(folder, separation, source), separation.model
    document = separation_document(
        separation,
        {"kind_decided_by": task.kind_decided_by, **source},
        assets_in(folder, media_types),
        None if model is None else model_id(model),
    )
    return TaskResult(document, () if model is None else (model,))
