"""METHODS: every way to unmix, one row each. The API, the command line and the benchmarks read this table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from unmixing.errors import UnknownMethodError
from unmixing.specs import UnmixSpec
from unmixing.types import Compute, Cube, Progress, TrainedModel

Train = Callable[[Cube, int, UnmixSpec, Compute, Progress], TrainedModel]


@dataclass(frozen=True)
class Method:
    """One row. ``train`` makes a model from a cube, the number of endmembers, the spec, where to
    compute and a progress callback."""

    name: str
    title: str
    summary: str
    paper: str
    train: Train

    @property
    def trains(self) -> bool:
        """Whether jobs of this method take the time of a training."""
        return True


def _lpalm(cube: Cube, n_endmembers: int, spec: UnmixSpec, compute: Compute, progress: Progress) -> TrainedModel:
    # Torch takes seconds to import, and applying a stored model never needs it.
    from unmixing.networks.selfsupervised import train_lpalm

    return train_lpalm(cube, n_endmembers, spec, compute, progress)


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method(
                "lpalm",
                "Self-supervised LPALM",
                "PALM unrolled into a small network, trained on synthetic truth made from the image itself.",
                "Fahes et al. 2022; Hadjeres, Kervazo, Tupin 2024",
                _lpalm,
            ),
        )
    }
)


def check_method(name: str) -> Method:
    """The row of this name. Raises UnknownMethodError that lists the names there are."""
    if name not in METHODS:
        raise UnknownMethodError(f"method is {name!r}; it has to be one of: {', '.join(sorted(METHODS))}")
    return METHODS[name]
