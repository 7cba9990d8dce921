"""Files in and files out: ENVI partners, output folders, truth inside a scene."""

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cli.errors import CliError
from cli.scene_files import scene_files, scene_name
from tests.cli.conftest import make_tiny
from unmixing.io.inputs.truth import read_truth
from unmixing.io.products.folders import output_folder
from unmixing.simulation.evaluation import evaluate


@pytest.mark.parametrize(
    ("header", "binary"),
    [
        ("a.hdr", "a"),
        ("a.hdr", "a.img"),
        ("a.hdr", "a.dat"),
        ("a.hdr", "a.corrected"),
        ("a.img.hdr", "a.img"),
        ("a.bil.hdr", "a.bil"),
        ("A.HDR", "A.IMG"),
        ("A.HDR", "A"),
        ("A.HDR", "a.dat"),
        ("a.hdr", "A.Img"),
        ("A.IMG.HDR", "A.IMG"),
        ("A.HDR", "A.SLI"),
    ],
)
def test_either_half_of_an_envi_pair_finds_the_other(tmp_path: Path, header: str, binary: str) -> None:
    for name in (header, binary):
        (tmp_path / name).touch()
    pair = {tmp_path / header, tmp_path / binary}
    assert set(scene_files([tmp_path / header])) == pair
    assert set(scene_files([tmp_path / binary])) == pair
    assert sorted(scene_files([tmp_path / binary, tmp_path / header])) == sorted(pair)


def test_of_two_pairs_that_differ_in_case_each_finds_its_own(tmp_path: Path) -> None:
    for name in ("a.hdr", "a.img", "A.HDR", "A.IMG"):
        (tmp_path / name).touch()
    if len(list(tmp_path.iterdir())) < 4:
        pytest.skip("this file system does not tell upper from lower case")
    assert scene_files([tmp_path / "A.IMG"]) == [tmp_path / "A.IMG", tmp_path / "A.HDR"]
    assert scene_files([tmp_path / "a.img"]) == [tmp_path / "a.img", tmp_path / "a.hdr"]
    assert scene_files([tmp_path / "A.HDR"]) == [tmp_path / "A.HDR", tmp_path / "A.IMG"]
    assert scene_files([tmp_path / "a.hdr"]) == [tmp_path / "a.hdr", tmp_path / "a.img"]


def test_self_contained_files_have_no_partner(tmp_path: Path) -> None:
    for name in ("a.npz", "a.hdr", "a.tif"):
        (tmp_path / name).touch()
    assert scene_files([tmp_path / "a.npz"]) == [tmp_path / "a.npz"]
    assert scene_name([tmp_path / "a.npz"]) == "a"


def test_an_interrupted_block_leaves_nothing(tmp_path: Path) -> None:
    with contextlib.suppress(RuntimeError), output_folder(tmp_path / "deep" / "out") as folder:
        (folder / "half.txt").write_text("half")
        raise RuntimeError
    assert list((tmp_path / "deep").iterdir()) == []


@pytest.mark.parametrize(
    "text", ["no JSON", "[]", "{}", '{"assets": {"../mine.txt": {}, "sub": {}, "/etc/hosts": {}}}']
)
def test_a_result_by_somebody_else_costs_no_file(tmp_path: Path, text: str) -> None:
    out = tmp_path / "out"
    (out / "sub").mkdir(parents=True)
    (tmp_path / "mine.txt").write_text("mine")
    (out / "result.json").write_text(text)
    with output_folder(out) as folder:
        (folder / "result.json").write_text('{"assets": {}}')
    assert (tmp_path / "mine.txt").is_file()
    assert {path.name for path in out.iterdir()} == {"sub", "result.json"}
    assert (out / "result.json").read_text() == '{"assets": {}}'


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(CliError, match=r"nowhere\.npz"):
        scene_files([tmp_path / "nowhere.npz"])


def test_the_truth_evaluated_against_itself_has_no_error(tmp_path: Path) -> None:
    truth = read_truth(make_tiny(tmp_path / "tiny.npz"))
    assert truth is not None
    assert truth.abundances is not None
    order = [2, 0, 1]
    values = [[*row[:5], None, *row[6:]] for row in truth.endmembers[order].tolist()]
    evaluation = evaluate(truth, np.array(values, dtype=float), truth.abundances[:, :, order])
    assert evaluation is not None
    assert evaluation.names == ("left", "middle", "right")
    assert evaluation.mean_sad_radians < 1e-6
    assert evaluation.abundance_rmse == pytest.approx(0.0, abs=1e-12)


def test_a_truth_of_area_is_counted_as_the_answer_is_and_one_of_shape_only_by_itself(tmp_path: Path) -> None:
    truth = read_truth(make_tiny(tmp_path / "tiny.npz"))
    assert truth is not None
    assert truth.abundances is not None
    darker = replace(truth, endmembers=truth.endmembers * [[1.0], [0.1], [1.0]])
    contributions = truth.abundances * np.linalg.norm(darker.endmembers, axis=1)
    shares = contributions / contributions.sum(axis=2, keepdims=True)
    area = replace(darker, abundances_of="area")
    errors = []
    for counted in (area.counting("area"), area.counting("shape")):
        evaluation = evaluate(counted, truth.endmembers, shares)
        assert evaluation is not None
        assert evaluation.abundance_rmse is not None
        errors.append(evaluation.abundance_rmse)
    assert errors[0] > 0.1
    assert errors[1] == pytest.approx(0.0, abs=1e-12)
    assert replace(darker, abundances_of="shape").counting("area").abundances is None
    assert darker.counting("shape").abundances is darker.abundances


def test_truth_that_does_not_fit_is_not_compared(tmp_path: Path) -> None:
    truth = read_truth(make_tiny(tmp_path / "tiny.npz"))
    assert truth is not None
    assert evaluate(truth, truth.endmembers[:2], np.zeros((14, 12, 2))) is None
    np.savez(tmp_path / "plain.npz", cube=np.zeros((2, 2, 2)))
    assert read_truth(tmp_path / "plain.npz") is None
    assert read_truth(tmp_path / "a.tif") is None
