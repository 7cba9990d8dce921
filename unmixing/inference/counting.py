"""How many endmembers to look for in an image: as many as were asked for, or an estimate and what speaks for it."""

from typing import Any

import numpy as np

from unmixing.algorithms.dimension import count_endmembers, hysime
from unmixing.errors import SceneContentError, SpecError
from unmixing.inference.training_images import TrainingImage
from unmixing.progress import Progress
from unmixing.specs import UnmixSpec

ESTIMATOR = "least cost"


def endmembers_to_find(seen: TrainingImage, spec: UnmixSpec, report: Progress) -> tuple[int, dict[str, Any]]:
    """How many endmembers to look for, and what the results say of it. Raises when the cube holds too little."""
    pixels = seen.cube.pixels()
    n_pixels, n_bands = pixels.shape
    if spec.n_endmembers is None:
        stage = "counting endmembers"
        report(0.0, stage)
        dimensions = hysime(pixels)
        count = count_endmembers(
            seen.denoised, np.random.default_rng(spec.seed), signal_dimensions=dimensions,
            given=None if seen.given is None else seen.given.spectra,
            progress=lambda share: report(share, stage),
        )  # fmt: skip
        return count.n_endmembers, {
            "n_endmembers_estimated_by": ESTIMATOR,
            "n_endmembers_range": list(count.range),
            "n_endmembers_reason": count.reason,
            "n_endmembers_certainty": count.certainty,
            "n_endmembers_residuals": list(count.residuals),
            "n_endmembers_hysime": dimensions,
        }
    if n_pixels < spec.n_endmembers:
        raise SceneContentError(f"the cube has {n_pixels} pixels with data, n_endmembers asks for {spec.n_endmembers}")
    if n_bands < spec.n_endmembers:
        raise SpecError(f"n_endmembers is {spec.n_endmembers}, the cube has only {n_bands} usable bands")
    return spec.n_endmembers, {"n_endmembers_estimated_by": None}
