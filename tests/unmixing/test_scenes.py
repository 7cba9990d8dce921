"""Generated scenes: their truth holds, and each setting does what it says."""

import sys

import numpy as np
import pytest

pytest.importorskip("prosail", reason="generated scenes need prosail")

from unmixing.algorithms.metrics import pairwise_sad_radians
from unmixing.errors import MissingExtraError
from unmixing.simulation.generated import LARGEST_MIXED, GeneratedScene, generate_scene
from unmixing.simulation.spectra import MATERIALS, variants


def scene(**options: object) -> GeneratedScene:
    settings = {"n_endmembers": 3, "rows": 24, "columns": 20, **options}
    return generate_scene(np.random.default_rng(5), **settings)  # type: ignore[arg-type]


def test_shapes_and_sums() -> None:
    made = scene(n_endmembers=5)
    bands = made.wavelengths_nm.size
    assert made.cube.shape == (24, 20, bands)
    assert made.cube.dtype == np.float32
    assert made.endmembers.shape == (5, bands)
    assert made.abundances.shape == (24, 20, 5)
    assert len(set(made.names)) == 5
    np.testing.assert_allclose(made.abundances.sum(axis=2), 1.0, atol=1e-6)
    assert made.abundances.min() >= 0.0


def test_same_seed_same_scene() -> None:
    first, second = scene(), scene()
    assert all(
        np.array_equal(getattr(first, name), getattr(second, name)) for name in ("cube", "endmembers", "abundances")
    )


def test_without_noise_light_or_variability_the_mixture_is_exact() -> None:
    made = scene(variability=0.0, brightness=0.0, snr_db=200.0)
    np.testing.assert_allclose(made.cube, made.abundances @ made.endmembers, atol=1e-5)


@pytest.mark.parametrize("snr_db", [20.0, 35.0])
def test_noise_is_as_strong_as_asked(snr_db: float) -> None:
    noise = scene(snr_db=snr_db).cube - scene(snr_db=200.0).cube
    signal = scene(snr_db=200.0).cube
    assert 10 * np.log10(np.mean(signal**2) / np.mean(noise**2)) == pytest.approx(snr_db, abs=0.3)


def test_pure_pixels_are_there_only_when_asked_for() -> None:
    assert (scene(pure_pixels=True).abundances.max(axis=(0, 1)) == 1.0).all()
    assert scene(pure_pixels=False).abundances.max() <= LARGEST_MIXED + 1e-6
    assert scene(pure_pixels=False, largest=0.6).abundances.max() <= 0.6 + 1e-6


def test_materials_can_be_told_apart_and_are_reflectances() -> None:
    spectra = np.stack([variants(np.random.default_rng(0), name, 1, 0.0)[0] for name in MATERIALS])
    angles = pairwise_sad_radians(spectra, spectra) + np.eye(len(spectra))
    assert angles.min() > 0.1
    assert spectra.min() > 0.0
    assert spectra.max() < 1.0


def test_every_material_varies() -> None:
    rng = np.random.default_rng(0)
    for name in MATERIALS:
        spectra = variants(rng, name, 20, 0.1)
        assert 0.001 < pairwise_sad_radians(spectra, spectra.mean(axis=0, keepdims=True)).mean() < 0.1


def test_materials_by_name_and_too_many() -> None:
    assert scene(materials=("dry soil", "green leaves")).names == ("dry soil", "green leaves")
    with pytest.raises(ValueError, match="between 2 and"):
        scene(n_endmembers=40)


def test_without_prosail_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prosail", None)
    with pytest.raises(MissingExtraError, match=r'pip install "unmixing-service\[demo\]"'):
        scene()
