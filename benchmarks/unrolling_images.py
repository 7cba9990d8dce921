"""The unrolled networks at equal layers, on synthetic images of a scene's own materials and variability."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from unmixing.algorithms.bundles import extract_bundles
from unmixing.cubes import scaled_pixels
from unmixing.io.inputs.scenes import open_scene
from unmixing.io.inputs.truth import read_truth
from unmixing.networks.dnmf import DNMF, reconstruction_error
from unmixing.networks.multiplicative import ALMU, NALMU
from unmixing.networks.training import recipes
from unmixing.networks.training.context import TrainingContext
from unmixing.networks.training.loop import Limits, on_sets, optimise
from unmixing.networks.training.supervised import Errors, baseline, layer_errors
from unmixing.networks.unrolled import Unrolled
from unmixing.progress import silent
from unmixing.simulation.training_sets import SyntheticSets, model_scene, synthesise
from unmixing.simulation.truth import TruthSets
from unmixing.specs import AlmuSpec, DnmfSpec, ListaSpec, LpalmSpec, UnrolledSpec

LIBRARY = "library, NNLS"
METHODS = ("LPALM", "LISTA", "DNMF", "NALMU", "ALMU", "MU")
SEED = 0


@dataclass(frozen=True)
class Size:
    """How many layers, how the networks are trained (each with its own learning rate), and on how many sets, that no
    training and no early stopping saw, they are evaluated."""

    layers: tuple[int, ...]
    training: UnrolledSpec
    n_test_sets: int


FULL = Size((1, 2, 4, 8), UnrolledSpec(), 100)
QUICK = Size(
    (1, 2),
    UnrolledSpec(n_runs=3, n_training_sets=16, n_validation_sets=8, pixels_per_set=64, max_epochs=2),
    8,
)


@dataclass(frozen=True)
class Row:
    """Mean NMSE over endmembers, each weighing the same, and over test sets; ``n_layers`` is 0 for the library."""

    scene: str
    method: str
    n_layers: int
    abundances: float
    endmembers: float


def rows(path: Path, size: Size, progress: Callable[[str], None]) -> list[Row]:
    """Every method at every number of layers, each trained for it, on one scene's synthetic sets."""
    context, test = context_of(path, size)
    baseline_errors = baseline(context.reference, context.norms, test, context.row_weight)
    found = [Row(path.stem, LIBRARY, 0, baseline_errors.abundances, baseline_errors.endmembers)]
    for n_layers in size.layers:
        for name, network in networks(context, n_layers, size.training):
            errors = held_out_errors(network, test)
            found.append(Row(path.stem, name, n_layers, errors.abundances, errors.endmembers))
        progress(f"{path.stem}: networks of {n_layers} layers")
    return found


def context_of(path: Path, size: Size) -> tuple[TrainingContext, SyntheticSets]:
    """Training context of a scene, as in ``train_on_synthetic_truth``, and further synthetic sets to evaluate on.

    Of the scene's truth only the number of endmembers is used."""
    truth = read_truth(path)
    assert truth is not None
    with open_scene([path]) as reader:
        pixels, _ = scaled_pixels(reader.read())
    rng, spec = np.random.default_rng(SEED), size.training
    bundles = extract_bundles(pixels, len(truth.endmembers), rng, n_runs=spec.n_runs)
    scene = model_scene(pixels, bundles, rng)
    training, validation, test = (
        synthesise(scene, n_sets, spec.pixels_per_set, rng)
        for n_sets in (spec.n_training_sets, spec.n_validation_sets, size.n_test_sets)
    )
    device = torch.device("cpu")
    return TrainingContext(
        pixels, TruthSets(scene, scene.brightness_model.norms, training, validation), SEED, None, device, silent
    ), test


def networks(context: TrainingContext, n_layers: int, training: UnrolledSpec) -> Iterator[tuple[str, Unrolled]]:
    """METHODS with so many layers, trained, all from the same library."""
    changes = {"n_layers": n_layers, "max_epochs": training.max_epochs}
    yield "LPALM", recipes.lpalm(LpalmSpec().model_copy(update=changes)).fit(context)[0]
    yield "LISTA", recipes.lista(ListaSpec().model_copy(update=changes)).fit(context)[0]
    yield "DNMF", dnmf(context, DnmfSpec().model_copy(update=changes))
    adaptive, _ = recipes.almu(AlmuSpec().model_copy(update=changes)).fit(context)
    assert isinstance(adaptive, ALMU)
    # The NALMU inside is what NALMU's own recipe gives: same start, same sets, same order.
    yield "NALMU", adaptive.nalmu
    yield "ALMU", adaptive
    # Masks of one: multiplicative updates (``NALMU``).
    yield "MU", NALMU(context.reference, context.norms, n_layers)


def dnmf(context: TrainingContext, spec: DnmfSpec) -> DNMF:
    """DNMF from the library, on the same sets as the others, whose truth it does not see."""
    network = DNMF(context.reference, context.norms, spec.n_layers)
    both = context.sets.training, context.sets.validation
    training, held_out = (network.coordinates(torch.from_numpy(sets.pixels)).float() for sets in both)

    def validate() -> float:
        with torch.no_grad():
            return float(reconstruction_error(network, held_out))

    def loss(indices: torch.Tensor) -> torch.Tensor:
        return reconstruction_error(network, training[indices])

    optimiser, losses = on_sets(network, len(training), spec, context.seed, loss)
    optimise(network, optimiser, losses, Limits(spec.max_epochs, spec.patience), validate=validate)
    return network


def held_out_errors(network: Unrolled, sets: SyntheticSets) -> Errors:
    """``layer_errors`` after the last layer, but endmembers are compared in all bands: networks in a subspace would
    not count what lies outside of it."""
    with torch.no_grad():
        pixels = network.coordinates(torch.from_numpy(sets.pixels)).float()
        _, endmembers, _ = network(pixels)
        spectra = network.lift(endmembers).double().numpy()
    error = np.square(spectra - sets.endmembers).sum(axis=2).mean()
    return Errors(layer_errors(network, sets)[-1].abundances, float(error))


def over_scenes(found: Sequence[Row], method: str, n_layers: int) -> Errors:
    """Geometric means over the scenes, whose errors differ by factors."""
    chosen = [row for row in found if (row.method, row.n_layers) == (method, n_layers)]
    return Errors(
        float(np.exp(np.mean(np.log([row.abundances for row in chosen])))),
        float(np.exp(np.mean(np.log([row.endmembers for row in chosen])))),
    )
