"""unmix(): a cube in, its materials and their maps out."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from unmixing.algorithms.abundances import best_brightness
from unmixing.algorithms.dimension import count_endmembers
from unmixing.cubes import cube_from_array, typical_norm
from unmixing.errors import BandMismatchError, SceneContentError, SpecError
from unmixing.inference.neighbourhoods import pixel_reader
from unmixing.inference.reconstruction import ReconstructionMetrics
from unmixing.inference.runtime import BLOCK_PIXELS, ModelOutput, ModelRunner
from unmixing.inference.sampling import draw_keys, lowest
from unmixing.methods import Solve, check_method
from unmixing.progress import Progress, never_back, part_of, silent
from unmixing.specs import UnmixSpec
from unmixing.types import Compute, Cube, Float32, TrainedModel, Unmixing

COUNTING_SHARE, TRAINING_SHARE = 0.2, 0.9
"""Shares of the progress at which a count of endmembers, when it is asked for, and the training end."""

ESTIMATOR = "residual elbow"


def unmix(
    cube: Cube | NDArray[Any],
    *,
    n_endmembers: int | None = None,
    method: str = "lpalm",
    seed: int = 0,
    max_training_seconds: float | None = None,
    model: TrainedModel | None = None,
    wavelengths_nm: ArrayLike | None = None,
    compute: Compute | None = None,
    progress: Progress | None = None,
) -> Unmixing:
    """Find the materials of an image and how much of each is in every pixel.

    cube: (rows, columns, bands), or a Cube. n_endmembers: 2 to 32, estimated when missing (``dimension.py``).
    method: name of a row of METHODS. model: use this trained model and train nothing.
    wavelengths_nm: (bands,), only for an array.
    progress: called with the share done and the stage in words; it may raise Cancelled.

    Raises SceneContentError and SceneFormatError for cubes that cannot be unmixed, SpecError and
    UnknownMethodError for arguments that do not fit, BandMismatchError for a model of other bands.

    >>> result = unmix(cube, n_endmembers=3)                             # doctest: +SKIP
    >>> result.abundances.shape                                          # doctest: +SKIP
    (95, 95, 3)
    """
    spec = UnmixSpec(method=method, n_endmembers=n_endmembers, seed=seed, max_training_seconds=max_training_seconds)
    row = check_method(method)
    compute = compute or Compute()
    report = never_back(progress or silent)
    if not isinstance(cube, Cube):
        cube = cube_from_array(np.asarray(cube), wavelengths_nm=wavelengths_nm)
    started = time.perf_counter()
    metrics: dict[str, Any] = {}
    seconds: Mapping[str, float] = {}
    with threadpool_limits(compute.threads):
        if model is not None:
            require_fit(model, cube.shape[2], n_endmembers)
            cube = _with_bands_of(cube, model)
        else:
            count, found = _count_endmembers(cube, spec, part_of(report, 0.0, COUNTING_SHARE))
            metrics |= found
            after_counting = COUNTING_SHARE if n_endmembers is None else 0.0
            if row.train is not None:
                model = row.train(cube, count, spec, compute, part_of(report, after_counting, TRAINING_SHARE))
                metrics, seconds = metrics | model.manifest.metrics, model.seconds
        answering = time.perf_counter()
        if model is not None:
            output = _apply(cube, model, compute, part_of(report, TRAINING_SHARE, 1.0))
        else:
            assert row.solve is not None  # a Method either trains or solves
            output, found = _solve(cube, count, row.solve, seed, part_of(report, after_counting, 1.0))
            metrics |= found
        finished = time.perf_counter()
    metrics |= _reconstruction(cube, output)
    metrics["seconds"] = {
        **seconds,
        "solving" if model is None else "inference": round(finished - answering, 4),
        "total": round(finished - started, 4),
    }
    return _result(cube, output, model, metrics)


def require_fit(model: TrainedModel, n_bands: int, n_endmembers: int | None) -> None:
    """Whether a model can be used on an image of ``n_bands`` for ``n_endmembers`` (None: the model's own).

    Raises BandMismatchError and SpecError that name both numbers.
    """
    if model.manifest.kind != "image":
        raise SpecError("the model was trained on mixtures, not on an image")
    trained_bands, trained_count = model.manifest.n_bands, model.manifest.n_endmembers
    if n_bands != trained_bands:
        raise BandMismatchError(f"the cube has {n_bands} bands, the model was trained on {trained_bands} bands")
    if n_endmembers not in (None, trained_count):
        raise SpecError(f"n_endmembers is {n_endmembers}, the model was trained for {trained_count} endmembers")


def _with_bands_of(cube: Cube, model: TrainedModel) -> Cube:
    """The cube with the model's choice of bands. Raises BandMismatchError when one of them has no data here."""
    used = np.zeros(cube.shape[2], dtype=bool)
    used[list(model.manifest.used_bands)] = True
    finite = np.isfinite(cube.values)
    empty = np.flatnonzero(used & ~finite.any(axis=(0, 1)))
    if empty.size:
        raise BandMismatchError(f"the model needs band {empty[0]} (counted from 0), which has no data in this cube")
    valid = finite[:, :, used].all(axis=2) & (cube.values[:, :, used] != 0).any(axis=2)
    if not valid.any():
        raise SceneContentError(f"no pixel has data in all of the {used.sum()} bands the model uses")
    return replace(cube, used_bands=used, valid_pixels=valid)


def _count_endmembers(cube: Cube, spec: UnmixSpec, report: Progress) -> tuple[int, dict[str, Any]]:
    """How many endmembers to look for, and what the results say of it. Raises when the cube holds too little."""
    pixels = cube.pixels()
    n_pixels, n_bands = pixels.shape
    if spec.n_endmembers is None:
        words = "counting endmembers"
        report(0.0, words)
        count = count_endmembers(pixels, np.random.default_rng(spec.seed), progress=lambda share: report(share, words))
        return count.n_endmembers, {
            "n_endmembers_estimated_by": ESTIMATOR,
            "n_endmembers_certainty": count.certainty,
            "n_endmembers_residuals": list(count.residuals),
        }
    if n_pixels < spec.n_endmembers:
        raise SceneContentError(f"the cube has {n_pixels} pixels with data, n_endmembers asks for {spec.n_endmembers}")
    if n_bands < spec.n_endmembers:
        raise SpecError(f"n_endmembers is {spec.n_endmembers}, the cube has only {n_bands} usable bands")
    return spec.n_endmembers, {"n_endmembers_estimated_by": None}


def _solve(
    cube: Cube, n_endmembers: int, solve: Solve, seed: int, report: Progress
) -> tuple[ModelOutput, dict[str, bool | int | float]]:
    """A method without a model on all valid pixels, and what it says about its way there.

    The pixels are divided by their median norm first, so that no method depends on the unit of the numbers.
    """
    pixels = cube.pixels()
    scale = np.float32(typical_norm(pixels))
    solution = solve(pixels / scale, n_endmembers, np.random.default_rng(seed), report)
    output = ModelOutput(
        (solution.endmembers * scale).astype(np.float32),
        solution.abundances.astype(np.float32),
        best_brightness(pixels / scale, solution.abundances, solution.endmembers).astype(np.float32),
    )
    return output, dict(solution.metrics)


def _apply(cube: Cube, model: TrainedModel, compute: Compute, report: Progress) -> ModelOutput:
    """The model on all valid pixels, block by block; with the pixels around each, where the model needs them."""
    runner = ModelRunner(model.onnx, compute)
    side = model.manifest.neighbourhood
    read, n_valid, block = pixel_reader(cube, side), int(cube.valid_pixels.sum()), BLOCK_PIXELS // side**2
    report(0.0, "unmixing the image")
    prepared = runner.prepare(read(lowest(draw_keys(np.flatnonzero(cube.valid_pixels)))))
    blocks = []
    for first in range(0, n_valid, block):
        blocks.append(prepared.run(read(slice(first, first + block))))
        report(first / n_valid, "unmixing the image")
    return ModelOutput(
        blocks[0].endmembers,
        np.concatenate([output.abundances for output in blocks]),
        np.concatenate([output.brightness for output in blocks]),
        None
        if blocks[0].uncertainty is None
        else np.concatenate([output.uncertainty for output in blocks if output.uncertainty is not None]),
    )


def _reconstruction(cube: Cube, output: ModelOutput) -> dict[str, float]:
    reconstruction = ReconstructionMetrics()
    reconstruction.add(cube.pixels(), output)
    return reconstruction.metrics()


def _result(cube: Cube, output: ModelOutput, model: TrainedModel | None, metrics: dict[str, Any]) -> Unmixing:
    """The answer in the shape of the input: NaN in bands and pixels that were left out."""
    n_bands, count = cube.shape[2], len(output.endmembers)
    names = (
        tuple(f"endmember {number}" for number in range(1, count + 1))
        if model is None
        else model.manifest.endmember_names
    )
    endmembers: Float32 = np.full((count, n_bands), np.nan, dtype=np.float32)
    endmembers[:, cube.used_bands] = output.endmembers
    return Unmixing(
        endmembers,
        _as_image(output.abundances, cube),
        _as_image(output.brightness, cube),
        names,
        metrics,
        model,
        None if output.uncertainty is None else _as_image(output.uncertainty, cube),
    )


def _as_image(values: Float32, cube: Cube) -> Float32:
    """Numbers of the valid pixels (n_valid_pixels, ...) in their places, NaN elsewhere, (rows, columns, ...)."""
    image: Float32 = np.full((*cube.shape[:2], *values.shape[1:]), np.nan, dtype=np.float32)
    image[cube.valid_pixels] = values
    return image
