"""What is said of an input on the command line is what is computed, in one run and in parts."""

import json
from pathlib import Path

import numpy as np

from tests.cli.conftest import N_BANDS, Command, make_tiny
from tests.cli.test_run import assert_one_line_error


def maps(folder: str) -> list[np.ndarray]:
    return [np.load(Path(folder, f"{name}.npy")) for name in ("abundances", "brightness")]


def test_mask_wavelengths_and_bands_are_used_and_reported(unmix: Command, tiny: Path) -> None:
    used = np.zeros((14, 12), dtype=bool)
    used[:, 3:] = True
    np.save("mask.npy", used)
    Path("bands.txt").write_text("wavelength (um)\n" + "\n".join(map(str, np.linspace(0.5, 2.5, N_BANDS))))
    said = ("--mask", "mask.npy", "--wavelengths", "bands.txt", "--bad-bands", "0.5-0.7um,23", "--rows", "0:12")
    found = unmix("run", tiny, "-p", "3", "--method", "vca_fcls", *said, "-o", "out")
    assert found.exit_code == 0, found.output
    document = json.loads(Path("out/result.json").read_text())
    assert np.array_equal(np.isfinite(maps("out")[1]), used[:12])
    assert document["input"]["pixels_outside_mask"] == 36
    assert [band["index"] for band in document["input"]["dropped_bands"]] == [0, 1, 2, 23]
    assert np.allclose(document["endmembers"]["wavelengths_nm"], np.linspace(500, 2500, N_BANDS))
    asked = document["provenance"]["input"]
    assert (asked["mask"], asked["bad_bands"], asked["nodata"]) == ("mask.npy", "0.5-0.7um,23", None)
    assert set(document["provenance"]["inputs"]) == {"file", "mask"}


def test_files_that_are_not_there_are_named(unmix: Command, tiny: Path) -> None:
    assert_one_line_error(unmix("run", tiny, "--wavelengths", "none.txt"), "none.txt", "no such file")
    assert_one_line_error(unmix("run", tiny, "--mask", "none.tif"), "none.tif", "no such file")


def test_a_stored_model_and_parts_leave_undeclared_fill_out_as_declared(unmix: Command, tiny: Path) -> None:
    assert unmix("run", tiny, "-p", "3", "--max-training-seconds", "0.1", "-o", "trained").exit_code == 0
    model = ("--model", "trained/model.onnx")
    scene = dict(np.load(make_tiny(Path("other.npz"), seed=1)))
    scene["cube"][2:6, 3:9] = -9999
    np.savez("filled.npz", **scene)
    assert unmix("run", "filled.npz", *model, "--nodata", "-9999", "-o", "declared").exit_code == 0
    assert unmix("run", "filled.npz", *model, "-o", "found").exit_code == 0
    for name, rows in (("one", ":5"), ("two", "5:")):
        assert unmix("run", "filled.npz", *model, "--rows", rows, "-o", name).exit_code == 0
    assert unmix("join", "one", "two", "-o", "joined").exit_code == 0
    assert not np.isfinite(maps("declared")[1][2:6, 3:9]).any()
    for folder in ("found", "joined"):
        assert all(
            np.array_equal(mine, theirs, equal_nan=True)
            for mine, theirs in zip(maps(folder), maps("declared"), strict=True)
        )
        report = json.loads(Path(folder, "result.json").read_text())["input"]
        assert report["fill_values"] == [{"value": -9999.0, "whole_spectrum": False}]
