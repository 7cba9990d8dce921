"""From the files of an input to a folder of products and the document that describes them, whoever asks for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unmixing.comparison import Comparison, compare
from unmixing.io.apply.parts import apply_to_scene
from unmixing.io.apply.rows import can_stream
from unmixing.io.inputs.libraries import read_library
from unmixing.io.inputs.mixtures import read_mixing_library, read_mixtures
from unmixing.io.inputs.scenes import open_scene
from unmixing.io.inputs.tasks import LIBRARY, MIXING_LIBRARY, UnmixingTask
from unmixing.io.products.comparison_files import write_comparison
from unmixing.io.products.document import comparison_document, result_document, separation_document
from unmixing.io.products.files import write_products
from unmixing.io.products.separation_files import write_separation
from unmixing.methods import chosen_methods
from unmixing.mixtures.separation import separate
from unmixing.mixtures.specs import SeparationSpec
from unmixing.naming import name_endmembers, require_match
from unmixing.pipeline import unmix
from unmixing.progress import Progress
from unmixing.specs import UnmixSpec
from unmixing.types import Compute, Cube, SpectralLibrary, TrainedModel, Unmixing


@dataclass(frozen=True, eq=False)
class Delivery:
    """The document, ready for ``json.dumps``, and the models that made the results."""

    document: dict[str, Any]
    models: tuple[TrainedModel, ...]


ModelId = Callable[[TrainedModel], str | None]
"""Under which id a model is, or will be, stored."""

Apply = Callable[..., tuple[Unmixing, Cube, dict[str, str]]]
"""``apply_to_scene``, or something that does the same with other means."""


def deliver(
    task: UnmixingTask,
    folder: Path,
    compute: Compute,
    progress: Progress,
    model_id: ModelId,
    apply: Apply = apply_to_scene,
) -> Delivery:
    """Unmix the image, or separate the mixtures, and write every product into an existing, empty ``folder``.

    Whatever goes wrong leaves an incomplete folder: its owner throws it away. Raises UnmixingError.
    """
    if isinstance(task.spec, SeparationSpec):
        return _deliver_mixtures(task, task.spec, folder, compute, progress, model_id)
    return _deliver_image(task, task.spec, folder, compute, progress, model_id, apply)


def _deliver_image(
    task: UnmixingTask,
    spec: UnmixSpec,
    folder: Path,
    compute: Compute,
    progress: Progress,
    model_id: ModelId,
    apply: Apply,
) -> Delivery:
    progress(0.0, "reading the scene")
    library = read_library(files) if (files := task.libraries.get(LIBRARY)) else None
    with open_scene(task.paths, task.variable, scratch=task.scratch) as reader:
        if task.model is not None and can_stream(task.model):
            streamed = apply(
                reader, task.model, folder, n_endmembers=spec.n_endmembers, library=library, compute=compute,
                progress=progress,
            )  # fmt: skip
            return _described(task, folder, *streamed, model_id)
        cube = reader.read()
    if library is not None:
        require_match(library, cube.wavelengths_nm, cube.used_bands)
    if len(chosen_methods(spec.method)) > 1:
        return _deliver_comparison(task, compare(cube, spec, compute, progress), cube, library, folder, model_id)
    unmixing = unmix(cube, **spec.model_dump(), model=task.model, compute=compute, progress=progress)
    if library is not None:
        unmixing = name_endmembers(unmixing, cube, library)
    progress(1.0, "writing the results")
    return _described(task, folder, unmixing, cube, write_products(folder, unmixing, cube), model_id)


def _deliver_comparison(
    task: UnmixingTask,
    comparison: Comparison,
    cube: Cube,
    library: SpectralLibrary | None,
    folder: Path,
    model_id: ModelId,
) -> Delivery:
    if library is not None:
        named = {method: name_endmembers(answer, cube, library) for method, answer in comparison.answers.items()}
        comparison = replace(comparison, answers=named)
    models = {method: answer.model for method, answer in comparison.answers.items() if answer.model is not None}
    media_types = write_comparison(folder, comparison, cube)
    document = comparison_document(
        comparison,
        cube,
        kind_decided_by=task.kind_decided_by,
        media_types=media_types,
        sizes=_sizes(folder, media_types),
        model_ids={method: model_id(model) for method, model in models.items()},
    )
    return Delivery(document, tuple(models.values()))


def _described(
    task: UnmixingTask, folder: Path, unmixing: Unmixing, cube: Cube, media_types: Mapping[str, str], model_id: ModelId
) -> Delivery:
    model = unmixing.model
    document = result_document(
        unmixing,
        cube,
        kind_decided_by=task.kind_decided_by,
        media_types=media_types,
        sizes=_sizes(folder, media_types),
        model_id=None if model is None else model_id(model),
    )
    return Delivery(document, () if model is None else (model,))


def _deliver_mixtures(
    task: UnmixingTask, spec: SeparationSpec, folder: Path, compute: Compute, progress: Progress, model_id: ModelId
) -> Delivery:
    progress(0.0, "reading the mixtures")
    mixtures, source = read_mixtures(task.paths, task.variable)
    library = read_mixing_library(task.libraries.get(MIXING_LIBRARY, ()))
    separation = separate(mixtures, spec, library=library, model=task.model, compute=compute, progress=progress)
    progress(1.0, "writing the results")
    media_types, model = write_separation(folder, separation), separation.model
    document = separation_document(
        separation,
        {"kind_decided_by": task.kind_decided_by, **source},
        media_types=media_types,
        sizes=_sizes(folder, media_types),
        model_id=None if model is None else model_id(model),
    )
    return Delivery(document, () if model is None else (model,))


def _sizes(folder: Path, names: Mapping[str, str]) -> dict[str, int]:
    return {name: (folder / name).stat().st_size for name in names}
