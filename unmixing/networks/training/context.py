"""What one image teaches a network, and the recipe a network takes through it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from unmixing.algorithms.endmembers import subspace
from unmixing.networks.training.supervised import Errors, History, train
from unmixing.networks.unrolled import Unrolled
from unmixing.progress import Progress
from unmixing.simulation.training_sets import SceneModel, SyntheticSets
from unmixing.specs import UnrolledSpec
from unmixing.types import Float32, Float64


@dataclass(frozen=True, eq=False)
class TrainingContext:
    """The image's pixels (n_pixels, n_bands) of median norm 1, the model of its scene, synthetic sets to train on and
    held out, and the limits of the training. ``progress`` takes the share of the training alone."""

    pixels: Float32
    scene: SceneModel
    training: SyntheticSets
    validation: SyntheticSets
    seed: int
    max_seconds: float | None
    device: torch.device
    progress: Progress

    @property
    def reference(self) -> Float64:
        """The library's endmembers, unit norm, (n_endmembers, n_bands)."""
        return self.scene.bundles.reference

    @property
    def norms(self) -> Float64:
        """What abundances are counted in, (n_endmembers,)."""
        return self.scene.brightness_model.norms

    @property
    def row_weight(self) -> float:
        """What the knowledge that brightness is near 1 weighs, as one more band of value 1."""
        return self.scene.brightness_model.row_weight

    def basis(self, n_dimensions: int) -> Float64:
        """The image's leading subspace, of no fewer dimensions than endmembers, (n_dimensions, n_bands)."""
        return subspace(self.pixels, max(n_dimensions, len(self.reference)))

    def train(
        self, name: str, network: Unrolled, spec: UnrolledSpec, *, first: float = 0.0, last: float = 1.0
    ) -> History:
        """Train ``network`` in the share of the context's time from ``first`` to ``last``."""

        def on_epoch(epoch: int, errors: Errors) -> None:
            self.progress(
                first + (last - first) * epoch / spec.max_epochs,
                f"training {name}",
                f"epoch {epoch} of at most {spec.max_epochs}, validation NMSE {errors.abundances:.4f}",
            )

        return train(
            network.to(self.device),
            self.training,
            self.validation,
            spec,
            seed=self.seed,
            max_seconds=None if self.max_seconds is None else (last - first) * self.max_seconds,
            on_epoch=on_epoch,
        )


@dataclass(frozen=True)
class Recipe:
    """How a network is built and trained: ``learn`` does both for a context."""

    spec: UnrolledSpec
    learn: Callable[[TrainingContext], tuple[Unrolled, History]]
