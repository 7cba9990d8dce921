"""Several methods on one image, their answers in one order, so that they can be looked at side by side."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from unmixing.algorithms.metrics import match_endmembers, rmse, sad_radians
from unmixing.errors import Cancelled, UnmixingError
from unmixing.methods import METHODS, chosen_methods
from unmixing.pipeline import unmix
from unmixing.progress import Progress
from unmixing.specs import UnmixSpec
from unmixing.types import Compute, Cube, Unmixing


@dataclass(frozen=True, eq=False)
class Comparison:
    """answers: by method, in the order asked for; endmember k of each is the one most like endmember k of the first.
    failures: what kept the other methods from answering, in words."""

    answers: Mapping[str, Unmixing]
    failures: Mapping[str, str]

    @property
    def first(self) -> Unmixing:
        return next(iter(self.answers.values()))

    def agreement(self, method: str, cube: Cube) -> tuple[float, float]:
        """Mean spectral angle (radians) and RMSE of the abundances between this answer and the first."""
        mine, first = self.answers[method], self.first
        used, valid = cube.used_bands, cube.valid_pixels
        angles = sad_radians(mine.endmembers[:, used], first.endmembers[:, used])
        return float(angles.mean()), rmse(mine.abundances[valid], first.abundances[valid])


def compare(cube: Cube, spec: UnmixSpec, compute: Compute, progress: Progress) -> Comparison:
    """``unmix`` with each of the methods of ``spec``, one after the other, for one number of endmembers.

    A method that cannot answer is told in ``failures``; only when none can, the first one's error is raised.
    Raises Cancelled as ``progress`` does.
    """
    methods = chosen_methods(spec.method)
    answers: dict[str, Unmixing] = {}
    errors: dict[str, UnmixingError] = {}
    for number, method in enumerate(methods):

        def part(share: float, stage: str, detail: str = "", method: str = method, number: int = number) -> None:
            progress((number + share) / len(methods), f"{METHODS[method].title}: {stage}", detail)

        known = len(next(iter(answers.values())).endmembers) if answers else spec.n_endmembers
        try:
            answer = unmix(
                cube,
                n_endmembers=known,
                method=method,
                seed=spec.seed,
                max_training_seconds=spec.max_training_seconds,
                compute=compute,
                progress=part,
            )
        except Cancelled:
            raise
        except UnmixingError as error:
            errors[method] = error
            continue
        answers[method] = _in_order_of(next(iter(answers.values()), answer), answer, cube)
    if not answers:
        raise next(iter(errors.values()))
    return Comparison(answers, {method: str(error) for method, error in errors.items()})


def _in_order_of(first: Unmixing, answer: Unmixing, cube: Cube) -> Unmixing:
    order = match_endmembers(answer.endmembers[:, cube.used_bands], first.endmembers[:, cube.used_bands])
    return replace(
        answer,
        endmembers=answer.endmembers[order],
        abundances=np.ascontiguousarray(answer.abundances[:, :, order]),
        uncertainty=None if answer.uncertainty is None else np.ascontiguousarray(answer.uncertainty[:, :, order]),
    )
