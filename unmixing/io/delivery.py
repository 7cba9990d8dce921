"""From the files of an input to a folder of products and the document that describes them, whoever asks for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unmixing.comparison import Comparison, compare
from unmixing.io.comparison_products import write_comparison
from unmixing.io.libraries import read_library
from unmixing.io.mixtures import read_mixing_library, read_mixtures
from unmixing.io.orders import LIBRARY, MIXING_LIBRARY, Order
from unmixing.io.products import write_products
from unmixing.io.scene_parts import apply_to_scene
from unmixing.io.scenes import open_scene
from unmixing.io.separation_products import write_separation
from unmixing.io.streaming import can_stream
from unmixing.methods import chosen_methods
from unmixing.naming import name_endmembers, require_match
from unmixing.pipeline import unmix
from unmixing.results import comparison_document, result_document, separation_document
from unmixing.separation import separate
from unmixing.separation_specs import SeparationSpec
from unmixing.specs import UnmixSpec
from unmixing.types import Compute, Cube, Progress, SpectralLibrary, TrainedModel, Unmixing


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
    order: Order,
    folder: Path,
    compute: Compute,
    progress: Progress,
    model_id: ModelId,
    apply: Apply = apply_to_scene,
) -> Delivery:
    """Unmix the image, or separate the mixtures, and write every product into an existing, empty ``folder``.

    Whatever goes wrong leaves an incomplete folder: its owner throws it away. Raises UnmixingError.
    """
    if isinstance(order.spec, SeparationSpec):
        return _deliver_mixtures(order, order.spec, folder, compute, progress, model_id)
    return _deliver_image(order, order.spec, folder, compute, progress, model_id, apply)


def _deliver_image(
    order: Order,
    spec: UnmixSpec,
    folder: Path,
    compute: Compute,
    progress: Progress,
    model_id: ModelId,
    apply: Apply,
) -> Delivery:
    progress(0.0, "reading the scene")
    library = read_library(files) if (files := order.libraries.get(LIBRARY)) else None
    with open_scene(order.paths, order.variable, scratch=order.scratch) as reader:
        if order.model is not None and can_stream(order.model):
            streamed = apply(
                reader, order.model, folder, n_endmembers=spec.n_endmembers, library=library, compute=compute,
                progress=progress,
            )  # fmt: skip
            return _described(order, folder, *streamed, model_id)
        cube = reader.read()
    if library is not None:
        require_match(library, cube.wavelengths_nm, cube.used_bands)
    if len(chosen_methods(spec.method)) > 1:
        return _deliver_comparison(order, compare(cube, spec, compute, progress), cube, library, folder, model_id)
    unmixing = unmix(cube, **spec.model_dump(), model=order.model, compute=compute, progress=progress)
    if library is not None:
        unmixing = name_endmembers(unmixing, cube, library)
    progress(1.0, "writing the results")
    return _described(order, folder, unmixing, cube, write_products(folder, unmixing, cube), model_id)


def _deliver_comparison(
    order: Order,
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
        kind_decided_by=order.kind_decided_by,
        media_types=media_types,
        sizes=_sizes(folder, media_types),
        model_ids={method: model_id(model) for method, model in models.items()},
    )
    return Delivery(document, tuple(models.values()))


def _described(
    order: Order, folder: Path, unmixing: Unmixing, cube: Cube, media_types: Mapping[str, str], model_id: ModelId
) -> Delivery:
    model = unmixing.model
    document = result_document(
        unmixing,
        cube,
        kind_decided_by=order.kind_decided_by,
        media_types=media_types,
        sizes=_sizes(folder, media_types),
        model_id=None if model is None else model_id(model),
    )
    return Delivery(document, () if model is None else (model,))


def _deliver_mixtures(
    order: Order, spec: SeparationSpec, folder: Path, compute: Compute, progress: Progress, model_id: ModelId
) -> Delivery:
    progress(0.0, "reading the mixtures")
    mixtures, source = read_mixtures(order.paths, order.variable)
    library = read_mixing_library(order.libraries.get(MIXING_LIBRARY, ()))
    separation = separate(mixtures, spec, library=library, model=order.model, compute=compute, progress=progress)
    progress(1.0, "writing the results")
    media_types, model = write_separation(folder, separation), separation.model
    document = separation_document(
        separation,
        {"kind_decided_by": order.kind_decided_by, **source},
        media_types=media_types,
        sizes=_sizes(folder, media_types),
        model_id=None if model is None else model_id(model),
    )
    return Delivery(document, () if model is None else (model,))


def _sizes(folder: Path, names: Mapping[str, str]) -> dict[str, int]:
    return {name: (folder / name).stat().st_size for name in names}
