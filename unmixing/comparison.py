"""Several methods on one image, their answers in one order, so that they can be looked at side by side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.algorithms.metrics import match_endmembers, sad_radians
from unmixing.errors import Cancelled, UnmixingError, needing
from unmixing.inference.given import with_given
from unmixing.inference.images import Image
from unmixing.inference.training_images import TrainingImage, training_image
from unmixing.inference.unmixers import FactorizationUnmixer
from unmixing.methods import METHODS, chosen_methods
from unmixing.pipeline import FittedMethod, fit, prepared_model
from unmixing.progress import Progress, part_of
from unmixing.simulation.truth import SharedTruth
from unmixing.specs import UnmixSpec
from unmixing.types import Compute, Float32, SpectralLibrary, Unmixing

READING_SHARE, FITTING_SHARE = 0.02, 0.9
"""Shares of the whole progress, and of a method's own, at which reading and fitting end."""

PER_ENDMEMBER = ("bundle_spread_radians",)
"""Metrics with one number per endmember, which follow when endmembers change their order."""

Finish = Callable[[str, FittedMethod, Progress], Unmixing]
"""From a method's name and the fitted method to its answer for the whole image."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """answers: by method, in the order asked for; endmember k of each is the one most like endmember k of the first.
    failures: what kept the other methods from answering, in words."""

    answers: Mapping[str, Unmixing]
    failures: Mapping[str, str]

    @property
    def first(self) -> Unmixing:
        return next(iter(self.answers.values()))

    def agreement(self, method: str) -> tuple[float, float]:
        """Mean spectral angle (radians) and RMSE of the abundances between this answer and the first."""
        mine, first = self.answers[method], self.first
        used = np.isfinite(first.endmembers).all(axis=0)
        angles = sad_radians(mine.endmembers[:, used], first.endmembers[:, used])
        return float(angles.mean()), _abundance_rmse(mine.abundances, first.abundances)


def compare(
    image: Image,
    spec: UnmixSpec,
    finish: Finish,
    compute: Compute,
    progress: Progress,
    endmembers: SpectralLibrary | None = None,
) -> Comparison:
    """Fit each of the methods of ``spec`` on the image, for one number of endmembers, and ``finish`` each. endmembers:
    those that are known.

    A method that cannot answer is told in ``failures``; only when none can, the first one's error is raised.
    Raises Cancelled as ``progress`` does.
    """
    methods = chosen_methods(spec.method)
    seen = with_given(training_image(image, part_of(progress, 0.0, READING_SHARE)), endmembers, spec.n_endmembers)
    answers: dict[str, Unmixing] = {}
    errors: dict[str, UnmixingError] = {}
    report = part_of(progress, READING_SHARE, 1.0)
    first: FittedMethod | None = None
    truth = SharedTruth()
    for number, method in enumerate(methods):
        known = spec.n_endmembers if first is None else len(first.endmembers)
        own = _of_method(report, METHODS[method].title, number, len(methods))
        try:
            asked = spec.model_copy(update={"method": method, "n_endmembers": known})
            fitted = fit(seen, asked, compute, part_of(own, 0.0, FITTING_SHARE), truth)
            fitted = fitted if first is None else in_order_of(first, fitted, seen, compute)
            answers[method] = finish(method, fitted, part_of(own, FITTING_SHARE, 1.0))
        except Cancelled:
            raise
        except UnmixingError as error:
            errors[method] = error
            continue
        first = first or fitted
    if not answers:
        raise next(iter(errors.values()))
    return Comparison(answers, {method: str(error) for method, error in errors.items()})


def _of_method(progress: Progress, title: str, number: int, count: int) -> Progress:
    def report(share: float, stage: str, detail: str = "") -> None:
        progress((number + share) / count, f"{title}: {stage}", detail)

    return report


def in_order_of(first: FittedMethod, fitted: FittedMethod, seen: TrainingImage, compute: Compute) -> FittedMethod:
    """The same method, its endmembers in the order in which they are most like those of ``first``; a model too."""
    order = match_endmembers(fitted.area_unmixer.endmembers, first.area_unmixer.endmembers, fitted.n_given)
    if np.array_equal(order, np.arange(len(order))):
        return fitted
    if isinstance(fitted.area_unmixer, FactorizationUnmixer):
        return replace(fitted, area_unmixer=fitted.area_unmixer.reordered(order))
    assert fitted.model is not None  # whatever is no factorization came from a model
    # The onnx package takes a while to import, and only this needs it here.
    with needing("train"):
        from unmixing.networks.export.reordering import reordered

    metrics = _permuted(fitted.metrics, order)
    manifest = fitted.model.manifest
    changed: dict[str, Any] = {"metrics": _permuted(manifest.metrics, order)}
    for name in ("endmember_norms", "shape_deviation_factors"):
        values = getattr(manifest, name)
        changed[name] = None if values is None else tuple(values[index] for index in order.tolist())
    manifest = manifest.model_copy(update=changed)
    model = replace(fitted.model, onnx=reordered(fitted.model.onnx, order, manifest), manifest=manifest)
    return prepared_model(seen, model, metrics, fitted.abundances_of, compute)


def _permuted(metrics: Mapping[str, Any], order: NDArray[np.intp]) -> dict[str, Any]:
    return {
        name: [value[index] for index in order.tolist()] if name in PER_ENDMEMBER else value
        for name, value in metrics.items()
    }


def _abundance_rmse(mine: Float32, other: Float32) -> float:
    """Over all pixels with an answer; row by row, since maps may be larger than the memory."""
    total, count = 0.0, 0
    for left, right in zip(mine, other, strict=True):
        differences = np.asarray(left, dtype=np.float64) - right
        valid = np.isfinite(differences)
        total += float(np.square(differences[valid]).sum())
        count += int(valid.sum())
    return float(np.sqrt(total / max(1, count)))
