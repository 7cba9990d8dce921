"""METHODS: every way to unmix, one row each. The API, the command line and the benchmarks read this table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from pydantic import BaseModel

from unmixing.algorithms.archetypal import archetypal
from unmixing.algorithms.factorization import Solution
from unmixing.algorithms.ista import ista
from unmixing.algorithms.nmf import nmf
from unmixing.algorithms.palm import palm
from unmixing.algorithms.snmf import snmf
from unmixing.algorithms.vca_fcls import vca_fcls
from unmixing.errors import SpecError, UnknownMethodError, needing
from unmixing.networks.training.task import Train, TrainingTask
from unmixing.progress import Progress
from unmixing.specs import (
    AlmuSpec,
    CnnaeuSpec,
    DnmfSpec,
    IstaSpec,
    ListaSpec,
    LpalmSpec,
    NalmuSpec,
    NmfSpec,
    PalmSpec,
    SnmfSpec,
)
from unmixing.types import Float32, Float64, TrainedModel

Solve = Callable[[Float32, int, np.random.Generator, Progress, Float64 | None], Solution]
"""From pixels (n_pixels, n_bands) of median norm 1, the number of endmembers, the source of randomness, a progress
callback and the endmembers that are given (n_given, n_bands), in the units of the pixels, to the answer."""


@dataclass(frozen=True)
class Method:
    """One row. It either trains a model, which is then applied to the image and can be used again, or solves
    directly, without one."""

    name: str
    title: str
    summary: str
    paper: str
    train: Train | None = None
    solve: Solve | None = None
    own_spec: type[BaseModel] | None = None
    """Spec of its own settings, if it has any; it works with their defaults."""
    knows_uncertainty: bool = False
    """Whether it says how far its abundances may be off: what learns from synthetic truth does."""
    keeps_given: bool = True
    """Whether endmembers can be given to it, which it keeps while it finds the others."""
    without_pure_pixels: bool = False
    """Whether it can be told that no pixel is pure, and then looks for endmembers beyond the pixels."""
    uses_neighbourhood: bool = False
    """Whether it trains on windows of the image, because an abundance depends on the pixels around."""

    def __post_init__(self) -> None:
        if (self.train is None) == (self.solve is None):
            raise ValueError(f"method {self.name!r} has to either train or solve")

    @property
    def trains(self) -> bool:
        """Whether jobs of this method train a model, and so take the time of a training."""
        return self.train is not None


def _train(task: TrainingTask) -> TrainedModel:
    # Torch takes seconds to import and gigabytes to install, and applying a stored model never needs it.
    with needing("train"):
        from unmixing.networks.training.trainers import TRAINERS

    return TRAINERS[task.request.method](task)


_ROWS = (
    Method(
        "lpalm",
        "Self-supervised LPALM",
        "PALM unrolled into a small network, trained on synthetic truth made from the image itself.",
        "Fahes et al. 2022; Hadjeres, Kervazo, Tupin 2024",
        train=_train,
        own_spec=LpalmSpec,
        knows_uncertainty=True,
        without_pure_pixels=True,
    ),
    Method(
        "vca_fcls",
        "VCA + FCLS",
        "The purest pixels by vertex component analysis, then fully constrained least squares.",
        "Nascimento and Bioucas-Dias 2005; Heinz and Chang 2001",
        solve=vca_fcls,
    ),
    Method(
        "archetypal",
        "Archetypal analysis + FCLS",
        "Convex combinations of pixels that explain the image best, then fully constrained least squares.",
        "Cutler and Breiman 1994; Zouaoui et al. 2023",
        solve=archetypal,
    ),
    Method(
        "nmf",
        "NMF",
        "Non-negative matrix factorization by multiplicative updates.",
        "Lee and Seung 1999, 2001",
        solve=nmf,
        own_spec=NmfSpec,
    ),
    Method(
        "snmf",
        "Sparse NMF",
        "Non-negative matrix factorization with an L1 term, by scikit-learn.",
        "Hoyer 2002; Cichocki and Phan 2009",
        solve=snmf,
        own_spec=SnmfSpec,
    ),
    Method(
        "palm",
        "PALM",
        "Proximal alternating linearized minimization, the algorithm that LPALM unrolls.",
        "Bolte, Sabach, Teboulle 2014",
        solve=palm,
        own_spec=PalmSpec,
    ),
    Method(
        "ista",
        "ISTA",
        "Iterative soft thresholding with the endmembers of the image's own library.",
        "Daubechies, Defrise, De Mol 2004",
        solve=ista,
        own_spec=IstaSpec,
    ),
    Method(
        "lista",
        "LISTA",
        "ISTA unrolled with free weights; endmembers are those of the image's own library.",
        "Gregor and LeCun 2010",
        train=_train,
        own_spec=ListaSpec,
        knows_uncertainty=True,
    ),
    Method(
        "lista_cp",
        "LISTA-CP",
        "ISTA unrolled with coupled weights; endmembers are those of the image's own library.",
        "Chen et al. 2018",
        train=_train,
        own_spec=ListaSpec,
        knows_uncertainty=True,
    ),
    Method(
        "dnmf",
        "Deep NMF",
        "Multiplicative updates unrolled, trained on the reconstruction alone.",
        "Nasser, Eldar, Sharan 2022",
        train=_train,
        keeps_given=False,
        own_spec=DnmfSpec,
    ),
    Method(
        "nalmu",
        "NALMU",
        "Multiplicative updates unrolled, with a learned mask on each update of the endmembers.",
        "Hadjeres, Kervazo, Tupin 2024",
        train=_train,
        keeps_given=False,
        own_spec=NalmuSpec,
        knows_uncertainty=True,
    ),
    Method(
        "almu",
        "ALMU",
        "NALMU whose masks adapt to the image, by a small perceptron per layer.",
        "Hadjeres, Kervazo, Tupin 2024",
        train=_train,
        keeps_given=False,
        own_spec=AlmuSpec,
        knows_uncertainty=True,
    ),
    Method(
        "cnnaeu",
        "CNNAEU",
        "A convolutional autoencoder on patches, whose decoder's weights are the endmembers.",
        "Palsson, Ulfarsson, Sveinsson 2021",
        train=_train,
        keeps_given=False,
        own_spec=CnnaeuSpec,
        uses_neighbourhood=True,
    ),
)

METHODS: Mapping[str, Method] = MappingProxyType({row.name: row for row in _ROWS})


COMPARE = "compare"
"""As ``method``: all rows of METHODS."""


def check_method(name: str) -> Method:
    """The row of this name. Raises UnknownMethodError that lists the names there are."""
    if name not in METHODS:
        raise UnknownMethodError(f"method is {name!r}; it has to be one of: {', '.join(sorted(METHODS))}")
    return METHODS[name]


def require_keeps_given(names: Sequence[str]) -> None:
    """Raises SpecError when none of these methods can keep endmembers that are given."""
    if not any(METHODS[name].keeps_given for name in names):
        able = ", ".join(name for name, row in METHODS.items() if row.keeps_given)
        raise SpecError(
            f"endmembers are given, and method {', '.join(names)} cannot keep them; leave them out, or choose one of: "
            f"{able}"
        )


def require_without_pure_pixels(names: Sequence[str]) -> None:
    """Raises SpecError when none of these methods can be told that no pixel is pure."""
    if not any(METHODS[name].without_pure_pixels for name in names):
        able = ", ".join(name for name, row in METHODS.items() if row.without_pure_pixels)
        raise SpecError(
            f"pure_pixels is false, and method {', '.join(names)} cannot be told so; leave it out, or choose one of: "
            f"{able}"
        )


def chosen_methods(method: str) -> tuple[str, ...]:
    """The methods that ``method`` names: one, several with commas between them, or all by ``compare``.

    Raises UnknownMethodError, and SpecError for a method named twice.
    """
    if method == COMPARE:
        return tuple(METHODS)
    names = [name.strip() for name in method.split(",")]
    for name in names:
        check_method(name)
        if names.count(name) > 1:
            raise SpecError(f"method is {method!r}; it names {name!r} twice")
    return tuple(names)
