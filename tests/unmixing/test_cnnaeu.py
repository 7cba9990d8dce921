"""CNNAEU from an image to a model that can be used again, on any image of the same bands."""

import numpy as np
import pytest

from unmixing import unmix
from unmixing.cubes import cube_from_array
from unmixing.errors import BandMismatchError
from unmixing.networks.training.patches import train_cnnaeu
from unmixing.networks.training.task import TrainingTask
from unmixing.specs import CnnaeuSpec, UnmixSpec

N_BANDS = 10
SPEC = CnnaeuSpec(patch=8, n_filters=6, decoder=3, max_epochs=40, learning_rate=5e-3)


def image(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    """Two materials, one on each side, with a hole."""
    rng = np.random.default_rng(seed)
    spectra = np.stack([np.linspace(0.2, 0.8, N_BANDS), np.linspace(0.7, 0.1, N_BANDS)])
    share = np.broadcast_to(np.linspace(0, 1, columns), (rows, columns))[..., None]
    cube = share * spectra[0] + (1 - share) * spectra[1] + 0.005 * rng.normal(size=(rows, columns, N_BANDS))
    cube[2, 3] = np.nan
    return cube.astype(np.float32)


def trained(max_training_seconds: float | None = None):
    request = UnmixSpec(method="cnnaeu", max_training_seconds=max_training_seconds)
    return train_cnnaeu(TrainingTask(cube_from_array(image(12, 15)), 2, request), spec=SPEC)


@pytest.fixture(scope="module")
def model():
    return trained()


def test_it_learns_to_rebuild_the_image(model):
    # Evaluated without dropout and on the whole image: the training's own angles scatter with both.
    learned, hurried = (
        unmix(image(12, 15), model=candidate).metrics["reconstruction_sam_radians"]
        for candidate in (model, trained(max_training_seconds=1e-6))
    )
    assert learned < 0.5 * hurried
    assert len(model.manifest.metrics["training_angles_radians"]) == SPEC.max_epochs


def test_it_stops_at_the_first_epoch_after_its_time():
    metrics = trained(max_training_seconds=1e-6).manifest.metrics
    assert metrics["training_stopped_by"] == "max_training_seconds"
    assert len(metrics["training_angles_radians"]) == 1


def test_a_stored_model_unmixes_an_image_of_another_size(model):
    cube = image(9, 11, seed=1)
    result = unmix(cube, model=model)
    valid = np.isfinite(cube).all(axis=2)
    np.testing.assert_array_equal(np.isfinite(result.abundances).all(axis=2), valid)
    np.testing.assert_allclose(result.abundances[valid].sum(axis=1), 1.0, atol=1e-5)
    # The materials change from left to right, and so does what was found.
    found = result.abundances[5, :, 0]
    assert abs(np.corrcoef(found, np.arange(11))[0, 1]) > 0.9


def test_blocks_give_what_one_piece_gives(model, monkeypatch):
    whole = unmix(image(9, 11), model=model)
    monkeypatch.setattr("unmixing.inference.apply.BLOCK_PIXELS", 9 * 13)
    monkeypatch.setattr("unmixing.inference.images.BLOCK_BYTES", 2 * image(9, 11)[0].size * 4)
    parts = unmix(image(9, 11), model=model)
    np.testing.assert_allclose(parts.abundances, whole.abundances, atol=1e-6)


def test_an_image_of_other_bands_is_refused_with_both_numbers(model):
    with pytest.raises(BandMismatchError, match="7 bands.*10 bands"):
        unmix(image(9, 11)[:, :, :7], model=model)
