"""Layouts of .npy, .npz, HDF5 and netCDF 4 files, and look-alikes: each is read right, or refused."""

from itertools import permutations
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.io.layout_files import Row, by_name, check_row, scene, write_h5, write_npy, write_npz
from unmixing.io.inputs.scenes import open_scene
from unmixing.specs import InputSpec

S, CUBIC, FEW = scene(), scene(24, 24, 24), scene(24, 18, 5)
ROWS, COLUMNS, BANDS = S.cube.shape
NM = np.linspace(420, 2400, BANDS)
NOISE = np.random.default_rng(0).random((60, 20, 20))
RGB = S.cube[..., [20, 10, 5]]
MULTISPECTRAL = np.random.default_rng(1).random((2 * ROWS, 2 * COLUMNS, 8))
DETECTORS = np.concatenate([np.linspace(400, 1000, 25), np.linspace(940, 2400, 15)])

ONE_ARRAY = [
    *(Row(f"axes {order}", {"x": S.cube.transpose(order)}, S.cube)
      for order in permutations(range(3)) if order.index(0) < order.index(1)),
    Row("as many rows, columns and bands", {"x": CUBIC.cube}, CUBIC.cube),
    Row("as many bands, rows and columns", {"x": CUBIC.cube.transpose(2, 0, 1)}, CUBIC.cube),
    Row("few bands", {"x": FEW.cube}, FEW.cube),
    Row("few bands first", {"x": FEW.cube.transpose(2, 0, 1)}, FEW.cube),
    Row("noise that looks bands first", {"x": NOISE}, refused="60 bands of 20 rows.*axes=bands,rows,columns.*--axes"),
    Row("noise whose axes are said", {"x": NOISE}, NOISE.transpose(1, 2, 0), said=InputSpec(axes="bands,rows,columns")),
    Row("axes said in other words", {"x": S.cube}, S.cube.transpose(1, 0, 2), said=InputSpec(axes="x,y,band")),
    Row("axes said wrongly", {"x": S.cube}, refused="axes is bands,rows; .*rows, columns and bands",
        said=InputSpec(axes="bands,rows")),
    Row("a matrix", {"x": S.along_rows}, refused="rows= and columns="),
    Row("a matrix whose size is said", {"x": S.along_rows}, S.cube,
        said=InputSpec(rows=str(ROWS), columns=str(COLUMNS))),
]  # fmt: skip


@pytest.mark.parametrize("row", ONE_ARRAY, ids=by_name)
def test_one_array_is_read_right_or_refused(row: Row, tmp_path: Path) -> None:
    check_row(row, write_npy(tmp_path, row.arrays["x"]))


SEVERAL_ARRAYS = [
    Row("wavelengths that count the first axis", {"x": NOISE, "wl": np.linspace(400, 900, 60)},
        NOISE.transpose(1, 2, 0), wavelengths=np.linspace(400, 900, 60)),
    *(Row(f"wavelengths called {name}", {"img": S.cube, name: NM * factor}, S.cube, wavelengths=NM)
      for name, factor in (("wl", 1), ("wavelength", 1), ("wavlength", 1), ("lambda", 1e-3), ("Wavelengths_um", 1e-3),
                           ("bands_nm", 1), ("center_wavelengths", 1), ("wave", 1e-9))),
    Row("band numbers called wavelengths", {"img": S.cube, "wavelength": np.arange(1, BANDS + 1)}, S.cube,
        no_wavelengths=True),
    Row("a parameter called lambda", {"img": S.cube, "lambda": 0.1}, S.cube, no_wavelengths=True),
    Row("detectors that overlap", {"img": S.cube, "wl": DETECTORS}, S.cube, wavelengths=DETECTORS),
    Row("truth, a picture and a mask", {"img": S.cube, "abundances": S.abundances, "M": S.endmembers, "rgb": RGB,
                                        "mask": RGB[..., :1]}, S.cube,
        variable="img", passed_over=("abundances", "rgb", "mask")),
    Row("bands first beside a picture", {"img": S.cube.transpose(2, 0, 1), "rgb": RGB}, S.cube, passed_over=("rgb",)),
    Row("a multispectral companion", {"HSI": S.cube, "MSI": MULTISPECTRAL}, S.cube, passed_over=("MSI",)),
    Row("a clean cube called true", {"noisy": S.cube, "Y_true": S.cube * 2}, S.cube, passed_over=("Y_true",)),
    Row("as many abundances as bands", {"img": FEW.cube, "abundances": S.cube[..., :9]}, FEW.cube, variable="img"),
    Row("two that may be, one by the letter of abundances", {"a": S.cube, "b": S.cube}, refused=r"a .*b .*`variable`"),
    Row("two that may be", {"HSI": S.cube, "other": S.cube[..., :30]}, refused=r"HSI.*other.*`variable`"),
    Row("pixels before bands, as NumPy counts them", {"Y": S.along_rows.T, "H": ROWS, "W": COLUMNS}, S.cube),
    Row("a matrix converted from MATLAB", {"Y": S.down_columns, "nRow": ROWS, "nCol": COLUMNS}, S.cube),
    Row("abundances alone, asked for", {"A": S.abundances, "img": S.cube}, S.abundances, said=InputSpec(variable="A")),
]  # fmt: skip


