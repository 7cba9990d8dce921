"""All that speaks against an answer, from reading to unmixing."""

from collections.abc import Mapping
from typing import Any

from unmixing.types import Float32, ImageInfo, ResultWarning, TrainedModel
from unmixing.warnings.applying import applying_warnings
from unmixing.warnings.fitting import fitting_warnings, library_warnings
from unmixing.warnings.table import merged


def answer_warnings(
    info: ImageInfo, endmembers: Float32, model: TrainedModel | None, metrics: Mapping[str, Any]
) -> tuple[ResultWarning, ...]:
    """endmembers: (n_endmembers, n_used_bands). model: the network that made the answer, None without one. metrics: of
    the whole answer."""
    manifest = None if model is None else model.manifest
    known = {**({} if manifest is None else manifest.metrics), **metrics}
    return merged(
        info.warnings,
        library_warnings(metrics.get("library_matches", [])),
        fitting_warnings(endmembers, known),
        applying_warnings(known),
    )
