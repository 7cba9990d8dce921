"""The training context of one image, and the recipe by which a network is built and fitted on it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from unmixing.algorithms.endmembers import spanning, subspace
from unmixing.networks.training.loop import Run
from unmixing.networks.training.supervised import Errors, History, train
from unmixing.networks.unrolled import Unrolled
from unmixing.progress import Progress
from unmixing.simulation.truth import TruthSets
from unmixing.specs import UnrolledSpec
from unmixing.types import Float32, Float64


@dataclass(frozen=True, eq=False)
class TrainingContext:
    """The input of a recipe.

    pixels: of the image, (n_pixels, n_bands), median norm 1. sets: the model of its scene, and synthetic sets to train
    on and held out. max_seconds: of the training alone, and ``progress`` takes the share of it.
    """

    pixels: Float32
    sets: TruthSets
    seed: int
    max_seconds: float | None
    device: torch.device
    progress: Progress

    @property
    def reference(self) -> Float64:
        """The library's endmembers, unit norm, (n_endmembers, n_bands)."""
        return self.sets.scene.bundles.reference

    @property
    def norms(self) -> Float64:
        """Norms of the endmembers, the units of abundances, (n_endmembers,)."""
        return self.sets.norms

    @property
    def row_weight(self) -> float:
        """Weight of the prior that brightness is near 1, as one more band of value 1."""
        return self.sets.scene.brightness_model.row_weight

    @property
    def n_given(self) -> int:
        """How many endmembers, the first ones, were given."""
        return len(self.sets.scene.bundles.given_norms)

    def basis(self, n_dimensions: int) -> Float64:
        """The image's leading subspace, of no fewer dimensions than endmembers, and what given endmembers have beyond
        it, (n_dimensions, n_bands)."""
        leading = subspace(self.pixels, max(n_dimensions, len(self.reference)))
        return spanning(leading, self.reference[: self.n_given])

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
            self.sets.training,
            self.sets.validation,
            spec,
            Run(self.seed, None if self.max_seconds is None else (last - first) * self.max_seconds),
            on_epoch,
        )


@dataclass(frozen=True)
class Recipe:
    """How a network is built and trained: ``fit`` does both for a context."""

    spec: UnrolledSpec
    fit: Callable[[TrainingContext], tuple[Unrolled, History]]
