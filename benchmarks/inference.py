"""Applying a stored model beside one matrix product with the same pixels, on cubes generated here."""

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from unmixing import unmix
from unmixing.algorithms.abundances import fcls
from unmixing.inference.runtime import BLOCK_PIXELS, ModelRunner
from unmixing.inference.sampling import sample_of
from unmixing.specs import UnmixSpec
from unmixing.types import Compute, Float32, TrainedModel

YARDSTICK_COLUMNS = 32
FCLS_PIXELS = 20_000
"""FCLS is measured on so many pixels and counted up: its time is proportional to them."""


@dataclass(frozen=True)
class Applied:
    """Seconds are the least of all repeats, memory is the process's peak so far, the cube included."""

    pixels: int
    bands: int
    endmembers: int
    threads: int
    matmul_seconds: float
    model_seconds: float
    fcls_seconds: float
    ratio_to_matmul: float
    pixels_per_second: float
    peak_mib: float


def mixed_pixels(n_pixels: int, n_bands: int, n_endmembers: int, seed: int = 0) -> Float32:
    """Mixtures of smooth spectra with brightness and noise, (n_pixels, n_bands)."""
    rng = np.random.default_rng(seed)
    bands = np.linspace(0, 1, n_bands)
    centres = np.linspace(0.1, 0.9, n_endmembers)[:, None]
    spectra = (0.2 + 0.6 * np.exp(-(((bands - centres) / 0.2) ** 2))).astype(np.float32)
    pixels = np.empty((n_pixels, n_bands), dtype=np.float32)
    for first in range(0, n_pixels, BLOCK_PIXELS):
        block = pixels[first : first + BLOCK_PIXELS]
        shares = rng.dirichlet(np.full(n_endmembers, 0.5), len(block)) * rng.uniform(0.7, 1.3, (len(block), 1))
        np.matmul(shares.astype(np.float32), spectra, out=block)
        block += 0.003 * rng.standard_normal(block.shape, dtype=np.float32)
    return pixels


def trained_on(pixels: Float32, n_endmembers: int, compute: Compute, seconds: float | None) -> TrainedModel:
    """LPALM at its defaults on (n_pixels, n_bands), seen as one row of an image."""
    result = unmix(pixels[None], UnmixSpec(n_endmembers=n_endmembers, max_training_seconds=seconds), compute=compute)
    model: TrainedModel | None = result.model
    assert model is not None
    return model


def measure_inference(
    sizes: Sequence[int], *, n_bands: int = 200, n_endmembers: int = 5, threads: int = 1, repeats: int = 5
) -> list[Applied]:
    """Apply one model to cubes of these sizes."""
    compute = Compute(threads=threads)
    model = trained_on(mixed_pixels(10_000, n_bands, n_endmembers), n_endmembers, compute, 5.0)
    with threadpool_limits(threads):
        return [_measure(mixed_pixels(n, n_bands, n_endmembers), model, compute, repeats) for n in sizes]


def _measure(pixels: Float32, model: TrainedModel, compute: Compute, repeats: int) -> Applied:
    weights = np.random.default_rng(0).random((pixels.shape[1], YARDSTICK_COLUMNS), dtype=np.float32)
    runner = ModelRunner(model.onnx, compute)
    endmembers = runner.prepare(sample_of(pixels)).endmembers
    few = pixels[:FCLS_PIXELS]
    matmul, applied = np.inf, np.inf
    # Turn by turn, so that what else the machine does meets both.
    for _ in range(repeats):
        matmul = min(matmul, _seconds(lambda: pixels @ weights))
        applied = min(applied, _seconds(lambda: _apply(runner, pixels, len(endmembers))))
    slow = _seconds(lambda: fcls(few[:, list(model.manifest.used_bands)], endmembers)) * len(pixels) / len(few)
    n_pixels, n_bands = pixels.shape
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Applied(
        n_pixels, n_bands, len(endmembers), compute.threads, matmul, applied, slow, applied / matmul,
        n_pixels / applied, peak,
    )  # fmt: skip


def _apply(runner: ModelRunner, pixels: Float32, n_endmembers: int) -> None:
    """The whole of it: the sample, all blocks, and the answers gathered."""
    ready = runner.prepare(sample_of(pixels))
    abundances = np.empty((len(pixels), n_endmembers), dtype=np.float32)
    brightness = np.empty(len(pixels), dtype=np.float32)
    for first in range(0, len(pixels), BLOCK_PIXELS):
        block = slice(first, first + BLOCK_PIXELS)
        output = ready.run(pixels[block])
        abundances[block], brightness[block] = output.abundances, output.brightness


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
