"""Warnings about the fit of a method."""

from collections.abc import Mapping
from typing import Any

from unmixing.types import ResultWarning, WarningCode
from unmixing.warnings.table import warning


def fitting_warnings(metrics: Mapping[str, Any]) -> tuple[ResultWarning, ...]:
    """metrics: of the fitted method and of its model's training."""
    found: list[ResultWarning] = []
    ratio = metrics.get("ratio_to_constant_answer")
    if ratio is not None and ratio >= 1:
        found.append(
            warning(
                WarningCode.NO_BETTER_THAN_BASELINE,
                f"the network's error on synthetic truth is {ratio:.2f} times that of its baseline",
            )
        )
    return tuple(found)
