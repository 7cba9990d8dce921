"""What should not be computed on is found from the numbers, and what is good is kept."""

from pathlib import Path

import numpy as np
import pytest

from unmixing import unmix
from unmixing.cubes import cube_from_array
from unmixing.errors import SceneContentError
from unmixing.inference.images import ArrayImage, as_image
from unmixing.inference.training_images import training_image
from unmixing.io.inputs.images import asked_image
from unmixing.io.inputs.scenes import open_scene
from unmixing.progress import silent
from unmixing.screening.noise import noise_bands
from unmixing.simulation.generated import generate_scene
from unmixing.specs import InputSpec, UnmixSpec
from unmixing.types import Unmixing

ROWS, COLUMNS, BANDS = 40, 30, 36
SPEC = UnmixSpec(method="vca_fcls", n_endmembers=3)
WAVELENGTHS = np.linspace(400.0, 2450.0, BANDS)


def clean_scene(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    spectra = 0.5 + 0.4 * np.sin(np.linspace(0, 6, BANDS) * rng.uniform(0.5, 2, (3, 1)) + rng.uniform(0, 6, (3, 1)))
    mixed = rng.dirichlet([0.4] * 3, (ROWS, COLUMNS)) @ spectra
    return np.asarray(np.clip(mixed + rng.normal(0, 0.003, mixed.shape), 0.001, None) * 10_000)


def places(where: str) -> np.ndarray:
    """Which numbers are replaced, (rows, columns, bands)."""
    chosen = np.zeros((ROWS, COLUMNS, BANDS), dtype=bool)
    rng = np.random.default_rng(3)
    if where == "scattered pixels":
        chosen[rng.random((ROWS, COLUMNS)) < 0.1] = True
    elif where == "scattered numbers":
        pixels = rng.random((ROWS, COLUMNS)) < 0.1
        chosen[pixels, rng.integers(BANDS, size=int(pixels.sum()))] = True
    elif where == "corner":
        chosen[:13, :9] = True
    else:
        chosen[:, :, 7] = True
    return chosen


def same(found: Unmixing, wanted: Unmixing) -> bool:
    return all(
        np.array_equal(getattr(found, name), getattr(wanted, name), equal_nan=True)
        for name in ("endmembers", "abundances", "brightness")
    )


WHERE = ["scattered pixels", "scattered numbers", "corner", "band"]
FILLS = [
    ("int16", -9999), ("int16", -32768), ("float32", -9999), ("float32", 1e30), ("float32", -3.4028235e38),
    ("float32", 9.96921e36), ("uint16", 65535),
]  # fmt: skip


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(("dtype", "fill"), FILLS)
def test_undeclared_fill_is_as_good_as_declared(tmp_path: Path, where: str, dtype: str, fill: float) -> None:
    values = clean_scene().astype(dtype)
    values[places(where)] = fill
    np.save(tmp_path / "scene.npy", values)
    declared = InputSpec(nodata=float(values.max() if fill > 0 else values.min()))
    wanted = unmix(values, SPEC, input=declared)
    assert same(unmix(values, SPEC), wanted)
    with open_scene([tmp_path / "scene.npy"]) as reader:
        assert same(unmix(reader, SPEC), wanted)
    outside = ~places(where).any(axis=2) if where != "band" else np.ones((ROWS, COLUMNS), dtype=bool)
    assert np.array_equal(np.isfinite(wanted.brightness), outside)


@pytest.mark.parametrize("where", ["scattered pixels", "corner"])
def test_a_large_image_and_a_stored_model_see_the_same_fill(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = clean_scene().astype(np.int16)
    values[places(where)] = -9999
    monkeypatch.setattr("unmixing.inference.images.BLOCK_BYTES", 5 * COLUMNS * BANDS * 4)
    declared = np.where(values == -9999, np.nan, values.astype(np.float32))
    seen, wanted = (training_image(ArrayImage(each), silent, 500 * BANDS) for each in (values, declared))
    assert [fill.value for fill in seen.info.fill_values] == [-9999]
    assert np.array_equal(seen.positions, wanted.positions)
    assert np.array_equal(seen.cube.values, wanted.cube.values)


def test_one_number_in_the_whole_spectra_of_many_pixels_is_fill() -> None:
    values = clean_scene()
    values[:6, :8] = -1
    values[20, 20, 5] = -1
    cube = cube_from_array(values)
    assert [(fill.value, fill.whole_spectrum) for fill in cube.fill_values] == [(-1.0, True)]
    assert not cube.valid_pixels[:6, :8].any()
    assert cube.valid_pixels.sum() == ROWS * COLUMNS - 48


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("true zeros", lambda values: np.where(values < 800, 0, values).astype(np.int16)),
        ("saturation that the scene reaches", lambda values: np.minimum(values * 9, 65535).astype(np.uint16)),
        ("negative noise", lambda values: (values - 900).astype(np.int16)),
        ("an odd pixel", lambda values: np.where(np.arange(values.size).reshape(values.shape) == 77, 19_999, values)),
        ("reflectance", lambda values: (values / 10_000).astype(np.float32)),
        ("huge units", lambda values: values * 1e26),
    ],
)
def test_what_is_right_is_kept(name: str, change: object) -> None:
    assert callable(change)
    cube = cube_from_array(change(clean_scene()))
    assert cube.fill_values == ()
    assert cube.valid_pixels.all()
    assert cube.used_bands.all()


