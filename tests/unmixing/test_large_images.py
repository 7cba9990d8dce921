"""Methods on an image larger than what they are fitted on: a sample stands for it, every pixel is answered."""

import numpy as np
import pytest

from unmixing import unmix
from unmixing.algorithms.metrics import match_endmembers, sad_radians
from unmixing.errors import BandMismatchError, SceneContentError
from unmixing.inference.images import ArrayImage
from unmixing.inference.training_images import training_image
from unmixing.progress import silent
from unmixing.specs import UnmixSpec

ROWS, COLUMNS, BANDS, N_ENDMEMBERS = 150, 60, 24, 3


@pytest.fixture(scope="module")
def scene():
    """Mixtures with pure pixels; a frame of zeros, a masked pixel, a band without data."""
    rng = np.random.default_rng(5)
    axis = np.linspace(0, 1, BANDS)
    spectra = np.stack([0.2 + 0.6 * axis, 0.8 - 0.5 * axis, 0.2 + 0.7 * np.exp(-(((axis - 0.5) / 0.15) ** 2))])
    shares = rng.dirichlet(np.full(N_ENDMEMBERS, 0.4), size=(ROWS, COLUMNS))
    brightness = rng.uniform(0.7, 1.3, size=(ROWS, COLUMNS, 1))
    cube = (brightness * (shares @ spectra) + 0.002 * rng.normal(size=(ROWS, COLUMNS, BANDS))).astype(np.float32)
    cube[:3] = 0
    cube[70, 20, 4] = np.nan
    cube[:, :, 9] = np.nan
    return cube, spectra


@pytest.fixture
def small_sample(monkeypatch):
    """Five thousand pixels: less than the image has, more than a model's own sample."""
    monkeypatch.setattr("unmixing.inference.training_images.training_image.__defaults__", (5_000 * BANDS,))


@pytest.mark.parametrize("method", ["vca_fcls", "archetypal", "nmf", "snmf", "palm", "ista", "lpalm", "dnmf", "cnnaeu"])
def test_every_pixel_is_answered_as_by_the_whole(scene, small_sample, method):
    cube, spectra = scene
    limit = 0.5 if method == "cnnaeu" else 0.01
    result = unmix(cube, UnmixSpec(method=method, n_endmembers=N_ENDMEMBERS, max_training_seconds=limit))
    windows = 60 * 64  # the one window of 64 rows that about 5,000 pixels allow, less what is masked in it
    assert result.metrics["fitted_on_pixels"] in ((windows, windows - 1) if method == "cnnaeu" else (5_000,))
    valid = np.ones((ROWS, COLUMNS), dtype=bool)
    valid[:3], valid[70, 20] = False, False
    np.testing.assert_array_equal(np.isfinite(result.abundances).all(axis=2), valid)
    np.testing.assert_allclose(result.abundances[valid].sum(axis=1), 1.0, atol=1e-5)
    assert np.isnan(result.endmembers[:, 9]).all()
    used = np.arange(BANDS) != 9
    found = result.endmembers[:, used]
    order = match_endmembers(found, spectra[:, used])
    assert sad_radians(found[order], spectra[:, used]).mean() < (0.5 if method == "cnnaeu" else 0.1)
    rebuilt = result.brightness[:, :, None] * (result.abundances @ result.endmembers)
    error = np.nanmean((rebuilt - cube)[valid][:, used] ** 2) ** 0.5
    assert error == pytest.approx(result.metrics["reconstruction_rmse"], rel=1e-3)


@pytest.mark.parametrize("method", ["nmf", "ista"])
def test_what_is_mapped_is_near_what_is_factorised(scene, small_sample, method, monkeypatch):
    cube = scene[0]
    spec = UnmixSpec(method=method, n_endmembers=N_ENDMEMBERS)
    mapped = unmix(cube, spec)
    monkeypatch.undo()
    whole = unmix(cube, spec)
    used = np.arange(BANDS) != 9
    order = match_endmembers(mapped.endmembers[:, used], whole.endmembers[:, used])
    difference = mapped.abundances[:, :, order] - whole.abundances
    assert np.nanmean(difference**2) ** 0.5 < 0.03


def test_the_sample_does_not_depend_on_the_blocks(scene, monkeypatch):
    def sampled():
        return training_image(ArrayImage(scene[0]), silent, 500 * BANDS)

    whole = sampled()
    monkeypatch.setattr("unmixing.inference.images.BLOCK_BYTES", 7 * COLUMNS * BANDS * 4)
    parts = sampled()
    np.testing.assert_array_equal(parts.positions, whole.positions)
    np.testing.assert_array_equal(parts.cube.values, whole.cube.values)
    assert not whole.whole
    assert len(np.unique(whole.positions)) == len(whole.positions)


def test_a_large_image_without_content_is_refused():
    empty = np.full((90, 60, BANDS), np.nan, dtype=np.float32)
    with pytest.raises(SceneContentError, match="no data"):
        training_image(ArrayImage(empty), silent, 100 * BANDS)
    with pytest.raises(SceneContentError, match="constant"):
        training_image(ArrayImage(np.ones((90, 60, BANDS))), silent, 100 * BANDS)


def test_wavelengths_that_do_not_fit_a_large_image_are_refused_with_both_numbers():
    with pytest.raises(BandMismatchError, match="5 entries.*24 bands"):
        training_image(ArrayImage(np.ones((90, 60, BANDS)), np.arange(1.0, 6.0)), silent, 100 * BANDS)
