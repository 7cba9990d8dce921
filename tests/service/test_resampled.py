"""A stored model on a scene of another sensor, over HTTP: resampled and said so, or refused with both ranges."""

import io

import httpx
import numpy as np
import pytest

from model_store.settings import Settings
from model_store.stores import Stores
from tests.conftest import small_scene
from tests.service.test_bad_input import assert_problem
from unmixing import unmix
from unmixing.io.products.schemas.inputs import ImageInput
from unmixing.specs import InputSpec, UnmixSpec
from unmixing.types import TrainedModel
from worker.tasks import run_job


def scene(bands: int, first_nm: float, last_nm: float) -> tuple[str, bytes]:
    buffer = io.BytesIO()
    np.savez(buffer, cube=small_scene(bands=bands), wavelengths_nm=np.linspace(first_nm, last_nm, bands))
    return "scene.npz", buffer.getvalue()


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    """Of 30 bands from 400 to 1400 nm."""
    spec = UnmixSpec(method="lista", n_endmembers=3, max_training_seconds=0.01)
    known = InputSpec(wavelengths=tuple(np.linspace(400, 1400, 30).tolist()))
    model = unmix(small_scene(), spec, input=known).model
    assert model is not None
    return model


@pytest.fixture
def model(stores: Stores, trained: TrainedModel) -> str:
    return stores.models.register(trained)


def test_the_result_says_how_the_image_came_to_the_bands_of_the_model(
    service: httpx.Client, settings: Settings, model: str
) -> None:
    answer = service.post("/unmix", data={"model": model}, files=[("file", scene(50, 390, 1410))])
    assert answer.status_code == 202, answer.text
    job = answer.json()["jobID"]
    run_job(job, settings, on_lost=lambda: None)
    results = service.get(f"/jobs/{job}/results").json()
    said = ImageInput.model_validate(results["input"])
    assert said.resampled is not None
    assert (said.bands, said.resampled.bands, said.resampled.wavelength_range_nm) == (30, 50, [390.0, 1410.0])
    assert said.resampled.largest_distance_nm < 11
    assert len(results["endmembers"]["wavelengths_nm"]) == len(results["endmembers"]["values"][0]) == 30
    assert "other_wavelengths" in [warning["code"] for warning in results["warnings"]]


def test_a_scene_elsewhere_in_the_spectrum_is_refused(service: httpx.Client, model: str) -> None:
    answer = service.post("/unmix", data={"model": model}, files=[("file", scene(30, 900, 2400))])
    problem = assert_problem(answer, 422, ["400.0 to 1400.0 nm", "900.0 to 2400.0 nm"])
    assert problem["type"] == "/problems/band-mismatch"
