"""TRAINERS: how every learned row of METHODS is trained."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from unmixing.networks.training import recipes
from unmixing.networks.training.patches import train_cnnaeu
from unmixing.networks.training.selfsupervised import train_lpalm, train_on_synthetic_truth
from unmixing.networks.training.task import Train
from unmixing.networks.training.unsupervised import train_dnmf
from unmixing.specs import AlmuSpec, ListaSpec, NalmuSpec

TRAINERS: Mapping[str, Train] = MappingProxyType(
    {
        "lpalm": train_lpalm,
        "lista": partial(train_on_synthetic_truth, recipe=recipes.lista(ListaSpec())),
        "lista_cp": partial(train_on_synthetic_truth, recipe=recipes.lista_cp(ListaSpec())),
        "dnmf": train_dnmf,
        "nalmu": partial(train_on_synthetic_truth, recipe=recipes.nalmu(NalmuSpec())),
        "almu": partial(train_on_synthetic_truth, recipe=recipes.almu(AlmuSpec())),
        "cnnaeu": train_cnnaeu,
    }
)
