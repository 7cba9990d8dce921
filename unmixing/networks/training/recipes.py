"""Recipes of the unrolled networks: how each is built for an image and fitted on synthetic truth."""

import torch

from unmixing.networks.lista import LISTA, LISTACP
from unmixing.networks.lpalm import LPALM
from unmixing.networks.multiplicative import ALMU, NALMU
from unmixing.networks.training.context import Recipe, TrainingContext
from unmixing.networks.training.supervised import History
from unmixing.networks.unrolled import Unrolled
from unmixing.specs import AlmuSpec, ListaSpec, LpalmSpec, NalmuSpec


def lpalm(spec: LpalmSpec) -> Recipe:
    """Abundances and endmembers, every step learned (``networks/lpalm.py``)."""

    def fit(context: TrainingContext) -> tuple[Unrolled, History]:
        network = LPALM(
            context.reference, context.norms, context.basis(spec.n_dimensions), spec.n_layers, context.row_weight,
            context.n_given,
        )  # fmt: skip
        return network, context.train("LPALM", network, spec)

    return Recipe(spec, fit)


def lista(spec: ListaSpec) -> Recipe:
    """Abundances alone; endmembers are the library's (``networks/lista.py``)."""

    def fit(context: TrainingContext) -> tuple[Unrolled, History]:
        network = LISTA(
            context.reference, context.norms, context.basis(spec.n_dimensions), spec.n_layers, context.row_weight
        )
        return network, context.train("LISTA", network, spec)

    return Recipe(spec, fit)


def lista_cp(spec: ListaSpec) -> Recipe:
    """Abundances alone, with coupled weights; endmembers are the library's (``networks/lista.py``)."""

    def fit(context: TrainingContext) -> tuple[Unrolled, History]:
        network = LISTACP(
            context.reference, context.norms, context.basis(spec.n_dimensions), spec.n_layers, context.row_weight
        )
        return network, context.train("LISTA-CP", network, spec)

    return Recipe(spec, fit)


def nalmu(spec: NalmuSpec) -> Recipe:
    """Masks on the multiplicative updates of endmembers (``networks/multiplicative.py``)."""

    def fit(context: TrainingContext) -> tuple[Unrolled, History]:
        network = NALMU(context.reference, context.norms, spec.n_layers)
        return network, context.train("NALMU", network, spec)

    return Recipe(spec, fit)


def almu(spec: AlmuSpec) -> Recipe:
    """NALMU in the first half of the time, then perceptrons that fit its masks to the image."""

    def fit(context: TrainingContext) -> tuple[Unrolled, History]:
        fixed = NALMU(context.reference, context.norms, spec.n_layers)
        context.train("NALMU", fixed, spec, last=0.5)
        adaptive = ALMU(fixed.cpu(), spec.n_hidden, torch.Generator().manual_seed(context.seed))
        return adaptive, context.train("ALMU", adaptive, spec, first=0.5)

    return Recipe(spec, fit)
