"""From a library and a model of the sources to a trained, exported, checked model that separates mixtures."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from pydantic import JsonValue

from unmixing.manifest import ModelManifest
from unmixing.mixtures.networks.baselines import SeparationDNMF, SeparationLISTA, SeparationLISTACP
from unmixing.mixtures.networks.separators import SeparationGraph, SeparationLPALM, Separator
from unmixing.mixtures.networks.training import (
    Loss,
    SeparationErrors,
    reconstruction,
    sources_alone,
    supervised,
    train_separation,
)
from unmixing.mixtures.sources import MixturePrior
from unmixing.mixtures.specs import SeparationNetworkSpec, SeparationSpec
from unmixing.networks.devices import torch_device
from unmixing.networks.export.checked import Stages, checked_model, versions
from unmixing.networks.training.loop import Run
from unmixing.progress import Progress
from unmixing.types import Compute, Float32, TrainedModel

EXPORT_STARTS = 0.9

SEPARATORS: Mapping[str, tuple[Callable[..., Separator], Loss, str]] = MappingProxyType(
    {
        "lpalm": (SeparationLPALM, supervised, "LPALM"),
        "lista": (SeparationLISTA, sources_alone, "LISTA"),
        "lista_cp": (SeparationLISTACP, sources_alone, "LISTA-CP"),
        "dnmf": (SeparationDNMF, reconstruction, "DNMF"),
    }
)
"""Network, loss and title of every learned row of SEPARATION_METHODS: LISTA and LISTA-CP estimate sources alone, DNMF
sees no truth."""


def train_separation_model(
    prior: MixturePrior,
    example: Float32,
    request: SeparationSpec,
    compute: Compute,
    progress: Progress,
    spec: SeparationNetworkSpec | None = None,
) -> TrainedModel:
    """The network of ``request.method``, trained on what is known of the mixtures beforehand.

    example: (n_samples, n_channels), mixtures to check the export with. Raises ModelParityError when the exported
    model does not say what the network says.
    """
    spec = spec or SeparationNetworkSpec()
    stages = Stages()
    build, loss, title = SEPARATORS[request.method]

    def on_epoch(epoch: int, errors: SeparationErrors) -> None:
        detail = f"epoch {epoch} of at most {spec.max_epochs}, validation NMSE {errors.sources:.4f}"
        progress(EXPORT_STARTS * epoch / spec.max_epochs, f"training {title}", detail)

    with torch_device(compute) as device:
        network = build(prior.library, spec, nonnegative=prior.sources.nonnegative).to(device)
        run = Run(request.seed, request.max_training_seconds)
        history = train_separation(network, prior, spec, run, loss, on_epoch)
        stages.lap("training")
        progress(EXPORT_STARTS, "exporting and checking the model")
        metrics: dict[str, JsonValue] = {
            "validation_nmse": [errors.sources for errors in history.epochs],
            "validation_nmse_mixing_matrix": [errors.mixing_matrix for errors in history.epochs],
            "training_stopped_by": history.stopped_by,
            "n_layers": spec.n_layers,
            "n_parameters": sum(parameter.numel() for parameter in network.parameters()),
        }
        manifest = _manifest(prior, request, spec, metrics)
        model = checked_model(SeparationGraph(network.cpu()), example, manifest, compute)
        stages.lap("export")
    return replace(model, seconds=stages.seconds)


def _manifest(
    prior: MixturePrior, request: SeparationSpec, spec: SeparationNetworkSpec, metrics: dict[str, JsonValue]
) -> ModelManifest:
    _, n_sources, n_channels = prior.library.shape
    return ModelManifest(
        kind="mixtures",
        method=request.method,
        request=request.model_dump(mode="json"),
        network=spec.model_dump(mode="json"),
        n_bands=n_channels,
        used_bands=tuple(range(n_channels)),
        n_endmembers=n_sources,
        endmember_names=tuple(f"source {number}" for number in range(1, n_sources + 1)),
        abundances_of="sources",
        nonnegative=prior.sources.nonnegative,
        versions=versions(),
        metrics=metrics,
    )
