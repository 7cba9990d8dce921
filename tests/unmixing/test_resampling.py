"""A stored model on an image of other bands: the image comes to the model's, or is refused with both ranges."""

import numpy as np
import pytest
from numpy.typing import NDArray

from unmixing import unmix
from unmixing.algorithms.metrics import match_endmembers, rmse, sad_radians
from unmixing.errors import BandMismatchError
from unmixing.inference.images import ArrayImage
from unmixing.inference.resampling import Resampling, at_model_bands, resampling_for
from unmixing.specs import InputSpec, UnmixSpec
from unmixing.types import TrainedModel, WarningCode

MODEL_NM = np.linspace(500.0, 900.0, 41)
"""Ten nanometres apart."""


def spectra(wavelengths_nm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Three materials, smooth over the wavelengths, (3, bands)."""
    axis = (wavelengths_nm - 500) / 400
    centres = np.array([0.1, 0.5, 0.9])[:, None]
    return 0.2 + 0.6 * np.exp(-(((axis - centres) / 0.25) ** 2))


def abundances(seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).dirichlet([0.4] * 3, size=(24, 20))


def scene(wavelengths_nm: NDArray[np.float64], seed: int = 0) -> NDArray[np.float32]:
    noise = 0.002 * np.random.default_rng(seed + 1).standard_normal((24, 20, len(wavelengths_nm)))
    return (abundances(seed) @ spectra(wavelengths_nm) + noise).astype(np.float32)


def asked(wavelengths_nm: NDArray[np.float64], **more: object) -> InputSpec:
    return InputSpec.model_validate({"wavelengths": tuple(wavelengths_nm.tolist()), **more})


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    """Trained for an instant."""
    spec = UnmixSpec(n_endmembers=3, max_training_seconds=0.1)
    trained = unmix(scene(MODEL_NM), spec, input=asked(MODEL_NM)).model
    assert trained is not None
    return trained


def resampling(model: TrainedModel, wavelengths_nm: NDArray[np.float64]) -> Resampling | None:
    return resampling_for(model.manifest, ArrayImage(np.ones((1, 1, len(wavelengths_nm))), wavelengths_nm))


def test_bands_that_are_the_models_among_others_are_taken_as_they_are(model: TrainedModel) -> None:
    more = np.concatenate([[400.0, 450.0], MODEL_NM, [1000.0, 1100.0]])[::-1]
    cube = scene(MODEL_NM)
    among = np.concatenate([np.ones((24, 20, 2)), cube, np.ones((24, 20, 2))], axis=2)[:, :, ::-1]
    plain, found = unmix(cube, model=model, input=asked(MODEL_NM)), unmix(among, model=model, input=asked(more))
    np.testing.assert_array_equal(found.abundances, plain.abundances)
    np.testing.assert_array_equal(found.endmembers, plain.endmembers)
    assert WarningCode.OTHER_WAVELENGTHS in [each.code for each in found.warnings]
    assert found.info.source["resampled"]["largest_distance_nm"] == 0


def test_widths_of_the_images_bands_are_not_those_of_the_models(model: TrainedModel) -> None:
    image = ArrayImage(np.ones((4, 4, 60), np.float32), np.linspace(450, 950, 60))
    image.source["fwhm_nm"] = [9.0] * 60
    assert at_model_bands(image, model).source["fwhm_nm"] is None


def test_the_same_bands_are_not_resampled(model: TrainedModel) -> None:
    assert resampling(model, MODEL_NM) is None
    assert resampling(model, MODEL_NM + 4.9) is None
    assert resampling(model, MODEL_NM + 5.1) is not None


@pytest.mark.parametrize(
    ("sensor", "averaged", "farthest"),
    [
        (np.arange(495.0, 911.0, 15.0), 0, 5.0),  # coarser
        (np.arange(494.0, 915.0, 10.0), 0, 4.0),  # beside
        (np.arange(490.0, 911.0, 2.0), 41, 0.0),  # finer
    ],
    ids=["coarser", "beside", "finer"],
)
def test_the_answer_is_that_of_an_image_of_the_models_bands(
    model: TrainedModel, sensor: NDArray[np.float64], averaged: int, farthest: float
) -> None:
    cube, truth = scene(sensor, seed=3), abundances(3)
    own = unmix(scene(MODEL_NM, seed=3), model=model, input=asked(MODEL_NM))
    found = unmix(cube, model=model, input=asked(sensor))
    errors, angles = [], []
    for result in (own, found):
        order = match_endmembers(result.endmembers, spectra(MODEL_NM))
        errors.append(rmse(result.abundances[:, :, order], truth))
        angles.append(sad_radians(result.endmembers[order], spectra(MODEL_NM)).max())
    assert errors[1] < 1.1 * errors[0] + 0.002
    assert angles[1] < 1.1 * angles[0] + 0.002
    facts = found.info.source["resampled"]
    assert (facts["averaged_bands"], facts["largest_distance_nm"]) == (averaged, farthest)
    assert facts["bands"] == len(sensor)
    assert found.info.shape == (24, 20, 41)
    (said,) = [each.message for each in found.warnings if each.code == WarningCode.OTHER_WAVELENGTHS]
    assert f"{len(sensor)} bands were resampled to the model's 41" in said
    assert f"up to {farthest:.1f} nm" in said


@pytest.mark.parametrize("seed", range(40))
def test_a_straight_spectrum_stays_straight(model: TrainedModel, seed: int) -> None:
    rng = np.random.default_rng(seed)
    spacing = rng.uniform(0.6, 24.0)
    sensor = np.cumsum(spacing * rng.uniform(0.5, 1.5, int(500 / spacing) + 2)) + 480 - spacing
    rng.shuffle(sensor)
    found = resampling(model, sensor)
    assert found is not None
    lines = (0.1 + sensor / 1000).astype(np.float32)[None]
    inside = (sensor.min() <= MODEL_NM) & (sensor.max() >= MODEL_NM)
    np.testing.assert_allclose(found.apply(lines)[0][inside], (0.1 + MODEL_NM / 1000)[inside], rtol=2e-6)
    np.testing.assert_allclose(found.weights.sum(axis=0), 1.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("sensor", "words"),
    [
        (np.linspace(400, 700, 60), "41 bands from 500.0 to 900.0 nm, the image has 60 from 400.0 to 700.0 nm: 19 of"),
        (np.linspace(1000, 2400, 100), "41 of the model's lie beyond"),
        (
            np.array([400.0, 490.0, 560.0, 665.0, 842.0, 945.0]),
            "8 of the model's lie beyond these or over 50 nm from each of them, the first at 720",
        ),
    ],
    ids=["half", "elsewhere", "multispectral"],
)
def test_an_image_that_does_not_cover_the_model_is_refused(
    model: TrainedModel, sensor: NDArray[np.float64], words: str
) -> None:
    with pytest.raises(BandMismatchError, match=words):
        unmix(scene(sensor), model=model, input=asked(sensor))


def test_a_gap_in_the_image_counts_as_its_bad_bands_do(model: TrainedModel) -> None:
    sensor = np.arange(495.0, 911.0, 5.0)
    with pytest.raises(BandMismatchError, match=r"the first at 6\d0.0 nm"):
        unmix(scene(sensor), model=model, input=asked(sensor, bad_bands="600-740nm"))
    assert unmix(scene(sensor), model=model, input=asked(sensor, bad_bands="600-640nm")).info.shape[2] == 41


def test_without_wavelengths_the_number_of_bands_decides(model: TrainedModel) -> None:
    with pytest.raises(BandMismatchError, match="60 bands.*41 bands.*wavelengths of the cube"):
        unmix(scene(np.linspace(490, 910, 60)), model=model)


def test_no_data_is_found_as_it_was_measured(model: TrainedModel) -> None:
    sensor = np.arange(495.0, 911.0, 15.0)
    cube = scene(sensor)
    cube[3:6, 4:9] = -9999.0
    cube[10, 10, 5] = np.nan
    found = unmix(cube, model=model, input=asked(sensor))
    masked = np.isnan(found.brightness)
    assert masked[3:6, 4:9].all()
    assert masked[10, 10]
    assert masked.sum() == 16
    assert [fill.value for fill in found.info.fill_values] == [-9999.0]
