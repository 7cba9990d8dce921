"""Warnings from the answer for all pixels: its residual, and how much there is of each endmember."""

from collections.abc import Mapping
from typing import Any

from unmixing.types import ResultWarning, WarningCode
from unmixing.warnings.table import warning

MOST_RESIDUAL = 0.15
"""Of the signal. Endmembers that describe a scene leave 0.02 to 0.08 of real ones."""

LEAST_PRESENCE = 0.001

MOST_TIMES_TRAINING, LITTLE_RESIDUAL = 3.0, 0.05
"""By so much more than in its own scene a model may leave unexplained elsewhere; and what is little anywhere."""


def applying_warnings(metrics: Mapping[str, Any]) -> tuple[ResultWarning, ...]:
    """metrics: of the whole answer; see ``ReconstructionMetrics.metrics``."""
    found = (_residual(metrics), _hardly_present(metrics), _unlike_training(metrics))
    return tuple(each for each in found if each is not None)


def residual_warning(relative: float) -> ResultWarning | None:
    """relative: ||X - M|| / ||X||."""
    if not relative > MOST_RESIDUAL:
        return None
    return warning(
        WarningCode.LARGE_RESIDUAL, f"{relative:.0%} of the signal is not explained (the norm of the residual)"
    )


def _residual(metrics: Mapping[str, Any]) -> ResultWarning | None:
    return residual_warning(metrics["reconstruction_relative"])


def _hardly_present(metrics: Mapping[str, Any]) -> ResultWarning | None:
    shares = metrics["endmember_presence"]
    rare = [f"{number} ({share:.3%})" for number, share in enumerate(shares, start=1) if share < LEAST_PRESENCE]
    if not rare:
        return None
    return warning(
        WarningCode.RARE_ENDMEMBER,
        f"endmember {', '.join(rare)} makes up more than a tenth of a pixel in hardly any of them",
    )


def _unlike_training(metrics: Mapping[str, Any]) -> ResultWarning | None:
    now, then = metrics["reconstruction_relative"], metrics.get("training_reconstruction_relative")
    if then is None or not now > max(MOST_TIMES_TRAINING * then, LITTLE_RESIDUAL):
        return None
    return warning(
        WarningCode.UNLIKE_TRAINING_SCENE,
        f"{now:.1%} of this scene's signal is not explained, {then:.1%} was in the scene the model was trained on",
    )
