"""``unmix inspect``: the report as a table or JSON, and the picture."""

import json
from pathlib import Path

import numpy as np

from tests.cli.conftest import Command, make_tiny
from tests.cli.test_run import assert_one_line_error
from tests.io.sensor_files import write_enmap, write_prisma, write_zarr


def test_a_table_of_what_is_read_with_warnings_on_stderr(unmix: Command, tmp_path: Path) -> None:
    done = unmix("inspect", make_tiny(tmp_path / "few.npz", n_bands=6))
    assert done.exit_code == 0, done.output
    lines = {line[:20].strip(): line[20:].strip() for line in done.stdout.splitlines()}
    assert (lines["format"], lines["variable"], lines["bands"]) == ("npz", "cube", "6")
    assert lines["fill values"] == "none"
    assert "few_bands" in done.stderr
    assert list(Path().iterdir()) == [Path("few.npz")], "nothing is written"


def test_json_and_a_picture_on_demand(unmix: Command, tiny: Path) -> None:
    done = unmix("inspect", tiny, "--json", "--rows", "2:10", "-o", "tiny.png")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["warnings"] == []
    assert (document["input"]["rows"], document["input"]["columns"]) == (8, 12)
    assert Path("tiny.png").read_bytes().startswith(b"\x89PNG")


def test_a_mixture_matrix_has_a_report_and_no_picture(unmix: Command, tmp_path: Path) -> None:
    np.save("mixtures.npy", np.random.default_rng(0).random((40, 12)))
    done = unmix("inspect", "mixtures.npy", "--kind", "mixtures", "--json")
    assert json.loads(done.stdout)["input"]["samples"] == 40
    assert_one_line_error(unmix("inspect", "mixtures.npy", "--kind", "mixtures", "-o", "m.png"), "no picture")


def test_a_spectral_library_is_told_where_it_belongs(unmix: Command, tmp_path: Path) -> None:
    Path("library.csv").write_text("Class,400,500,600\nsoil,1,2,3\ngrass,1,3,2\n")
    assert_one_line_error(unmix("inspect", "library.csv"), "'Class'", "`library`")


def test_a_file_that_cannot_be_read_is_one_line(unmix: Command, tmp_path: Path) -> None:
    Path("notes.npz").write_bytes(b"these are my notes")
    assert_one_line_error(unmix("inspect", "notes.npz"), "notes.npz")
    assert_one_line_error(unmix("inspect", "absent.npz"), "no such file")


def test_the_folder_of_a_product_is_a_scene(unmix: Command, tmp_path: Path) -> None:
    for write, said in ((write_enmap, "EnMAP L2A"), (write_zarr, "zarr"), (write_prisma, "PRISMA L2D")):
        done = unmix("inspect", write(tmp_path), "--json")
        assert done.exit_code == 0, done.output
        read = json.loads(done.stdout)["input"]
        assert (read["format"], read["rows"], read["columns"]) == (said, 14, 11)
        assert read["crs"].startswith("PROJCS")
    Path("empty").mkdir()
    assert_one_line_error(unmix("inspect", "empty"), "no file")
