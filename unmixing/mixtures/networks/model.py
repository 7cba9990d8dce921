"""From a library and a model of the sources to a trained, exported, checked model that separates mixtures."""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch

from unmixing.inference.runtime import ModelRunner
from unmixing.mixtures.networks.baselines import SeparationDNMF, SeparationLISTA, SeparationLISTACP
from unmixing.mixtures.networks.separators import SeparationGraph, SeparationLPALM, Separator
from unmixing.mixtures.networks.training import Loss, reconstruction, sources_alone, supervised, train_separation
from unmixing.mixtures.sources import SourceModel
from unmixing.mixtures.specs import SeparationNetworkSpec, SeparationSpec
from unmixing.networks.devices import torch_device
from unmixing.networks.export.onnx import export_onnx, parity_error, require_parity
from unmixing.progress import Progress
from unmixing.types import Compute, Float32, Float64, TrainedModel

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
    library: Float64,
    sources: SourceModel,
    example: Float32,
    request: SeparationSpec,
    compute: Compute,
    progress: Progress,
    spec: SeparationNetworkSpec | None = None,
) -> TrainedModel:
    """The network of ``request.method`` trained on ``library`` (n_matrices, n_sources, n_channels), rows of unit norm.

    example: (n_samples, n_channels), mixtures to check the export with. Raises ModelParityError when the exported
    model does not say what the network says.
    """
    spec = spec or SeparationNetworkSpec()
    started = time.perf_counter()
    with torch_device(compute) as device:
        build, loss, title = SEPARATORS[request.method]
        network = build(library, spec, nonnegative=sources.nonnegative).to(device)
        history = train_separation(
            network,
            library,
            sources,
            spec,
            seed=request.seed,
            max_seconds=request.max_training_seconds,
            loss=loss,
            on_epoch=lambda epoch, errors: progress(
                EXPORT_STARTS * epoch / spec.max_epochs,
                f"training {title}",
                f"epoch {epoch} of at most {spec.max_epochs}, validation NMSE {errors.sources:.4f}",
            ),
        )
        trained = time.perf_counter()
        progress(EXPORT_STARTS, "exporting and checking the model")
        onnx, error = export_separator(network.cpu(), example, compute)
    metrics = {
        "validation_nmse": [errors.sources for errors in history.epochs],
        "validation_nmse_mixing_matrix": [errors.mixing_matrix for errors in history.epochs],
        "training_stopped_by": history.stopped_by,
        "n_layers": spec.n_layers,
        "n_parameters": sum(parameter.numel() for parameter in network.parameters()),
        "seconds": {
            "training": round(trained - started, 4),
            "export": round(time.perf_counter() - trained, 4),
        },
    }
    return TrainedModel(onnx, _manifest(library, sources, request, spec, error, metrics))


def export_separator(network: Separator, example: Float32, compute: Compute) -> tuple[bytes, float]:
    """The network as ONNX, and how far ONNX Runtime is from PyTorch on ``example`` (n_samples, n_channels).

    Raises ModelParityError when they differ too much.
    """
    graph = SeparationGraph(network.requires_grad_(False))
    onnx = export_onnx(graph, example)
    with torch.no_grad():
        error = parity_error(graph, ModelRunner(onnx, Compute(threads=compute.threads)), example)
    require_parity(error)
    return onnx, error


def _manifest(
    library: Float64,
    sources: SourceModel,
    request: SeparationSpec,
    spec: SeparationNetworkSpec,
    error: float,
    metrics: dict[str, Any],
) -> dict[str, Any]:
    _, n_sources, n_channels = library.shape
    return {
        "method": request.method,
        "kind": "mixtures",
        "n_bands": n_channels,
        "used_bands": list(range(n_channels)),
        "n_endmembers": n_sources,
        "endmember_names": [f"source {number}" for number in range(1, n_sources + 1)],
        "wavelengths_nm": None,
        "nonnegative": sources.nonnegative,
        "spec": {**request.model_dump(), "network": spec.model_dump()},
        "metrics": metrics,
        "onnx_parity": error,
    }