@pytest.mark.parametrize("write", [write_npz, write_h5])
@pytest.mark.parametrize("row", SEVERAL_ARRAYS, ids=by_name)
def test_several_arrays_are_read_right_or_refused(row: Row, write: Any, tmp_path: Path) -> None:
    check_row(row, write(tmp_path, **row.arrays))


GROUPS = [
    Row("an array in a group with its wavelengths", {"scan/data": S.cube, "scan/meta/wavelength": NM}, S.cube,
        variable="scan/data", wavelengths=NM),
    Row("two detectors", {"Fields/VNIR_Cube": S.cube, "Fields/SWIR_Cube": S.cube[..., :30]},
        refused=r"SWIR_Cube.*VNIR_Cube.*`variable`"),
    Row("the detector meant", {"Fields/VNIR_Cube": S.cube, "Fields/SWIR_Cube": S.cube[..., :30]}, S.cube,
        said=InputSpec(variable="VNIR_Cube")),
]  # fmt: skip


@pytest.mark.parametrize("row", GROUPS, ids=by_name)
def test_groups_of_hdf5_are_read_right_or_refused(row: Row, tmp_path: Path) -> None:
    check_row(row, write_h5(tmp_path, **row.arrays))


@pytest.mark.parametrize(
    ("order", "names"),
    [((2, 0, 1), ("band", "y", "x")), ((2, 1, 0), ("wavelength", "x", "y")), ((0, 1, 2), ("lat", "lon", "wavelength"))],
)
def test_names_of_axes_in_netcdf_count_more_than_numbers(tmp_path: Path, order: Any, names: Any) -> None:
    cube = NOISE.transpose(1, 2, 0)[:, :14]
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file["data"] = cube.transpose(order)
        for axis, name in enumerate(names):
            file[name] = np.linspace(400, 900, 60) if name == "wavelength" else np.arange(file["data"].shape[axis])
            file[name].make_scale(name)
            file["data"].dims[axis].attach_scale(file[name])
    with open_scene([tmp_path / "a.nc"], scratch=tmp_path) as reader:
        assert np.array_equal(np.concatenate(list(reader.blocks())), cube)
        assert reader.source["axes_by"] == "names of the axes"
        assert (reader.wavelengths_nm is not None) == ("wavelength" in names)


def test_emit_says_its_wavelengths_bad_bands_and_fill(tmp_path: Path) -> None:
    good = np.ones(BANDS, "u1")
    good[[3, 17]] = 0
    band_facts = {
        "sensor_band_parameters/wavelengths": NM.astype("f4"),
        "sensor_band_parameters/good_wavelengths": good,
        "location/glt_x": np.ones((ROWS, COLUMNS)),
    }
    path = write_h5(tmp_path, reflectance=S.cube, **band_facts)
    with h5py.File(path, "a") as file:
        file["reflectance"].attrs["_FillValue"] = np.float32(-9999)
        file["sensor_band_parameters/wavelengths"].attrs["units"] = "nm"
    with open_scene([path], scratch=tmp_path) as reader:
        assert reader.nodata == -9999
        assert np.flatnonzero(np.asarray(reader.bad_bands)).tolist() == [3, 17]
        assert np.allclose(np.asarray(reader.wavelengths_nm), NM)


def test_packed_numbers_of_netcdf_become_values(tmp_path: Path) -> None:
    packed = np.round(S.cube * 1000).astype("i2")
    path = write_h5(tmp_path, data=packed)
    with h5py.File(path, "a") as file:
        file["data"].attrs.update({"scale_factor": 0.001, "add_offset": 0.25})
    with open_scene([path], scratch=tmp_path) as reader:
        assert np.allclose(reader.read().values, packed * 0.001 + 0.25)


def test_axes_are_reversed_only_where_matlab_wrote(tmp_path: Path) -> None:
    path = write_h5(tmp_path, img=CUBIC.cube.T)
    with h5py.File(path, "a") as file:
        file["img"].attrs["MATLAB_class"] = np.bytes_("single")
    with open_scene([path], scratch=tmp_path) as reader:
        assert np.array_equal(np.concatenate(list(reader.blocks())), CUBIC.cube)


def test_letters_of_matlab_are_no_numbers(tmp_path: Path) -> None:
    path = write_h5(tmp_path, img=S.cube.T, text=np.ones((50, ROWS, COLUMNS), "u2"))
    with h5py.File(path, "a") as file:
        for name, kind in (("img", "single"), ("text", "char")):
            file[name].attrs["MATLAB_class"] = np.bytes_(kind)
    with open_scene([path], scratch=tmp_path) as reader:
        assert reader.source["variable"] == "img"


def test_a_scene_whose_middle_is_empty_is_looked_at_elsewhere(tmp_path: Path) -> None:
    large = np.zeros((BANDS, 600, 300), "f4")
    large[:, :120, :110] = scene(120, 110).cube.transpose(2, 0, 1)
    with open_scene([write_npy(tmp_path, large)]) as reader:
        assert reader.shape == (600, 300, BANDS)


def test_wavelengths_in_attributes_of_an_array(tmp_path: Path) -> None:
    path = write_h5(tmp_path, img=S.cube)
    with h5py.File(path, "a") as file:
        file["img"].attrs["wavelengths_nm"] = NM
    with open_scene([path], scratch=tmp_path) as reader:
        assert np.allclose(np.asarray(reader.wavelengths_nm), NM)
