"""Corrections, screening and inspection are the same whatever the layout of the file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.io.layout_files import WAVELENGTHS, scene, write_h5, write_npy, write_npz, write_v5, write_v73
from unmixing import unmix
from unmixing.io.apply.inspecting import inspect_input
from unmixing.io.inputs.tasks import Request
from unmixing.specs import InputSpec, UnmixSpec

FILL = -9999.0


def damaged() -> Any:
    """The scene with fill in all bands of two pixels and in one band of a third."""
    cube = scene().cube.copy()
    cube[3, 4:6] = cube[9, 2, 11] = FILL
    return cube


@pytest.mark.parametrize("layout", ["bands first", "matrix", "matlab 5", "matlab 7.3", "hdf5"])
def test_masks_fill_values_and_subsets_of_any_layout_give_the_same_maps(tmp_path: Path, layout: str) -> None:
    cube = damaged()
    rows, columns, bands = cube.shape
    used = np.ones((rows, columns), dtype=bool)
    used[:, -3:] = False
    np.save(tmp_path / "mask.npy", used)
    match layout:
        case "bands first":
            path = write_npy(tmp_path, cube.transpose(2, 0, 1))
        case "matrix":
            path = write_npz(tmp_path, Y=cube.reshape(-1, bands).T, nRow=rows, nCol=columns)
        case "matlab 5":
            path = write_v5(tmp_path, Y=cube.reshape(-1, bands, order="F").T, nRow=rows, nCol=columns)
        case "matlab 7.3":
            path = write_v73(tmp_path, img=cube, wl=WAVELENGTHS)
        case _:
            path = write_h5(tmp_path, **{"scan/data": cube.transpose(2, 0, 1)})
    asked = InputSpec(mask=str(tmp_path / "mask.npy"), rows="2:20", bad_bands="0-3", scale=0.5)
    spec = UnmixSpec(method="vca_fcls", n_endmembers=3)
    expected, found = unmix(cube, spec, input=asked), unmix(path, spec, input=asked)
    assert np.array_equal(found.abundances, expected.abundances, equal_nan=True)
    assert int(np.isnan(found.abundances[:, :, 0]).sum()) == 18 * 3 + 3

    fields = {"rows": "2:20", "bad_bands": "0-3", "scale": "0.5"}
    report = inspect_input(Request([path], fields, {"mask": [tmp_path / "mask.npy"]}, scratch=tmp_path))
    read = report.document["input"]
    assert (read["rows"], read["columns"], read["bands"], read["bands_used"]) == (18, columns, bands, bands - 4)
    assert read["fill_values"] == [{"value": FILL, "whole_spectrum": False}]
    assert {masked["reason"]: masked["pixels"] for masked in read["masked_pixels"]} == {
        "outside the mask": 18 * 3,
        "no data in any used band": 2,
        "no data in some used bands": 1,
    }
    assert 0 < read["lowest"] < read["highest"] < 1
