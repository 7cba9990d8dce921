"""The unrolled networks that learn from synthetic truth: how each is built for an image, and trained."""

import torch

from unmixing.networks.lesson import Course, Lesson
from unmixing.networks.lista import LISTA, LISTACP
from unmixing.networks.lpalm import LPALM
from unmixing.networks.multiplicative import ALMU, NALMU
from unmixing.networks.training import History
from unmixing.networks.unrolled import Unrolled
from unmixing.specs import AlmuSpec, ListaSpec, LpalmSpec, NalmuSpec


def lpalm(spec: LpalmSpec) -> Course:
    """Abundances and endmembers, every step learned (``networks/lpalm.py``)."""

    def learn(lesson: Lesson) -> tuple[Unrolled, History]:
        network = LPALM(
            lesson.reference, lesson.norms, lesson.basis(spec.n_dimensions), spec.n_layers, lesson.row_weight
        )
        return network, lesson.train("LPALM", network, spec)

    return Course(spec, learn)


def lista(spec: ListaSpec) -> Course:
    """Abundances alone; endmembers are the library's (``networks/lista.py``)."""

    def learn(lesson: Lesson) -> tuple[Unrolled, History]:
        network = LISTA(
            lesson.reference, lesson.norms, lesson.basis(spec.n_dimensions), spec.n_layers, lesson.row_weight
        )
        return network, lesson.train("LISTA", network, spec)

    return Course(spec, learn)


def lista_cp(spec: ListaSpec) -> Course:
    """Abundances alone, with coupled weights; endmembers are the library's (``networks/lista.py``)."""

    def learn(lesson: Lesson) -> tuple[Unrolled, History]:
        network = LISTACP(
            lesson.reference, lesson.norms, lesson.basis(spec.n_dimensions), spec.n_layers, lesson.row_weight
        )
        return network, lesson.train("LISTA-CP", network, spec)

    return Course(spec, learn)


def nalmu(spec: NalmuSpec) -> Course:
    """Masks on the multiplicative updates of endmembers (``networks/multiplicative.py``)."""

    def learn(lesson: Lesson) -> tuple[Unrolled, History]:
        network = NALMU(lesson.reference, lesson.norms, spec.n_layers)
        return network, lesson.train("NALMU", network, spec)

    return Course(spec, learn)


def almu(spec: AlmuSpec) -> Course:
    """NALMU in the first half of the time, then perceptrons that fit its masks to the image."""

    def learn(lesson: Lesson) -> tuple[Unrolled, History]:
        fixed = NALMU(lesson.reference, lesson.norms, spec.n_layers)
        lesson.train("NALMU", fixed, spec, last=0.5)
        adaptive = ALMU(fixed.cpu(), spec.n_hidden, torch.Generator().manual_seed(lesson.seed))
        return adaptive, lesson.train("ALMU", adaptive, spec, first=0.5)

    return Course(spec, learn)
