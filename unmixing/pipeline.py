"""The way of every method from an image to its materials and their maps.

Every method goes the same way: it is fitted on what of the image it is given (``fit``), then every pixel goes through
the unmixer that came out, block by block (``inference.apply``).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from unmixing.cubes import scaled_pixels
from unmixing.inference.apply import ArrayMaps, Maps, unmix_rows
from unmixing.inference.counting import endmembers_to_find
from unmixing.inference.given import refuse_given, with_given
from unmixing.inference.images import Block, Image, blanked
from unmixing.inference.model_fit import require_fit, require_purity, sample_for_model
from unmixing.inference.provenance import provenance
from unmixing.inference.quality import flag_scene
from unmixing.inference.reconstruction import ReconstructionMetrics
from unmixing.inference.resampling import at_model_bands
from unmixing.inference.runtime import ModelRunner
from unmixing.inference.training_images import TrainingImage, training_image
from unmixing.inference.unmixers import FactorizationUnmixer, ModelUnmixer, ShapeUnmixer, Unmixer, endmember_norms
from unmixing.manifest import ModelManifest, endmember_names
from unmixing.methods import Method, check_method, require_keeps_given, require_without_pure_pixels
from unmixing.naming import library_names, margin, match_library
from unmixing.networks.training.task import TrainingTask
from unmixing.progress import Progress, part_of
from unmixing.simulation.brightness import of_area
from unmixing.simulation.truth import SharedTruth
from unmixing.specs import AbundancesOf, UnmixSpec
from unmixing.types import Compute, Float32, ImageInfo, SpectralLibrary, TrainedModel, Unmixing
from unmixing.warnings.answer import answer_warnings

READING_SHARE, COUNTING_SHARE, FITTING_SHARE = 0.05, 0.2, 0.9
"""Shares of the progress at which reading, a count of endmembers, when it is asked for, and the fit end."""


@dataclass(frozen=True, eq=False)
class FittedMethod:
    """A method after it has seen an image: ready for all of its pixels.

    info: which bands are used, and what else is known. area_unmixer: with abundances of ``area``. abundances_of:
    what those of the answer are shares of. model: the network, None of methods without one. spec: all that was chosen,
    JSON-able. metrics: what fitting says of itself, JSON-able. seconds: per stage. n_given: of the first endmembers,
    which were given.
    """

    info: ImageInfo
    area_unmixer: Unmixer
    endmember_names: tuple[str, ...]
    spec: Mapping[str, Any]
    model: TrainedModel | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    abundances_of: AbundancesOf = "area"
    n_given: int = 0

    @property
    def unmixer(self) -> Unmixer:
        """The unmixer that answers, in the convention that was asked for."""
        manifest = None if self.model is None else self.model.manifest
        return answering(self.area_unmixer, manifest, self.abundances_of)

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

        Those that were given keep their names. Raises LibraryMismatchError. The model keeps its own names.
        """
        matches = match_library(self.endmembers, self.info.wavelengths_nm, library)
        said = {
            "library_matches": [[asdict(match) for match in found] for found in matches],
            "library_margins": [margin(found) for found in matches],
        }
        names = library_names(matches, self.endmember_names, self.n_given)
        return replace(self, endmember_names=names, metrics={**self.metrics, **said})

    def result(self, maps: Maps, reconstruction: ReconstructionMetrics, seconds: Mapping[str, float]) -> Unmixing:
        """The answer, from the maps of the whole image, which decides more bits of their quality."""
        assert maps.quality is not None  # of the whole image both were asked for
        assert maps.residual is not None
        flag_scene(maps.quality, maps.residual, maps.abundances, maps.brightness, self.unmixer.endmembers)
        taken = {**self.seconds, **seconds}
        metrics = {**self.metrics, **reconstruction.metrics(), "seconds": taken}
        return Unmixing(
            endmembers=self.endmembers,
            **maps._asdict(),
            endmember_names=self.endmember_names,
            metrics=metrics,
            model=self.model,
            abundances_of=self.abundances_of,
            endmember_norms=endmember_norms(self.area_unmixer.endmembers),
            provenance=provenance(self.spec["method"], self.spec, taken),
            warnings=answer_warnings(self.info, self.unmixer.endmembers, self.model, metrics),
            n_given=self.n_given,
        )


def answering(area: Unmixer, manifest: ModelManifest | None, abundances_of: AbundancesOf) -> Unmixer:
    """The unmixer that answers in a convention, from the one whose abundances are of ``area``."""
    factors = None if manifest is None else manifest.shape_deviation_factors
    return area if abundances_of == "area" else ShapeUnmixer(area, np.array(1.0 if factors is None else factors))


def apply_in_memory(
    image: Image, fitted: FittedMethod, compute: Compute, progress: Progress, started: float,
    watch: Callable[[Block], None] = lambda block: None,
) -> Unmixing:  # fmt: skip
    """Every pixel of the image a method was fitted on, in memory. started: when the fit began, by
    ``time.perf_counter``. watch: sees every block of the image that passes by."""
    maps, applying = ArrayMaps(image.shape, fitted.unmixer), time.perf_counter()

    def write(block: Block, found: Maps) -> None:
        maps.write(block, found)
        watch(block)

    with threadpool_limits(compute.threads):
        seen, rows = at_model_bands(blanked(image, fitted.info.fill_values), fitted.model), (0, image.shape[0])
        reconstruction = unmix_rows(seen, fitted.unmixer, fitted.info.used_bands, rows, write, progress)
    finished = time.perf_counter()
    seconds = {"inference": round(finished - applying, 4), "total": round(finished - started, 4)}
    return fitted.result(maps.maps, reconstruction, seconds)


