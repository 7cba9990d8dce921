"""Warnings on the command line: on stderr after the run, the same whether in one run or in parts."""

import json
from pathlib import Path

from tests.cli.conftest import Command, make_tiny


def test_a_run_tells_its_warnings_on_stderr(unmix: Command, tmp_path: Path) -> None:
    scene = make_tiny(tmp_path / "few.npz", n_bands=6)
    done = unmix("run", scene, "-p", "3", "--method", "vca_fcls", "-o", "out")
    assert done.exit_code == 0, done.output
    (line,) = [line for line in done.stderr.splitlines() if "few_bands" in line]
    assert line.startswith("warning:")
    assert "only 6 bands are used" in line
    assert "few_bands" not in done.stdout


def test_joined_parts_have_the_warnings_of_one_run(unmix: Command, tmp_path: Path) -> None:
    scene = make_tiny(tmp_path / "few.npz", n_bands=6)
    assert unmix("run", scene, "-p", "3", "--max-training-seconds", "0.1", "-o", "trained").exit_code == 0
    model = ("--model", "trained/model.onnx")
    assert unmix("run", scene, *model, "-o", "whole").exit_code == 0
    for number, rows in enumerate((":5", "5:")):
        assert unmix("run", scene, *model, "--rows", rows, "-o", f"part-{number}").exit_code == 0
    joined = unmix("join", "part-0", "part-1", "-o", "joined")
    assert joined.exit_code == 0, joined.output
    assert "few_bands" in joined.stderr
    one, other = (json.loads(Path(folder, "result.json").read_text())["warnings"] for folder in ("whole", "joined"))
    assert other == one
    assert "few_bands" in [warning["code"] for warning in one]
