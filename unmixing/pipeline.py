"""unmix(): an image in, its materials and their maps out.

Every method goes the same way: it is fitted on what of the image it is given (``fit``), then every pixel goes through
the unmixer that came out, block by block (``inference.apply``).
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from unmixing.algorithms.dimension import count_endmembers
from unmixing.cubes import typical_norm
from unmixing.errors import SceneContentError, SpecError
from unmixing.inference.apply import ArrayMaps, Maps, unmix_rows
from unmixing.inference.images import Image, as_image, blanked
from unmixing.inference.model_fit import info_for_model, require_fit
from unmixing.inference.provenance import provenance
from unmixing.inference.reconstruction import ReconstructionMetrics
from unmixing.inference.runtime import ModelRunner
from unmixing.inference.sampling import SAMPLE_PIXELS, draw_sample
from unmixing.inference.training_images import TrainingImage, training_image
from unmixing.inference.unmixers import FactorizationUnmixer, ModelUnmixer, Unmixer
from unmixing.methods import Method, check_method
from unmixing.naming import library_names, margin, match_library
from unmixing.networks.training.task import TrainingTask
from unmixing.progress import Progress, never_back, part_of, silent
from unmixing.screening.fill import FillSearch
from unmixing.simulation.truth import SharedTruth
from unmixing.specs import UnmixSpec
from unmixing.types import Compute, Cube, Float32, ImageInfo, SpectralLibrary, TrainedModel, Unmixing
from unmixing.warnings.answer import answer_warnings
from unmixing.warnings.reading import reading_warnings
from unmixing.warnings.table import merged

READING_SHARE, COUNTING_SHARE, FITTING_SHARE = 0.05, 0.2, 0.9
"""Shares of the progress at which reading, a count of endmembers, when it is asked for, and the fit end."""

ESTIMATOR = "residual elbow"


@dataclass(frozen=True, eq=False)
class FittedMethod:
    """A method after it has seen an image: ready for all of its pixels.

    info: which bands are used, and what else is known. model: the network, None of methods without one.
    spec: all that was chosen, JSON-able. metrics: what fitting says of itself, JSON-able. seconds: per stage.
    """

    info: ImageInfo
    unmixer: Unmixer
    endmember_names: tuple[str, ...]
    spec: Mapping[str, Any]
    model: TrainedModel | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def endmembers(self) -> Float32:
        """Over all bands of the input, NaN where a band is not used, (n_endmembers, bands)."""
        found = self.unmixer.endmembers
        spectra: Float32 = np.full((len(found), self.info.shape[2]), np.nan, dtype=np.float32)
        spectra[:, self.info.used_bands] = found
        return spectra

    def named_by(self, library: SpectralLibrary) -> "FittedMethod":
        """Its endmembers named where the library knows them; ``library_matches`` and ``library_margins``
        join the metrics.

        Raises LibraryMismatchError. The model keeps its own names.
        """
        matches = match_library(self.endmembers, self.info.wavelengths_nm, library)
        said = {
            "library_matches": [[asdict(match) for match in found] for found in matches],
            "library_margins": [margin(found) for found in matches],
        }
        names = library_names(matches, self.endmember_names)
        return replace(self, endmember_names=names, metrics={**self.metrics, **said})

    def result(self, maps: Maps, reconstruction: ReconstructionMetrics, seconds: Mapping[str, float]) -> Unmixing:
        """The answer, from the maps of the whole image: (rows, columns, ...) each."""
        taken = {**self.seconds, **seconds}
        metrics = {**self.metrics, **reconstruction.metrics(), "seconds": taken}
        return Unmixing(
            endmembers=self.endmembers,
            abundances=maps.abundances,
            brightness=maps.brightness,
            endmember_names=self.endmember_names,
            metrics=metrics,
            model=self.model,
            uncertainty=maps.uncertainty,
            provenance=provenance(self.spec["method"], self.spec, taken),
            warnings=answer_warnings(self.info, self.unmixer.endmembers, self.model, metrics),
        )


def unmix(
    image: Image | Cube | NDArray[Any],
    spec: UnmixSpec | None = None,
    *,
    model: TrainedModel | None = None,
    compute: Compute | None = None,
    progress: Progress | None = None,
) -> Unmixing:
    """Find the materials of an image and how much of each is in every pixel.

    image: (rows, columns, bands), a Cube, or an opened scene. spec: method, number of endmembers, seed and so on.
    model: use this trained model and train nothing.
    progress: see ``Progress``; it may raise Cancelled.

    Raises SceneContentError and SceneFormatError for images that cannot be unmixed, SpecError and
    UnknownMethodError for arguments that do not fit, BandMismatchError for a model of other bands.

    >>> rng = np.random.default_rng(0)
    >>> cube = rng.dirichlet([0.3, 0.3], size=(20, 20)) @ rng.random((2, 30))
    >>> result = unmix(cube, UnmixSpec(method="vca_fcls", n_endmembers=2))
    >>> result.endmembers.shape, result.abundances.shape
    ((2, 30), (20, 20, 2))
    """
    spec, compute = spec or UnmixSpec(), compute or Compute()
    report = never_back(progress or silent)
    opened, started = as_image(image), time.perf_counter()
    fitted = fit_image(opened, spec, model, compute, part_of(report, 0.0, FITTING_SHARE))
    maps, applying = ArrayMaps(opened.shape, fitted.unmixer), time.perf_counter()
    rows, after = (0, opened.shape[0]), part_of(report, FITTING_SHARE, 1.0)
    with threadpool_limits(compute.threads):
        seen = blanked(opened, fitted.info.fill_values)
        reconstruction = unmix_rows(seen, fitted.unmixer, fitted.info.used_bands, rows, maps.write, after)
    finished = time.perf_counter()
    seconds = {"inference": round(finished - applying, 4), "total": round(finished - started, 4)}
    return fitted.result(maps.maps, reconstruction, seconds)


def fit_image(
    image: Image, spec: UnmixSpec, model: TrainedModel | None, compute: Compute, progress: Progress
) -> FittedMethod:
    """The method of ``spec`` fitted on the image, or ``model`` after a look at a sample of it. Raises as ``unmix``."""
    with threadpool_limits(compute.threads):
        if model is not None:
            return fit_model(image, model, spec.n_endmembers, compute, progress)
        check_method(spec.method)
        seen = training_image(image, part_of(progress, 0.0, READING_SHARE))
        return fit(seen, spec, compute, part_of(progress, READING_SHARE, 1.0))


def fit(
    seen: TrainingImage, spec: UnmixSpec, compute: Compute, progress: Progress, truth: SharedTruth | None = None
) -> FittedMethod:
    """Fit the method of ``spec`` on an image. truth: what several methods share. Raises as ``unmix``."""
    row = check_method(spec.method)
    after_counting = COUNTING_SHARE if spec.n_endmembers is None else 0.0
    count, metrics = _count_endmembers(seen.cube, spec, part_of(progress, 0.0, COUNTING_SHARE))
    cube = seen.windows if row.uses_neighbourhood else seen.cube
    metrics |= {} if seen.whole else {"fitted_on_pixels": int(cube.valid_pixels.sum())}
    report = part_of(progress, after_counting, 1.0)
    if row.train is not None:
        model = row.train(TrainingTask(cube, count, spec, compute, report, truth or SharedTruth()))
        return prepared_model(seen, model, metrics, compute)
    return _solved(seen, row, spec.model_copy(update={"n_endmembers": count}), metrics, report)


def prepared_model(
    seen: TrainingImage, model: TrainedModel, metrics: Mapping[str, Any], compute: Compute
) -> FittedMethod:
    """A model that was trained on this very image, after a look at its sample."""
    fitted = _prepared(model, seen.info, seen.sample(), compute)
    return replace(fitted, metrics={**metrics, **model.manifest.metrics}, seconds=model.seconds)


def _prepared(model: TrainedModel, info: ImageInfo, sample: Float32, compute: Compute) -> FittedMethod:
    """A model after a look at a sample (n_sample, bands) of an image."""
    side = model.manifest.neighbourhood
    prepared = ModelRunner(model.onnx, compute).prepare(_around(sample, side))
    return FittedMethod(info, ModelUnmixer(prepared, side), model.manifest.endmember_names, spec_of(model), model)


def spec_of(model: TrainedModel) -> dict[str, Any]:
    """All that was chosen when the model was trained, JSON-able."""
    return {**model.manifest.request, "method": model.manifest.method, "network": model.manifest.network}


def fit_model(
    image: Image, model: TrainedModel, n_endmembers: int | None, compute: Compute, progress: Progress
) -> FittedMethod:
    """A stored model, after a look at a sample of another image. Raises as ``require_fit`` and ``draw_sample``."""
    require_fit(model, image.shape[2], n_endmembers)
    info = info_for_model(image, model)
    used = np.flatnonzero(info.used_bands)
    _, sample = draw_sample(image, used, SAMPLE_PIXELS, progress)
    search = FillSearch(len(used), image.scale)
    search.add(sample[:, used])
    if fills := search.found():  # they have taken the place of pixels in the sample
        info = replace(info, fill_values=fills)
        _, sample = draw_sample(blanked(image, fills), used, SAMPLE_PIXELS, progress)
    info = replace(info, warnings=merged(info.warnings, reading_warnings(sample[:, used], used)))
    return _prepared(model, info, sample, compute)


def _around(sample: Float32, side: int) -> Float32:
    """A sample as a model of that neighbourhood takes it; none of them estimates anything from it."""
    return sample if side == 1 else np.tile(sample[:1], (1, side**2))


def _count_endmembers(cube: Cube, spec: UnmixSpec, report: Progress) -> tuple[int, dict[str, Any]]:
    """How many endmembers to look for, and what the results say of it. Raises when the cube holds too little."""
    pixels = cube.pixels()
    n_pixels, n_bands = pixels.shape
    if spec.n_endmembers is None:
        stage = "counting endmembers"
        report(0.0, stage)
        count = count_endmembers(pixels, np.random.default_rng(spec.seed), progress=lambda share: report(share, stage))
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


def _solved(
    seen: TrainingImage, row: Method, spec: UnmixSpec, metrics: Mapping[str, Any], report: Progress
) -> FittedMethod:
    """A method without a model on the pixels it is given.

    They are divided by their median norm first, so that no method depends on the unit of the numbers.
    """
    assert row.solve is not None  # a Method either trains or solves
    assert spec.n_endmembers is not None  # counted before
    started = time.perf_counter()
    pixels = seen.cube.pixels()
    scale = typical_norm(pixels)
    solution = row.solve(pixels / np.float32(scale), spec.n_endmembers, np.random.default_rng(spec.seed), report)
    known = (seen.positions, solution.abundances.astype(np.float32)) if seen.whole else None
    unmixer = FactorizationUnmixer(
        (solution.endmembers * scale).astype(np.float32), scale, np.flatnonzero(seen.info.used_bands),
        solution.abundances_of, known,
    )  # fmt: skip
    names = tuple(f"endmember {number}" for number in range(1, spec.n_endmembers + 1))
    seconds = {"solving": round(time.perf_counter() - started, 4)}
    own = {} if row.own_spec is None else {row.name: row.own_spec().model_dump(mode="json")}
    asked = {**spec.model_dump(mode="json"), **own}
    return FittedMethod(seen.info, unmixer, names, asked, None, {**metrics, **solution.metrics}, seconds)
