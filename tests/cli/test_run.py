"""``unmix run``: from a file to results without a service."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from cli.errors import STATUSES
from tests.cli.conftest import TRAINING_SECONDS, Command, make_tiny
from tests.result_files import RESULT_FILES

PRODUCTS = RESULT_FILES | {"result.json"}
QUICK = ("-p", "3", "--max-training-seconds", TRAINING_SECONDS)


def assert_one_line_error(result: object, *words: str) -> None:
    assert result.exit_code in {*STATUSES.values()}  # type: ignore[attr-defined]
    lines = [line for line in result.stderr.splitlines() if line.startswith("error:")]  # type: ignore[attr-defined]
    assert len(lines) == 1
    assert result.stderr.rstrip().endswith(lines[0])  # type: ignore[attr-defined]
    for word in words:
        assert word in lines[0]


def test_products_and_the_document_that_describes_them(unmix: Command, tiny: Path) -> None:
    result = unmix("run", tiny, *QUICK)
    assert result.exit_code == 0, result.output
    out = Path("tiny-unmixed")
    assert {path.name for path in out.iterdir()} == PRODUCTS
    assert str(out.resolve()) in result.stdout
    document = json.loads((out / "result.json").read_text())
    assert np.array(document["endmembers"]["values"]).shape == (3, 24)
    assert document["assets"]["abundances.npy"]["size"] == (out / "abundances.npy").stat().st_size
    assert document["input"]["bands"] == 24
    np.testing.assert_allclose(np.load(out / "abundances.npy").sum(axis=2), 1.0, atol=1e-5)


def test_a_model_is_used_again_and_only_on_its_own_bands(unmix: Command, tiny: Path) -> None:
    assert unmix("run", tiny, *QUICK, "-o", "first").exit_code == 0
    again = unmix("run", tiny, "--model", "first/model.onnx", "-o", "second")
    assert again.exit_code == 0, again.output
    np.testing.assert_allclose(np.load("second/abundances.npy"), np.load("first/abundances.npy"), atol=1e-6)
    other = tiny.with_name("other.npy")  # without wavelengths nothing says which of its bands are which of the model's
    np.save(other, np.load(make_tiny(tiny.with_name("other.npz"), n_bands=30))["cube"])
    assert_one_line_error(unmix("run", other, "--model", "first/model.onnx"), "30", "24")


def test_one_model_answers_both_area_and_shape_and_every_product_says_which(unmix: Command, tiny: Path) -> None:
    assert unmix("run", tiny, *QUICK, "-o", "area").exit_code == 0
    made = unmix("run", tiny, "--model", "area/model.onnx", "--abundances-of", "shape", "-o", "shape")
    assert made.exit_code == 0, made.output
    assert "shares of shape" in made.stdout
    area, shape = (json.loads(Path(name, "result.json").read_text()) for name in ("area", "shape"))
    assert (area["abundances_of"], shape["abundances_of"]) == ("area", "shape")
    assert [each["provenance"]["spec"]["abundances_of"] for each in (area, shape)] == ["area", "shape"]
    norms = np.array(area["endmembers"]["norms"])
    assert shape["endmembers"]["norms"] == area["endmembers"]["norms"]
    assert area["model"]["manifest"]["endmember_norms"] == pytest.approx(area["endmembers"]["norms"], rel=1e-5)
    converted = np.load("area/abundances.npy") * norms
    converted /= converted.sum(axis=2, keepdims=True)
    np.testing.assert_allclose(np.load("shape/abundances.npy"), converted, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(shape["endmembers"]["values"], axis=1), 1.0, rtol=1e-5)
    assert Path("shape/model.onnx").read_bytes() == Path("area/model.onnx").read_bytes()
    tables = [np.loadtxt(f"{name}/endmembers.csv", delimiter=",", skiprows=1) for name in ("area", "shape")]
    np.testing.assert_allclose(*tables, rtol=1e-5)


def test_a_model_file_alone_is_enough_and_says_what_it_is(unmix: Command, tiny: Path, tmp_path: Path) -> None:
    methods = ("lista", "dnmf")
    arguments = ("run", tiny, "-p", "3", "--max-training-seconds", "0.01", "-o", "both")
    assert unmix(*arguments, "--method", ",".join(methods)).exit_code == 0
    for method in methods:
        moved = tmp_path / f"moved-{method}.onnx"
        Path(f"both/{method}-model.onnx").rename(moved)
        again = unmix("run", tiny, "--model", moved, "-o", method)
        assert again.exit_code == 0, again.output
        manifest = json.loads(Path(method, "result.json").read_text())["model"]["manifest"]
        assert manifest["method"] == method
        # The model keeps the order of the endmembers that the comparison gave them.
        for name in ("abundances", "brightness"):
            found, compared = np.load(f"{method}/{name}.npy"), np.load(f"both/{method}-{name}.npy")
            np.testing.assert_allclose(found, compared, atol=1e-5)
    provenance = json.loads(Path("both/result.json").read_text())["provenance"]
    assert provenance["inputs"] == {"file": {tiny.name: hashlib.sha256(tiny.read_bytes()).hexdigest()}}


def test_a_model_that_is_none_of_ours_is_refused(unmix: Command, tiny: Path, tmp_path: Path) -> None:
    noise = tmp_path / "noise.onnx"
    noise.write_bytes(b"no model")
    assert_one_line_error(unmix("run", tiny, "--model", noise), "noise.onnx", "no ONNX model")


def test_a_filled_folder_is_kept_unless_forced(unmix: Command, tiny: Path) -> None:
    out = Path("out")
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    assert_one_line_error(unmix("run", tiny, *QUICK, "-o", out), "--force")
    assert [path.name for path in out.iterdir()] == ["notes.txt"]
    assert unmix("run", tiny, *QUICK, "-o", out, "--force").exit_code == 0
    assert {path.name for path in out.iterdir()} == PRODUCTS | {"notes.txt"}
    assert_one_line_error(unmix("run", tiny, "-o", tiny), "is a file")


@pytest.mark.parametrize("given", ["SCENE.HDR", "SCENE.IMG"])
def test_either_half_of_an_envi_scene_in_upper_case(unmix: Command, tiny: Path, given: str) -> None:
    with np.load(tiny) as arrays:
        cube = arrays["cube"]
    Path("SCENE.IMG").write_bytes(cube.astype("<f4").tobytes())
    rows, columns, bands = cube.shape
    header = f"lines = {rows}\nsamples = {columns}\nbands = {bands}\ndata type = 4\ninterleave = bip\n"
    Path("SCENE.HDR").write_text("ENVI\n" + header)
    result = unmix("run", given, "-p", "3", "--method", "vca_fcls", "-o", "out")
    assert result.exit_code == 0, result.output
    document = json.loads(Path("out/result.json").read_text())
    assert sorted(document["input"]["files"]) == ["SCENE.HDR", "SCENE.IMG"]


def test_a_forced_run_leaves_nothing_of_the_run_before(unmix: Command, tiny: Path) -> None:
    out = Path("out")
    assert unmix("run", tiny, *QUICK, "-o", out).exit_code == 0
    (out / "notes.txt").write_text("mine")
    (out / "mine.tif").write_text("mine too")
    again = unmix("run", tiny, "-p", "3", "--method", "vca_fcls", "-o", out, "--force")
    assert again.exit_code == 0, again.output
    assets = json.loads((out / "result.json").read_text())["assets"]
    assert "model.onnx" not in assets
    assert {path.name for path in out.iterdir()} == {*assets, "result.json", "notes.txt", "mine.tif"}


@pytest.mark.parametrize("command", ["run", "submit", "demo"])
@pytest.mark.parametrize("out", ["notes.txt/out", "notes.txt/deep/out", "/proc/unmix/out", "x" * 300])
def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    unmix: Command, tiny: Path, command: str, out: str
) -> None:
    Path("notes.txt").write_text("mine")
    before = {path.name for path in Path().iterdir()}
    # no service answers there: were the place asked for last, that would be the error
    at = () if command != "submit" else ("--url", "http://127.0.0.1:9")
    assert_one_line_error(unmix(command, tiny, "-p", "3", "-o", out, *at), out.split("/")[0] or "/proc", "-o")
    assert {path.name for path in Path().iterdir()} == before


def save(path: Path, cube: object) -> Path:
    np.save(path, np.asarray(cube))
    return path


def test_scenes_that_cannot_be_unmixed(unmix: Command, tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("no cube")
    rng = np.random.default_rng(0)
    cases = [
        (tmp_path / "missing.npy", "no such file"),
        (tmp_path / "text.npy", "text.npy"),
        (save(tmp_path / "nan.npy", np.full((4, 4, 5), np.nan)), "NaN"),
        (save(tmp_path / "constant.npy", np.ones((4, 4, 5))), "constant"),
        (save(tmp_path / "flat.npy", np.ones((4, 4))), "flat.npy"),
        (save(tmp_path / "one-band.npy", rng.random((4, 4, 1))), "2 bands"),
        (save(tmp_path / "small.npy", rng.random((1, 4, 9))), "4 pixels"),
    ]
    before = {path.name for path in tmp_path.iterdir()}
    for path, words in cases:
        assert_one_line_error(unmix("run", path, "-p", "5"), words)
    assert {path.name for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("arguments", [("-p", "1"), ("-p", "33"), ("-p", "abc"), ("--seed", "-1")])
def test_arguments_out_of_range_are_usage_errors(unmix: Command, tiny: Path, arguments: tuple[str, ...]) -> None:
    result = unmix("run", tiny, *arguments)
    assert result.exit_code == 2
    assert arguments[0] in result.stderr


def test_values_that_only_the_spec_knows(unmix: Command, tiny: Path) -> None:
    assert_one_line_error(unmix("run", tiny, "--method", "magic"), "magic", "lpalm")
    assert_one_line_error(unmix("run", tiny, "--max-training-seconds", "0"), "max_training_seconds", "greater than 0")


def test_settings_that_cannot_be_read_name_themselves(
    unmix: Command, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNMIX_THREADS", "many")
    assert_one_line_error(unmix("run", tiny, *QUICK), "threads", "many")
