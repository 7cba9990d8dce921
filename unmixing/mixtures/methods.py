"""SEPARATION_METHODS: those rows of METHODS that also separate a mixture matrix, and why the others do not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
from pydantic import BaseModel

from unmixing.algorithms.factorization import Factors, counted, iterate
from unmixing.algorithms.nmf import nmf_factors
from unmixing.algorithms.palm import palm_step
from unmixing.algorithms.signed_palm import signed_ista, signed_palm_step
from unmixing.algorithms.snmf import snmf_factors
from unmixing.errors import SceneContentError, SpecError
from unmixing.methods import chosen_methods
from unmixing.mixtures.specs import SeparationNetworkSpec, SparseSpec
from unmixing.progress import Progress
from unmixing.specs import NmfSpec, SnmfSpec
from unmixing.types import Float32, Float64

Solve = Callable[[Float32, Float64, bool, Progress], Factors]
"""From mixtures (n_samples, n_channels) of mean power 1, a mixing matrix to start from (n_sources, n_channels), rows of
unit norm, and whether nothing may be negative, to sources and mixing matrix."""

Factorize = Callable[[Float32, int, np.random.Generator, Progress], Factors]


@dataclass(frozen=True)
class SeparationMethod:
    """One row: a network trained on a library of mixing matrices, a solver that starts from the library's mean, or a
    factorization of non-negative mixtures that knows no library."""

    solve: Solve | None = None
    factorize: Factorize | None = None
    settings: type[BaseModel] = SeparationNetworkSpec
    """Spec of its own settings; it works with their defaults."""

    @property
    def trains(self) -> bool:
        """Whether it is a network."""
        return self.solve is None and self.factorize is None


def _palm(mixtures: Float32, start: Float64, nonnegative: bool, progress: Progress) -> Factors:
    spec = SparseSpec()
    return iterate(
        partial(palm_step if nonnegative else signed_palm_step, mixtures, threshold=spec.threshold),
        Factors(np.zeros((len(mixtures), len(start))), start),
        max_iterations=spec.max_iterations,
        tolerance=spec.tolerance,
        progress=counted(progress, "PALM", spec.max_iterations),
    )


def _ista(mixtures: Float32, start: Float64, nonnegative: bool, progress: Progress) -> Factors:
    spec = SparseSpec()
    return signed_ista(
        mixtures,
        start,
        spec.threshold,
        max_iterations=spec.max_iterations,
        tolerance=spec.tolerance,
        non_negative=nonnegative,
        progress=counted(progress, "ISTA", spec.max_iterations),
    )


SEPARATION_METHODS: Mapping[str, SeparationMethod] = MappingProxyType(
    {
        "lpalm": SeparationMethod(),
        "lista": SeparationMethod(),
        "lista_cp": SeparationMethod(),
        "dnmf": SeparationMethod(),
        "palm": SeparationMethod(solve=_palm, settings=SparseSpec),
        "ista": SeparationMethod(solve=_ista, settings=SparseSpec),
        "nmf": SeparationMethod(factorize=nmf_factors, settings=NmfSpec),
        "snmf": SeparationMethod(factorize=snmf_factors, settings=SnmfSpec),
    }
)

IMAGES_ONLY: Mapping[str, str] = MappingProxyType(
    {
        "vca_fcls": "its abundances are shares that sum to one, which sources do not",
        "archetypal": "its abundances are shares that sum to one, which sources do not",
        "nalmu": "its masks are learned from the spectral variability in the bundles of an image",
        "almu": "its masks are learned from the spectral variability in the bundles of an image",
        "cnnaeu": "it looks at the neighbours of a pixel, which samples do not have",
    }
)
"""Why the other methods do not apply to mixtures."""


def check_separation_method(name: str) -> SeparationMethod:
    """The row of this name. Raises UnknownMethodError, and SpecError that says why a method is for images alone."""
    if len(chosen_methods(name)) > 1:
        raise SpecError(f"method is {name!r}; methods are compared on images, mixtures are separated by one at a time")
    if name in IMAGES_ONLY:
        fitting = ", ".join(sorted(SEPARATION_METHODS))
        raise SpecError(f"method {name!r} is for images: {IMAGES_ONLY[name]}; mixtures can be separated by: {fitting}")
    return SEPARATION_METHODS[name]


def require_signs_fit(mixtures: Float32, method: str) -> None:
    """Raises SceneContentError when a method needs mixtures that are nowhere negative and these are."""
    n_negative = int((mixtures < 0).sum())
    if n_negative and check_separation_method(method).factorize is not None:
        raise SceneContentError(
            f"method {method!r} needs mixtures that are nowhere negative; {n_negative} of {mixtures.size} numbers are"
        )