def fit_image(
    image: Image,
    spec: UnmixSpec,
    model: TrainedModel | None,
    compute: Compute,
    progress: Progress,
    endmembers: SpectralLibrary | None = None,
) -> FittedMethod:
    """The method of ``spec`` fitted on the image, or ``model`` after a look at a sample of it.

    Raises SceneContentError and SceneFormatError for images that cannot be unmixed, SpecError and UnknownMethodError
    for arguments that do not fit, BandMismatchError for a model and LibraryMismatchError for endmembers that do not.
    """
    with threadpool_limits(compute.threads):
        if model is not None:
            refuse_given(endmembers is not None)
            return fit_model(image, model, spec, compute, progress)
        check_method(spec.method)
        seen = with_given(training_image(image, part_of(progress, 0.0, READING_SHARE)), endmembers, spec.n_endmembers)
        return fit(seen, spec, compute, part_of(progress, READING_SHARE, 1.0))


def fit(
    seen: TrainingImage, spec: UnmixSpec, compute: Compute, progress: Progress, truth: SharedTruth | None = None
) -> FittedMethod:
    """Fit the method of ``spec`` on an image. truth: what several methods share. Raises as ``fit_image``."""
    row = check_method(spec.method)
    if seen.given is not None:
        require_keeps_given([row.name])
    if not spec.pure_pixels:
        require_without_pure_pixels([row.name])
    after_counting = COUNTING_SHARE if spec.n_endmembers is None else 0.0
    count, metrics = endmembers_to_find(seen, spec, part_of(progress, 0.0, COUNTING_SHARE))
    cube = seen.windows if row.uses_neighbourhood else seen.cube
    metrics |= {} if seen.whole else {"fitted_on_pixels": int(cube.valid_pixels.sum())}
    metrics |= {} if seen.given is None else {"given_brightness": list(seen.given.brightness)}
    report = part_of(progress, after_counting, 1.0)
    if row.train is not None:
        model = row.train(
            TrainingTask(cube, count, spec, compute, report, lambda: seen.denoised, truth or SharedTruth(), seen.given)
        )
        return prepared_model(seen, model, metrics, spec.abundances_of, compute)
    return _solved(seen, row, spec.model_copy(update={"n_endmembers": count}), metrics, report)


def prepared_model(
    seen: TrainingImage, model: TrainedModel, metrics: Mapping[str, Any], abundances_of: AbundancesOf, compute: Compute
) -> FittedMethod:
    """A model that was trained on this very image, after a look at its sample."""
    fitted = _prepared(model, seen.info, seen.sample(), abundances_of, compute)
    return replace(fitted, metrics={**metrics, **model.manifest.metrics}, seconds=model.seconds)


def _prepared(
    model: TrainedModel, info: ImageInfo, sample: Float32, abundances_of: AbundancesOf, compute: Compute
) -> FittedMethod:
    """A model after a look at a sample (n_sample, bands) of an image."""
    side = model.manifest.neighbourhood
    # A model that looks at neighbours estimates nothing from the sample.
    seen = sample if side == 1 else np.tile(sample[:1], (1, side**2))
    unmixer = ModelUnmixer(ModelRunner(model.onnx, compute).prepare(seen), side)
    return FittedMethod(
        info, unmixer, model.manifest.endmember_names, spec_of(model, abundances_of), model,
        abundances_of=abundances_of, n_given=model.manifest.n_given,
    )  # fmt: skip


def spec_of(model: TrainedModel, abundances_of: AbundancesOf) -> dict[str, Any]:
    """All that was chosen when the model was trained, and of its answer, JSON-able."""
    return {**model.manifest.request, "abundances_of": abundances_of, "network": model.manifest.network}


def fit_model(image: Image, model: TrainedModel, spec: UnmixSpec, compute: Compute, progress: Progress) -> FittedMethod:
    """A stored model, after a look at a sample of another image. Raises as ``require_fit`` and ``draw_sample``."""
    require_fit(model, image, spec.n_endmembers)
    if not spec.pure_pixels:
        require_purity(model, spec.pure_pixels)
    info, sample = sample_for_model(image, model, progress)
    return _prepared(model, info, sample, spec.abundances_of, compute)


def _solved(
    seen: TrainingImage, row: Method, spec: UnmixSpec, metrics: Mapping[str, Any], report: Progress
) -> FittedMethod:
    """A method without a model on the pixels it is given.

    They are divided by their median norm first, so that no method depends on the unit of the numbers.
    """
    assert row.solve is not None  # a Method either trains or solves
    assert spec.n_endmembers is not None  # counted before
    started = time.perf_counter()
    pixels, scale = scaled_pixels(seen.cube)
    given = None if seen.given is None else seen.given.spectra / scale
    found = row.solve(pixels, spec.n_endmembers, np.random.default_rng(spec.seed), report, given)
    solution = of_area(found, pixels, given)
    endmembers, names = (solution.endmembers * scale).astype(np.float32), () if seen.given is None else seen.given.names
    if seen.given is not None:  # to the last digit, whatever the scale has rounded
        endmembers[: len(names)] = seen.given.spectra
    unmixer = FactorizationUnmixer(
        endmembers, scale, np.flatnonzero(seen.info.used_bands), solution.to_abundances,
        (seen.positions, solution.abundances.astype(np.float32)) if seen.whole else None,
    )  # fmt: skip
    seconds = {"solving": round(time.perf_counter() - started, 4)}
    asked = spec.model_dump(mode="json")
    asked |= {} if row.own_spec is None else {row.name: row.own_spec().model_dump(mode="json")}
    return FittedMethod(
        seen.info, unmixer, endmember_names(names, spec.n_endmembers), asked, None, {**metrics, **solution.metrics},
        seconds, spec.abundances_of, len(names),
    )  # fmt: skip
