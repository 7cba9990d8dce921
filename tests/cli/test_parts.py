"""``unmix run --rows`` and ``unmix join``: an image in parts, from files alone, is the image in one run."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Command, make_tiny
from tests.cli.test_run import assert_one_line_error

ROWS = ("0:3", "3:4", "4:")
"""Of the 14 rows of the tiny scene; none of it fits the blocks of its file."""

METHODS = ("lpalm", "cnnaeu")
"""One model that looks at single pixels, and one that looks at those around them."""


@pytest.fixture(params=METHODS)
def model(request: pytest.FixtureRequest, unmix: Command, tiny: Path) -> str:
    arguments = ("-p", "3", "--method", request.param, "--max-training-seconds", "0.3", "-o", "trained")
    assert unmix("run", tiny, *arguments).exit_code == 0
    return "trained/model.onnx"


@pytest.fixture
def lpalm(unmix: Command, tiny: Path) -> str:
    assert unmix("run", tiny, "-p", "3", "--max-training-seconds", "0.1", "-o", "trained").exit_code == 0
    return "trained/model.onnx"


def make_parts(unmix: Command, scene: Path, model: str, rows: tuple[str, ...] = ROWS) -> list[str]:
    folders = [f"part-{number}" for number in range(len(rows))]
    for folder, chosen in zip(folders, rows, strict=True):
        made = unmix("run", scene, "--model", model, "--rows", chosen, "-o", folder)
        assert made.exit_code == 0, made.output
    return folders


def test_parts_of_a_scene_of_another_sensor_are_resampled_alike(unmix: Command, tiny: Path) -> None:
    with np.load(tiny) as scene:
        cube = scene["cube"]
    known = np.linspace(400, 1400, cube.shape[2])
    np.savez("own.npz", cube=cube, wavelengths_nm=known)
    other = np.linspace(395, 1405, 57)
    thinned = np.apply_along_axis(lambda pixel: np.interp(other, known, pixel), 2, cube).astype(np.float32)
    np.savez("other.npz", cube=thinned, wavelengths_nm=other)
    trained = unmix("run", "own.npz", "-p", "3", "--method", "lista", "--max-training-seconds", "0.1", "-o", "trained")
    assert trained.exit_code == 0, trained.output
    parts = make_parts(unmix, Path("other.npz"), "trained/model.onnx")
    whole = unmix("run", "other.npz", "--model", "trained/model.onnx", "-o", "whole")
    assert whole.exit_code == 0, whole.output
    assert "resampled to the model's" in whole.output.replace("\n", " ")
    assert unmix("join", *parts, "-o", "joined").exit_code == 0
    np.testing.assert_array_equal(np.load("joined/abundances.npy"), np.load("whole/abundances.npy"))
    one, joined = (json.loads(Path(folder, "result.json").read_text()) for folder in ("whole", "joined"))
    assert one["input"]["resampled"]["bands"] == 57
    assert joined["input"] == one["input"]
    assert joined["warnings"] == one["warnings"]


def test_the_joined_parts_are_the_result_of_one_run(unmix: Command, tiny: Path, model: str) -> None:
    parts = make_parts(unmix, tiny, model)
    assert unmix("run", tiny, "--model", model, "-o", "whole").exit_code == 0
    joined = unmix("join", *reversed(parts), "-o", "joined")
    assert joined.exit_code == 0, joined.output
    one, other = (json.loads(Path(folder, "result.json").read_text()) for folder in ("whole", "joined"))
    assert list(other["assets"]) == list(one["assets"])
    assert {path.name for path in Path("joined").iterdir()} == {path.name for path in Path("whole").iterdir()}
    for name in one["assets"]:
        if name.endswith(".npy"):
            np.testing.assert_allclose(np.load(f"joined/{name}"), np.load(f"whole/{name}"), atol=1e-6)
    assert Path("joined/endmembers.csv").read_bytes() == Path("whole/endmembers.csv").read_bytes()
    assert Path("joined/model.onnx").read_bytes() == Path("whole/model.onnx").read_bytes()
    for key in ("reconstruction_relative", "reconstruction_rmse", "reconstruction_sam_radians", "endmember_presence"):
        assert other["metrics"][key] == pytest.approx(one["metrics"][key], rel=1e-6)
    assert other["input"] == one["input"]
    assert other["endmembers"] == one["endmembers"]
    assert other["model"] == one["model"]
    assert set(other["metrics"]) == set(one["metrics"])
    assert other["provenance"]["inputs"] == one["provenance"]["inputs"]
    assert list(one["provenance"]["inputs"]["file"]) == [tiny.name]


def test_rows_that_are_missing_or_there_twice_are_named(unmix: Command, tiny: Path, lpalm: str) -> None:
    make_parts(unmix, tiny, lpalm, ("0:3", "2:7", "9:"))
    assert_one_line_error(unmix("join", "part-0", "part-2", "-o", "joined"), "3:9", "missing", "0:14")
    assert_one_line_error(unmix("join", "part-0", "part-1", "-o", "joined"), "2:3", "there twice", "7:14", "missing")
    assert not Path("joined").exists()


def test_parts_of_another_model_or_scene_are_refused(unmix: Command, tiny: Path, lpalm: str) -> None:
    [first, _] = make_parts(unmix, tiny, lpalm, (":7", "7:"))
    Path("other").mkdir()
    other = make_tiny(Path("other/tiny.npz"), seed=1)
    assert unmix("run", other, "--model", lpalm, "--rows", "7:", "-o", "of-another-scene").exit_code == 0
    assert_one_line_error(unmix("join", first, "of-another-scene", "-o", "joined"), "endmembers differ")
    trained = unmix("run", other, "-p", "3", "--max-training-seconds", "0.1", "-o", "others")
    assert trained.exit_code == 0
    again = unmix("run", tiny, "--model", "others/model.onnx", "--rows", "7:", "-o", "of-another-model")
    assert again.exit_code == 0
    assert_one_line_error(unmix("join", first, "of-another-model", "-o", "joined"), "model")
    renamed = tiny.rename(tiny.with_name("renamed.npz"))
    assert unmix("run", renamed, "--model", lpalm, "--rows", "7:", "-o", "of-another-file").exit_code == 0
    assert_one_line_error(unmix("join", first, "of-another-file", "-o", "joined"), "source")


def test_what_is_no_whole_part_is_refused(unmix: Command, tiny: Path, lpalm: str) -> None:
    [first, second] = make_parts(unmix, tiny, lpalm, (":7", "7:"))
    document = json.loads(Path(first, "part.json").read_text())

    def refused(*words: str) -> None:
        assert_one_line_error(unmix("join", "broken", second, "-o", "joined"), "broken", *words)
        shutil.rmtree("broken")
        shutil.copytree(first, "broken")

    shutil.copytree(first, "broken")
    for name in ("part.json", "fitted.json", "fitted.npz", "model.onnx", "picture.npy", "brightness.npy"):
        Path("broken", name).unlink()
        refused()
    for name in ("fitted.npz", "model.onnx", "abundances.npy"):
        Path("broken", name).write_bytes(Path(first, name).read_bytes()[:-40])
        refused()
    np.save("broken/abundances.npy", np.zeros((7, 12, 2), np.float32))
    refused("abundances", "(7, 12, 3)")
    np.save("broken/picture.npy", np.array([{"an": "object"}]), allow_pickle=True)
    refused("pickle")
    Path("broken/part.json").write_text(json.dumps({**document, "rows": [0, 99]}))
    refused("0:99", "0:14")
    Path("broken/part.json").write_text(json.dumps({**document, "more": 1}))
    refused("more")
    Path("broken/model.onnx").write_bytes(b"no model")
    refused("model.onnx")


@pytest.mark.parametrize("rows", ["3", "a:b", "-3:2", "7:7", "9:4", "14:", "1:2:3"])
def test_rows_that_are_none_name_those_of_the_scene(unmix: Command, tiny: Path, lpalm: str, rows: str) -> None:
    assert_one_line_error(unmix("run", tiny, "--model", lpalm, f"--rows={rows}", "-o", "part"), rows, "0:14")
    assert not Path("part").exists()


def test_rows_are_a_part_only_with_a_model_and_without_columns(unmix: Command, tiny: Path, lpalm: str) -> None:
    subset = ("run", tiny, "-p", "3", "--method", "vca_fcls", "--rows", "2:9", "-o", "subset")
    assert unmix(*subset).exit_code == 0
    document = json.loads(Path("subset/result.json").read_text())
    assert (document["input"]["rows"], document["provenance"]["input"]["rows"]) == (7, "2:9")
    both = ("run", tiny, "--model", lpalm, "--rows", "2:9", "--columns", "1:", "-o", "both")
    assert unmix(*both).exit_code == 0
    shape = np.load("both/brightness.npy").shape
    assert shape == (7, json.loads(Path("both/result.json").read_text())["input"]["columns"])


def test_only_a_part_is_replaced(unmix: Command, tiny: Path, lpalm: str) -> None:
    make = ("run", tiny, "--model", lpalm, "--rows", "0:3")
    assert unmix(*make).exit_code == 0
    [part] = Path().glob("tiny-rows-*")
    assert_one_line_error(unmix(*make), "holds a part already", "--force")
    assert unmix(*make[:-1], "0:5", "-o", part, "--force").exit_code == 0
    assert json.loads((part / "part.json").read_text())["rows"] == [0, 5]
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("mine")
    assert_one_line_error(unmix(*make, "-o", "mine", "--force"), "no part")
    assert [path.name for path in Path("mine").iterdir()] == ["notes.txt"]


def test_only_parts_that_count_alike_are_joined(unmix: Command, tiny: Path, lpalm: str) -> None:
    asked = {"one": (":7", "shape"), "other": ("7:", "shape"), "area": ("7:", "area")}
    for name, (rows, counted) in asked.items():
        made = unmix("run", tiny, "--model", lpalm, "--rows", rows, "--abundances-of", counted, "-o", name)
        assert made.exit_code == 0, made.output
    assert_one_line_error(unmix("join", "one", "area", "-o", "mixed"), "abundances_of", "shape", "area")
    assert unmix("join", "one", "other", "-o", "joined").exit_code == 0
    assert unmix("run", tiny, "--model", lpalm, "--abundances-of", "shape", "-o", "whole").exit_code == 0
    np.testing.assert_array_equal(np.load("joined/abundances.npy"), np.load("whole/abundances.npy"))
    assert json.loads(Path("joined/result.json").read_text())["abundances_of"] == "shape"


def test_a_library_names_the_endmembers_of_parts(unmix: Command, tiny: Path, lpalm: str) -> None:
    with np.load(tiny) as truth:
        table = np.column_stack([truth["wavelengths_nm"], truth["endmembers"].T])
        np.savetxt("library.csv", table, delimiter=",", header="wavelength_nm,left,middle,right", comments="")
    for number, rows in enumerate((":7", "7:")):
        named = ("--library", "library.csv", "--rows", rows, "-o", f"part-{number}")
        made = unmix("run", tiny, "--model", lpalm, *named)
        assert made.exit_code == 0, made.output
    assert unmix("join", "part-0", "part-1", "-o", "joined").exit_code == 0
    document = json.loads(Path("joined/result.json").read_text())
    assert set(document["endmembers"]["names"]) == {"left", "middle", "right"}
    assert document["metrics"]["library_matches"]
