"""Sums that a finished job adds to the measurements of the service."""

import logging
import math
from collections.abc import Iterator, Mapping
from typing import Any

from redis.exceptions import RedisError

from model_store.measurements import Sum
from model_store.stores import Stores

logger = logging.getLogger(__name__)


def measure(document: Mapping[str, Any], stores: Stores) -> None:
    """Add the seconds of each stage, the pixels and the error of the training of a result, by method."""
    try:
        stores.measurements.add(*_sums(document))
    except RedisError:  # a figure that is missing costs no job
        logger.warning("the measurements of a job could not be written", exc_info=True)


def _sums(document: Mapping[str, Any]) -> Iterator[Sum]:
    answers = document.get("comparison", {}).get("answers", [document])
    size = document["input"]
    n_pixels = size["rows"] * size["columns"] if "rows" in size else size["samples"]
    for answer in answers:
        method = {"method": answer["provenance"]["method"]}
        yield Sum("pixels", method, n_pixels)
        for stage, seconds in answer["metrics"]["seconds"].items():
            yield from _observed("stage_seconds", {**method, "stage": stage}, seconds)
        errors = [value for value in answer["metrics"].get("validation_nmse") or [] if value is not None]
        if errors:
            yield from _observed("training_nmse", method, min(errors))


def _observed(name: str, labels: Mapping[str, str], value: float) -> Iterator[Sum]:
    """Sum and number of observations, of which a mean is made."""
    if math.isfinite(value):
        yield Sum(f"{name}_sum", labels, value)
        yield Sum(f"{name}_count", labels, 1)
