"""From the fields of a request to a spec: every field is looked at once, here."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from unmixing.errors import SpecError
from unmixing.io.inputs.input_kind import InputKind
from unmixing.mixtures.specs import SeparationSpec
from unmixing.specs import InputSpec, UnmixSpec

if TYPE_CHECKING:
    from unmixing.types import TrainedModel

MIXTURE_FIELDS = frozenset(SeparationSpec.model_fields) - frozenset(UnmixSpec.model_fields)
IMAGE_FIELDS = frozenset(UnmixSpec.model_fields) - frozenset(SeparationSpec.model_fields)
INPUT_FIELDS = frozenset(InputSpec.model_fields) - {"mask"}
"""The plain fields that say how the input is to be read; a mask is always a file."""

FIELDS = frozenset({*UnmixSpec.model_fields, *SeparationSpec.model_fields, *INPUT_FIELDS, "kind", "model"})
"""The plain fields of a request."""

INSPECTED_FIELDS = frozenset({*INPUT_FIELDS, "kind", "picture"})
"""Those of a request to inspect an input."""

Spec = TypeVar("Spec", bound=BaseModel)


def image_spec(
    fields: Mapping[str, str], model: "TrainedModel | None", max_training_seconds: float | None
) -> UnmixSpec:
    """The spec in the fields of a request for an image. Empty fields count as not given, as browsers send them.

    ``max_training_seconds``: the limit when the request names none. Raises SpecError, UnknownMethodError.
    """
    # NumPy and SciPy's optimizers come with these; whoever only asks for the fields should not wait for them.
    from unmixing.inference.model_fit import require_purity, trained_for_pure_pixels
    from unmixing.methods import chosen_methods, require_without_pure_pixels

    refuse(fields, MIXTURE_FIELDS, "a mixture matrix", InputKind.IMAGE)
    given = _given(fields, model)
    if model is not None:
        given.setdefault("pure_pixels", str(trained_for_pure_pixels(model)))
    spec = validated(UnmixSpec, given)
    names = chosen_methods(spec.method)
    if not spec.pure_pixels:
        require_without_pure_pixels(names)
    _require_method_of(model, spec.method)
    if model is not None:
        require_purity(model, spec.pure_pixels)
    return spec if spec.max_training_seconds else spec.model_copy(update={"max_training_seconds": max_training_seconds})


def mixtures_spec(
    fields: Mapping[str, str],
    model: "TrainedModel | None",
    max_training_seconds: float | None,
    n_library_sources: int | None,
) -> SeparationSpec:
    """The spec in the fields of a request for a mixture matrix. ``n_library_sources``: those of the mixing library,
    which are meant when neither request nor model names a number. Raises SpecError, UnknownMethodError."""
    refuse(fields, IMAGE_FIELDS, "an image", InputKind.MIXTURES)
    given = _given(fields, model)
    implied = n_library_sources if model is None else model.manifest.n_endmembers
    if implied is not None:
        given.setdefault("n_sources", str(implied))
    if "n_sources" not in given:
        raise SpecError("n_sources is missing: say how many sources were mixed, or give a mixing_library")
    spec = validated(SeparationSpec, given)
    _require_method_of(model, spec.method)
    return spec if spec.max_training_seconds else spec.model_copy(update={"max_training_seconds": max_training_seconds})


def _given(fields: Mapping[str, str], model: "TrainedModel | None") -> dict[str, str]:
    given = {name: value for name, value in fields.items() if name not in {"kind", "model", *INPUT_FIELDS} and value}
    if model is not None:
        given.setdefault("method", model.manifest.method)
    return given


def refuse(fields: Mapping[str, str], names: frozenset[str], whose: str, kind: InputKind) -> None:
    """Raises SpecError for fields of the other kind: they would be ignored silently."""
    wrong = sorted(name for name in names if fields.get(name))
    if wrong:
        raise SpecError(f"{wrong[0]} is {fields[wrong[0]]!r}, but that is for {whose}; this upload is read as {kind}")


def validated(spec: type[Spec], given: Mapping[str, str]) -> Spec:
    """The spec in these fields. Raises SpecError that names what is wrong."""
    try:
        return spec.model_validate_strings(given)
    except ValidationError as error:
        problems = (f"{item['loc'][0]}: {item['msg']} (got {item['input']!r})" for item in error.errors())
        raise SpecError("; ".join(problems)) from None


def _require_method_of(model: "TrainedModel | None", method: str) -> None:
    if model is not None and method != model.manifest.method:
        raise SpecError(f"method is {method!r}, the model is of method {model.manifest.method!r}")
