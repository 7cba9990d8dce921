"""Corrections by the user count more than the statements of the file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from unmixing import unmix
from unmixing.errors import BandMismatchError, SpecError, UnmixingError
from unmixing.io.inputs.correction_files import read_wavelengths
from unmixing.io.inputs.scenes import open_scene
from unmixing.specs import InputSpec, UnmixSpec
from unmixing.types import Cube

BANDS = 12
CUBE = np.random.default_rng(0).integers(1, 1000, (9, 7, BANDS)).astype(np.int16)


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    np.savez(tmp_path / "scene.npz", cube=CUBE, wavelengths_nm=np.linspace(400.0, 950.0, BANDS), scale=0.001)
    return tmp_path / "scene.npz"


def read(path: Path, asked: InputSpec) -> Cube:
    with open_scene([path], asked) as reader:
        return reader.read()


def test_a_subset_is_the_image_cut_out(scene: Path) -> None:
    whole, part = read(scene, InputSpec()), read(scene, InputSpec(rows="2:6", columns="3:"))
    assert part.shape == (4, 4, BANDS)
    assert np.array_equal(part.values, whole.values[2:6, 3:])
    with open_scene([scene], InputSpec(rows="2:6", columns="3:")) as reader:
        chosen = np.array([0, 5, 7])
        assert np.array_equal(reader.read_pixels(1, 3, chosen), whole.values[3:5, 3:].reshape(-1, BANDS)[chosen])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"rows": "9:"}, "0:9"),
        ({"columns": "5:2"}, "0:7"),
        ({"rows": "8"}, "rows is 8.*0:9"),
        ({"bad_bands": "12"}, "bands 0 to 11"),
        ({"bad_bands": "1350-1430nm"}, "400 to 950 nm"),
        ({"bad_bands": "3-1"}, "ends before"),
        ({"bad_bands": "5 furlongs"}, "furlongs"),
        ({"bad_bands": "a"}, "bad_bands has 'a'"),
        ({"bad_bands": "3", "keep_bands": "2-5"}, "band 3.*in both"),
        ({"wavelengths": (400.0, 500.0)}, "wavelengths has 2 entries.*12 bands"),
    ],
)
def test_what_does_not_fit_the_scene_is_refused_with_what_is_there(
    scene: Path, asked: dict[str, Any], words: str
) -> None:
    with pytest.raises((SpecError, BandMismatchError), match=words):
        open_scene([scene], InputSpec.model_validate(asked))


@pytest.mark.parametrize("rows", ["", "a", "1:2:3", "-3:2", "1.5"])
def test_ranges_that_are_none_are_refused_by_the_spec(rows: str) -> None:
    with pytest.raises(ValueError, match="first:one-after-last"):
        InputSpec(rows=rows)


def test_bands_are_left_out_by_wavelength_or_number_and_kept_alone(scene: Path) -> None:
    def used(**asked: Any) -> list[int]:
        return np.flatnonzero(read(scene, InputSpec.model_validate(asked)).used_bands).tolist()

    assert used(bad_bands="0,3-4,850-950 nm") == [1, 2, 5, 6, 7, 8]
    assert used(bad_bands="0.85-0.95um, 400nm") == list(range(1, 9))
    assert used(keep_bands="500-600nm,11") == [2, 3, 4, 11]
    assert used(keep_bands="0-5", bad_bands="11") == [0, 1, 2, 3, 4, 5]


def test_nodata_scale_and_wavelengths_replace_those_of_the_file(scene: Path) -> None:
    asked = InputSpec(nodata=float(CUBE[0, 0, 0]), scale=0.01, wavelengths=tuple(np.linspace(0.5, 2.5, BANDS)))
    cube = read(scene, asked)
    assert not cube.valid_pixels[0, 0]
    assert cube.values[8, 6, 3] == np.float32(CUBE[8, 6, 3]) * np.float32(0.01)
    assert cube.wavelengths_nm is not None
    assert np.allclose(cube.wavelengths_nm, np.linspace(500, 2500, BANDS))


def test_nodata_and_scale_are_of_the_file_where_each_band_has_a_gain(tmp_path: Path) -> None:
    path = tmp_path / "scene.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=9, width=7, count=BANDS, dtype="int16", transform=Affine.scale(2.0)
    ) as file:
        file.write(CUBE.transpose(2, 0, 1))
        file.scales, file.offsets = [0.1 * (band + 1) for band in range(BANDS)], [1.0] * BANDS
    cube = read(path, InputSpec(nodata=float(CUBE[0, 0, 3])))
    assert np.isnan(cube.values[0, 0, 3])
    assert cube.values[4, 4, 3] == pytest.approx(CUBE[4, 4, 3] * 0.4 + 1)
    assert np.array_equal(read(path, InputSpec(scale=0.5)).values, CUBE.astype(np.float32) * np.float32(0.5))


@pytest.mark.parametrize(
    "text",
    [
        "400\n500\n600\n", "400, 500, 600", "0.4 0.5 0.6", "wavelength_nm\n400\n500\n600\n",
        "band;Wavelength (um);fwhm\n1;0.4;0.01\n2;0.5;0.01\n3;0.6;0.01\n",
        "Wavenumber (cm-1)\n25000\n20000\n16666.667\n",
    ],
)  # fmt: skip
def test_a_file_of_wavelengths_is_a_line_a_column_or_a_table(tmp_path: Path, text: str) -> None:
    (tmp_path / "w.txt").write_text(text)
    assert np.allclose(read_wavelengths(tmp_path / "w.txt"), [400, 500, 600])


@pytest.mark.parametrize("text", ["", "a b\n1 2\n", "1 2\n3 4\n", "wavelength\n400\nx\n", "-1 2 3"])
def test_a_file_without_wavelengths_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "w.txt").write_text(text)
    with pytest.raises(UnmixingError):
        read_wavelengths(tmp_path / "w.txt")


def test_the_same_is_said_of_an_array_in_python() -> None:
    spec = UnmixSpec(method="vca_fcls", n_endmembers=3)
    found = unmix(CUBE, spec, input=InputSpec(rows="1:8", bad_bands="0,11"))
    alone = unmix(CUBE[1:8, :, 1:-1].copy(), spec)
    assert np.array_equal(found.endmembers[:, 1:-1], alone.endmembers)
    assert np.array_equal(found.abundances, alone.abundances)
    with pytest.raises(SpecError, match="rows was given for a Cube"):
        unmix(read_cube(), spec, input=InputSpec(rows="1:8"))


def read_cube() -> Cube:
    from unmixing.cubes import cube_from_array

    return cube_from_array(CUBE)
