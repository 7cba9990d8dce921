"""Scenes from the field, where UNMIX_DATA has them."""

import numpy as np
import pytest
from rasterio.crs import CRS

from tests.io.scene_files import real_scene
from unmixing.errors import AmbiguousSceneError, SceneFormatError
from unmixing.io.inputs.checks import check_scene
from unmixing.io.inputs.scenes import open_scene

ANG = "ang20140912t192359_corr_v1c_img_2580-2590_540-550"
EMIT = "emit20250324t221005_jpl_unmix_ex"


@pytest.mark.parametrize(
    ("name", "shape", "first_nm", "last_nm", "n_dropped", "scale", "largest"),
    [
        ("samson.npz", (95, 95, 156), 401, 889, 0, 1.0, 1.0),
        ("jasper.npz", (100, 100, 198), 399.37, 2457.24, 0, 0.0002, 1.0874),
        ("moffett.npz", (50, 50, 184), 419.06, 2477.08, 0, 1.0, 1.0),
        ("enmap_potsdam.tif", (64, 128, 224), 418.24, 2445.53, 6, 1.0, 5943),
        (EMIT, (10, 10, 285), 381.0056, 2492.9239, 41, 1.0, 0.39784),
        (f"{EMIT}.hdr", (10, 10, 285), 381.0056, 2492.9239, 41, 1.0, 0.39784),
        (f"{ANG}.img", (10, 10, 432), 346.2996, 2505.0364, 59, 1.0, 0.42100),
        (f"{ANG}.hdr", (10, 10, 432), 346.2996, 2505.0364, 59, 1.0, 0.42100),
        ("cubus_gamsberg_subset", (25, 10, 189), 426.82, 2324.91, 0, 1.0, 5837.2),
    ],
)
def test_is_read_as_it_is(
    name: str,
    shape: tuple[int, int, int],
    first_nm: float,
    last_nm: float,
    n_dropped: int,
    scale: float,
    largest: float,
) -> None:
    with open_scene([real_scene(name)]) as scene:
        check_scene(scene, 4)
        cube = scene.read()
    assert cube.shape == shape
    assert cube.wavelengths_nm is not None
    assert (cube.wavelengths_nm.min(), cube.wavelengths_nm.max()) == pytest.approx((first_nm, last_nm))
    assert len(cube.dropped_bands) == n_dropped
    assert cube.scale == scale
    assert cube.pixels().max() == pytest.approx(largest, rel=1e-4)


def test_enmap_keeps_its_place_and_loses_its_empty_bands() -> None:
    with open_scene([real_scene("enmap_potsdam.tif")]) as scene:
        cube = scene.read()
    assert [band.index for band in cube.dropped_bands] == list(range(129, 135))
    assert int((~cube.valid_pixels).sum()) == 3
    assert cube.georeference is not None
    assert CRS.from_wkt(cube.georeference.crs_wkt).to_epsg() == 32633
    assert cube.georeference.transform == (30, 0, 365055, 0, -30, 5807085)


def test_aviris_ng_is_rotated() -> None:
    with open_scene([real_scene(f"{ANG}.img")]) as scene:
        assert scene.georeference is not None
        a, _, _, d, _, _ = scene.georeference.transform
    assert np.degrees(np.arctan2(d, a)) == pytest.approx(53)


def test_a_library_is_no_scene() -> None:
    for name in ("library_berlin.hdr", "library_berlin.sli"):
        with pytest.raises(SceneFormatError, match="spectral library, not a scene"):
            open_scene([real_scene(name)])


def test_two_arrays_and_neither_is_called_cube() -> None:
    with pytest.raises(AmbiguousSceneError, match=r"mixing_matrices \(900, 65, 4\).*sources \(4, 346, 346\)"):
        open_scene([real_scene("casa.npz")])
