"""Synthetic truth of one image, for every network that is trained on such, made once for all of them."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from unmixing.algorithms.bundles import Bundles, extract_bundles
from unmixing.cubes import scaled_pixels
from unmixing.progress import Progress
from unmixing.simulation.simplex import beyond_the_pixels
from unmixing.simulation.training_sets import (
    SceneModel,
    SyntheticSets,
    model_scene,
    synthesise,
)
from unmixing.simulation.wider_sets import OF_MIXTURES, OF_MIXTURES_AND_MORE, POSSIBLE, synthesise_wider
from unmixing.specs import UnmixSpec, UnrolledSpec
from unmixing.types import Cube, Float32, Float64, GivenEndmembers

WIDER_SETS = 80, 40, 20
"""Wider synthetic sets that an uncertainty learns from, is scaled on and is checked on, of WIDER_PIXELS each."""

WIDER_PIXELS = 256

Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class TruthSets:
    """The model of a scene, and sets drawn from it: to train on, and held out for early stopping. norms:
    (n_endmembers,) what abundances are counted in, those of the endmembers that are to be found."""

    scene: SceneModel
    norms: Float64
    training: SyntheticSets
    validation: SyntheticSets


@dataclass(frozen=True, eq=False)
class EndmemberSearch:
    """How many endmembers an image has, and which of them, the first ones, are given: (n_given, n_bands), in the units
    of its pixels. pure_pixels: whether the others are among its pixels."""

    n_endmembers: int
    given: Float64 | None = None
    pure_pixels: bool = True


class SyntheticTruth:
    """Bundles, scene model and synthetic sets of one image, each made when it is first asked for and kept.

    Without pure pixels the sets to train on are those whose library holds mixtures (``synthesise_wider``). All depend
    on the image, the endmembers looked for, the seed and those fields of ``spec`` that say how many runs, Dirichlet
    distributions, sets and pixels; whatever network asks gets the same numbers. pixels: (n_pixels, n_bands)
    of median norm 1. denoised: those that endmembers are looked for in, (n, n_bands). scale: what both were divided by.
    """

    def __init__(
        self, pixels: Float32, denoised: Float32, scale: float, search: EndmemberSearch, seed: int, spec: UnrolledSpec
    ) -> None:
        self.pixels, self.scale = pixels, scale
        self._denoised = denoised
        self._search, self._spec = search, spec
        self._rng = np.random.default_rng(seed)
        self._bundles: Bundles | None = None
        self._sets: TruthSets | None = None
        self._wider: tuple[SyntheticSets, ...] | None = None

    def bundles(self, progress: Progress) -> Bundles:
        """The bundles of endmembers that the image's own pixels give."""
        stage = "extracting endmember bundles"
        progress(0.0, stage)
        if self._bundles is None:
            n_runs, search = self._spec.n_runs, self._search
            self._bundles = self._drawn(
                lambda rng: beyond_the_pixels(
                    self.pixels,
                    extract_bundles(
                        self._denoised,
                        search.n_endmembers,
                        rng,
                        n_runs=n_runs,
                        given=search.given,
                        progress=lambda share: progress(share, stage),
                    ),
                    rng,
                )
            )
        return self._bundles

    def sets(self, progress: Progress) -> TruthSets:
        """The scene's model and the sets to train with."""
        bundles = self.bundles(progress)
        if self._sets is None:
            self._sets = self._drawn(lambda rng: self._drawn_sets(bundles, rng))
        return self._sets

    def wider_sets(self, progress: Progress) -> tuple[SyntheticSets, ...]:
        """Sets whose truth strays further from the library, WIDER_SETS of them."""
        scene = self.sets(progress).scene
        errors = OF_MIXTURES_AND_MORE if self._of_mixtures(scene.bundles) else POSSIBLE
        if self._wider is None:
            self._wider = self._drawn(
                lambda rng: tuple(synthesise_wider(scene, n_sets, WIDER_PIXELS, rng, errors) for n_sets in WIDER_SETS)
            )
        return self._wider

    def _drawn_sets(self, bundles: Bundles, rng: np.random.Generator) -> TruthSets:
        spec = self._spec
        scene = model_scene(self.pixels, bundles, rng, n_dirichlets=spec.n_dirichlets)
        counts = spec.n_training_sets, spec.n_validation_sets
        if not self._of_mixtures(bundles):
            training, validation = (synthesise(scene, n_sets, spec.pixels_per_set, rng) for n_sets in counts)
            return TruthSets(scene, scene.brightness_model.norms, training, validation)
        training, validation = (
            synthesise_wider(scene, n_sets, spec.pixels_per_set, rng, OF_MIXTURES) for n_sets in counts
        )
        # Of endmembers beyond the pixels no pixel shows how bright they are: as those of the sets on average.
        return TruthSets(scene, np.exp(np.log(training.norms).mean(axis=0)), training, validation)

    def _of_mixtures(self, bundles: Bundles) -> bool:
        return not (self._search.pure_pixels or bundles.beyond_pixels)

    def _drawn(self, make: Callable[[np.random.Generator], Made]) -> Made:
        # Whoever tries again after an error draws the same numbers.
        rng = copy.deepcopy(self._rng)
        made = make(rng)
        self._rng = rng
        return made


class SharedTruth:
    """The synthetic truths of one image: whoever trains several methods on it hands the same object to all of them, so
    that they share what they have in common. The answers are those of separate runs."""

    def __init__(self) -> None:
        self._cube: Cube | None = None
        self._truths: dict[tuple[int | bytes, ...], SyntheticTruth] = {}

    def of(
        self,
        cube: Cube,
        n_endmembers: int,
        request: UnmixSpec,
        spec: UnrolledSpec,
        denoised: Callable[[], Float32] | None = None,
        given: GivenEndmembers | None = None,
    ) -> SyntheticTruth:
        """The truth for this image and these choices, ``request``'s seed and purity among them; those of another image
        are forgotten."""
        if cube is not self._cube:
            self._cube, self._truths = cube, {}
        counts = (spec.n_runs, spec.n_dirichlets, spec.n_training_sets, spec.n_validation_sets, spec.pixels_per_set)
        asked = (n_endmembers, request.seed, request.pure_pixels)
        key = (b"" if given is None else given.spectra.tobytes(), *asked, *counts)
        if key not in self._truths:
            pixels, scale = scaled_pixels(cube)
            clean = pixels if denoised is None else denoised() / np.float32(scale)
            known = None if given is None else given.spectra / scale
            search = EndmemberSearch(n_endmembers, known, request.pure_pixels)
            self._truths[key] = SyntheticTruth(pixels, clean, scale, search, request.seed, spec)
        return self._truths[key]
