"""The request for a training: handed as one to every method that trains a network."""

from collections.abc import Callable
from dataclasses import dataclass, field

from unmixing.progress import Progress, silent
from unmixing.simulation.truth import SharedTruth
from unmixing.specs import UnmixSpec
from unmixing.types import Compute, Cube, Float32, GivenEndmembers, TrainedModel


@dataclass(frozen=True, eq=False)
class TrainingTask:
    """A cube to train on, how many endmembers to look for, the request, and where to compute.

    denoised: makes the pixels over the used bands that endmembers are looked for in, (n, n_used_bands), for methods
    that want them; the cube's own when not given. truth: what several trainings on one image share; of its own when it
    is not given. given: endmembers that are known, of ``n_endmembers`` the first ones.
    """

    cube: Cube
    n_endmembers: int
    request: UnmixSpec
    compute: Compute = field(default_factory=Compute)
    progress: Progress = silent
    denoised: Callable[[], Float32] | None = None
    truth: SharedTruth = field(default_factory=SharedTruth)
    given: GivenEndmembers | None = None


Train = Callable[[TrainingTask], TrainedModel]
"""From a task to a model. ``TrainingTask.progress`` may raise Cancelled."""
