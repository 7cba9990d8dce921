"""A stored model on the images of other sensors: ``python -m benchmarks.resampling``.

For every seed a model is trained on a scene seen by one sensor, and another scene of the same materials is seen by
others. Beside the resampled model stand a model trained on that very image, and the stored one on the same scene as its
own sensor would have seen it, which tells what is lost by resampling from what is lost by another scene.
"""

import argparse
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

import numpy as np

from benchmarks.tables import grid
from unmixing import unmix
from unmixing.algorithms.metrics import match_endmembers, rmse, sad_radians
from unmixing.io.products.notebook import UnmixingResult
from unmixing.simulation.generated import GeneratedScene, generate_scene
from unmixing.specs import InputSpec, UnmixSpec
from unmixing.types import Float64, TrainedModel, Unmixing

N_MATERIALS = 4
SIDE = 40
SENSORS = {
    "the model's own: 10 nm": (410.0, 10.0, 2450.0),
    "beside: 10 nm, shifted by 4": (404.0, 10.0, 2460.0),
    "finer: 4 nm": (401.0, 4.0, 2460.0),
    "coarser: 20 nm": (405.0, 20.0, 2470.0),
    "coarser: 40 nm": (405.0, 40.0, 2490.0),
}
"""Their first band, the distance between bands, and before what they end; the first is that of the model."""


class Errors(NamedTuple):
    """SAD in radians, the mean over endmembers, and RMSE of abundances."""

    sad: float
    rmse: float


class Compared(NamedTuple):
    """One scene through one sensor: the largest distance between a band of the model and the nearest of the image, and
    the errors of three answers. at_home: of the stored model where its own sensor saw the scene."""

    distance_nm: float
    resampled: Errors
    trained: Errors
    at_home: Errors


def bands_of(sensor: str) -> Float64:
    """The wavelengths of a sensor in nanometres; scenes leave out those of water vapour."""
    first, step, end = SENSORS[sensor]
    return np.arange(first, end, step)


def seen(seed: int, sensor: str, materials: Sequence[str] | None = None) -> GeneratedScene:
    """The scene of a seed through a sensor: the same materials at the same places for all."""
    rng = np.random.default_rng(seed)
    return generate_scene(
        rng, n_endmembers=N_MATERIALS, rows=SIDE, columns=SIDE, materials=materials, wavelengths_nm=bands_of(sensor)
    )


def answer(scene: GeneratedScene, model: TrainedModel | None) -> UnmixingResult:
    """Of a stored model, or of one that is trained on the scene."""
    asked = InputSpec(wavelengths=tuple(scene.wavelengths_nm.tolist()))
    return unmix(scene.cube, UnmixSpec(n_endmembers=N_MATERIALS), input=asked, model=model)


def errors(found: Unmixing, scene: GeneratedScene) -> Errors:
    """scene: with the truth at the bands of the answer."""
    order = match_endmembers(found.endmembers, scene.endmembers)
    angles = sad_radians(found.endmembers[order], scene.endmembers)
    return Errors(float(angles.mean()), float(rmse(found.abundances[:, :, order], scene.abundances)))


def measured(seed: int) -> dict[str, Compared]:
    """A pair of scenes, by the sensor that saw the second."""
    own, *others = SENSORS
    first = seen(seed, own)
    model = answer(first, None).model
    truth = seen(seed + 1000, own, first.names)
    at_home = errors(answer(truth, model), truth)
    found = {}
    for sensor in others:
        scene = seen(seed + 1000, sensor, first.names)
        resampled = answer(scene, model)
        distance = resampled.info.source["resampled"]["largest_distance_nm"]
        found[sensor] = Compared(distance, errors(resampled, truth), errors(answer(scene, None), scene), at_home)
    return found


def markdown(runs: Sequence[dict[str, Compared]]) -> str:
    """A row for every sensor: medians over the seeds, and the worst of them."""
    rows = []
    for sensor in runs[0]:
        of_sensor = [run[sensor] for run in runs]
        answers = ([each.resampled for each in of_sensor], [each.trained for each in of_sensor])
        shown = [_medians(found) for found in (*answers, [each.at_home for each in of_sensor])]
        worst = max(each.resampled.rmse / each.trained.rmse for each in of_sensor)
        rows.append([sensor, f"{of_sensor[0].distance_nm:.1f}", *shown, f"{worst:.2f}"])
    titles = ["sensor of the image", "largest distance (nm)", "resampled: SAD / RMSE", "trained on the image"]
    return grid([*titles, "stored model, its own sensor", "worst RMSE over trained"], rows)


def _medians(found: Sequence[Errors]) -> str:
    return f"{median(each.sad for each in found):.4f} / {median(each.rmse for each in found):.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.resampling", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="how many pairs of scenes (default: 3)")
    print(markdown([measured(seed) for seed in range(parser.parse_args().seeds)]))


if __name__ == "__main__":
    main()