def test_a_constant_image_is_still_called_constant() -> None:
    with pytest.raises(SceneContentError, match="constant"):
        cube_from_array(np.full((20, 20, 12), -9999.0))


def test_bands_of_noise_are_dropped_and_vapour_is_named() -> None:
    rng, values = np.random.default_rng(5), clean_scene() / 10_000
    vapour = int(np.argmin(np.abs(WAVELENGTHS - 1400)))
    for band in (2, vapour):
        values[:, :, band] = rng.normal(0.02, 0.01, (ROWS, COLUMNS))
    dropped = noise_bands(values.reshape(-1, BANDS).astype(np.float32), np.arange(BANDS), WAVELENGTHS)
    assert [band.index for band in dropped] == [2, vapour]
    assert dropped[0].reason.startswith("noise")
    assert dropped[1].reason.startswith("water vapour, noise")
    found = unmix(values, SPEC)
    assert np.flatnonzero(np.isnan(found.endmembers[0])).tolist() == [2, vapour]
    kept = unmix(values, SPEC, input=InputSpec(keep_bands="0-33"))
    assert np.flatnonzero(np.isnan(kept.endmembers[0])).tolist() == [34, 35]
    for said, dropped_bands in ((InputSpec(keep_bands="0-33"), [34, 35]), (InputSpec(nodata=-1.0), [2, vapour])):
        large = training_image(as_image(asked_image(values, said)), silent, 500 * BANDS)
        assert [band.index for band in large.info.dropped_bands] == dropped_bands


@pytest.mark.parametrize("kind", ["noise alone", "few pixels", "few bands", "odd pixels", "vapour with light"])
def test_bands_are_kept_where_noise_cannot_be_told(kind: str) -> None:
    rng, values = np.random.default_rng(6), clean_scene().reshape(-1, BANDS).astype(np.float32)
    pixels = {
        "noise alone": rng.random((1000, BANDS), dtype=np.float32),
        "few pixels": values[: 2 * BANDS] + rng.normal(0, 5000, (2 * BANDS, BANDS)).astype(np.float32),
        "few bands": rng.random((1000, 12), dtype=np.float32),
        "odd pixels": np.where(np.arange(values.size).reshape(values.shape) % 3607 == 5, 1e6, values),
        "vapour with light": values,
    }[kind]
    assert noise_bands(pixels, np.arange(pixels.shape[1]), WAVELENGTHS[: pixels.shape[1]]) == ()


@pytest.mark.parametrize("seed", [0, 1])
def test_generated_scenes_lose_nothing(seed: int) -> None:
    scene = generate_scene(np.random.default_rng(seed), rows=40, columns=40)
    cube = cube_from_array(scene.cube)
    assert (cube.dropped_bands, cube.fill_values) == ((), ())
    assert cube.valid_pixels.all()
