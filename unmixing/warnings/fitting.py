"""Warnings about the fit of a method."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unmixing.types import Float32, ResultWarning, WarningCode
from unmixing.warnings.table import warning

LEAST_CERTAINTY = 0.03
"""By so little of what one endmember more has to explain, estimates differ from one random start to the next."""

DUPLICATE_RADIANS = 0.05

DARKEST_GIVEN, BRIGHTEST_GIVEN = 0.01, 2.0
"""Of the brightest endmember given, over the brightest pixel: beyond these it is seldom on the image's scale."""

MAX_ANGLE_RADIANS = 0.15
"""An endmember further than this from every spectrum of a library stays unknown. In a library of urban materials
two samples of one material differ by 0.12 in the median, 0.26 at the worst tenth."""


def fitting_warnings(endmembers: Float32, metrics: Mapping[str, Any]) -> tuple[ResultWarning, ...]:
    """endmembers: (n_endmembers, n_used_bands). metrics: of the fitted method and of its model's training."""
    found = (_uncertain_count(metrics), _duplicates(endmembers), _given_brightness(metrics), _no_better(metrics))
    return tuple(each for each in found if each is not None)


def _uncertain_count(metrics: Mapping[str, Any]) -> ResultWarning | None:
    certainty = metrics.get("n_endmembers_certainty")
    if certainty is None or certainty >= LEAST_CERTAINTY:
        return None
    return warning(
        WarningCode.COUNT_UNCERTAIN,
        f"the number of endmembers was estimated with a certainty of {certainty:.3f} on a scale from 0 to 1",
    )


def _duplicates(endmembers: Float32) -> ResultWarning | None:
    spectra = endmembers.astype(np.float64)
    norms = np.linalg.norm(spectra, axis=1, keepdims=True)
    units = spectra / np.where(norms > 0, norms, 1.0)
    angles = np.arccos(np.clip(units @ units.T, -1.0, 1.0))
    pairs = [
        (first, second)
        for first, second in np.argwhere(angles < DUPLICATE_RADIANS).tolist()
        if first < second and norms[first] > 0 and norms[second] > 0
    ]
    if not pairs:
        return None
    listed = ", ".join(f"{first + 1} and {second + 1} ({angles[first, second]:.3f} rad)" for first, second in pairs)
    return warning(WarningCode.DUPLICATE_ENDMEMBERS, f"endmembers have nearly the same shape: {listed}")


def _given_brightness(metrics: Mapping[str, Any]) -> ResultWarning | None:
    brightest = max(metrics.get("given_brightness", ()), default=None)
    if brightest is None or DARKEST_GIVEN <= brightest <= BRIGHTEST_GIVEN:
        return None
    return warning(
        WarningCode.GIVEN_BRIGHTNESS,
        f"the brightest endmember given is {brightest:.3g} times as bright as the image's brightest pixel",
    )


def _no_better(metrics: Mapping[str, Any]) -> ResultWarning | None:
    ratio = metrics.get("ratio_to_constant_answer")
    if ratio is None or ratio < 1:
        return None
    return warning(
        WarningCode.NO_BETTER_THAN_BASELINE,
        f"the network's error on synthetic truth is {ratio:.2f} times that of its baseline",
    )


def library_warnings(matches: Sequence[Sequence[Mapping[str, Any]]]) -> tuple[ResultWarning, ...]:
    """matches: of every endmember the spectra of the library nearest to it, the nearest first; empty without one."""
    nearest = min((found[0]["angle_radians"] for found in matches), default=0.0)
    if nearest <= MAX_ANGLE_RADIANS:
        return ()
    text = (
        f"the library's nearest spectrum is {nearest:.2f} rad from any endmember; beyond {MAX_ANGLE_RADIANS:g} rad it"
    )
    return (warning(WarningCode.LIBRARY_FAR, f"{text} names nothing"),)
