"""Whether an upload is an image or a mixture matrix: a 2-D array could be read either way."""

from collections.abc import Collection, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from unmixing.errors import SpecError
from unmixing.io.formats.table import format_of

if TYPE_CHECKING:
    from unmixing.types import TrainedModel


class InputKind(StrEnum):
    """How an upload is read."""

    IMAGE = "image"
    MIXTURES = "mixtures"


def decide_kind(
    asked: str | None, model: "TrainedModel | None", mixture_fields: Collection[str], files: Sequence[Path]
) -> tuple[InputKind, str]:
    """How an upload is read, and what decided it: "request", "model", the name of a field, "format" or "default".

    asked: the field ``kind``. mixture_fields: names of the fields given that only mixtures have. Formats that
    hold no image, such as tables, are mixtures. Raises SpecError for a kind that does not exist.
    """
    if asked:
        if asked not in list(InputKind):
            raise SpecError(f"kind is {asked!r}; it has to be one of: {', '.join(InputKind)}")
        return InputKind(asked), "request"
    if model is not None:
        return InputKind(model.manifest.kind), "model"
    if mixture_fields:
        return InputKind.MIXTURES, sorted(mixture_fields)[0]
    from unmixing.io.inputs.mixtures import MIXTURES  # brings NumPy, which the names of the kinds do without

    formats = [found for path in files if (found := format_of(path)) is not None]
    could_be_image = any(found.holds_image for found in formats)
    if not could_be_image and any(found.holds_array(MIXTURES.n_axes) for found in formats):
        return InputKind.MIXTURES, "format"
    return InputKind.IMAGE, "default"
