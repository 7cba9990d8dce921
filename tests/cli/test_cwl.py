"""``integrations/cwl/unmix.cwl``, run by cwltool as it comes."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.cli.stac_folders import write_stac_scene
from tests.conftest import REPOSITORY, small_scene
from tests.io.stac_checks import read_folder
from unmixing import unmix
from unmixing.specs import UnmixSpec

PACKAGE = REPOSITORY / "integrations/cwl/unmix.cwl"


def cwltool(process: str, out: Path, inputs: dict[str, Any]) -> Path:
    """The folder that a process of the package makes of these inputs, the commands being those beside Python."""
    out.mkdir()
    (out / "inputs.json").write_text(json.dumps(inputs))
    beside = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{beside}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}
    command = [
        *(sys.executable, "-m", "cwltool", "--no-container", "--quiet", "--preserve-environment", "PYTHONPATH"),
        *("--outdir", str(out / "results"), f"{PACKAGE}#{process}", str(out / "inputs.json")),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Path(json.loads(done.stdout)["results"]["path"])


def given(path: Path, kind: str) -> dict[str, str]:
    return {"class": kind, "path": str(path)}


def test_a_stac_folder_in_and_a_stac_folder_out(tmp_path: Path) -> None:
    scene = given(write_stac_scene(tmp_path / "scene"), "Directory")
    inputs = {"scene": scene, "method": "vca_fcls", "n_endmembers": 3, "abundances_of": "shape", "seed": 1}
    _, _, item = read_folder(cwltool("main", tmp_path / "out", inputs))
    assert item.properties["datetime"] == "2024-05-01T10:00:00Z"
    asked = item.properties["processing:expression"]["expression"]
    assert (asked["method"], asked["abundances_of"], asked["seed"]) == ("vca_fcls", "shape", 1)
    assert [link.href for link in item.links if link.rel == "derived_from"] == ["https://data.example/items/flight"]
    assert (tmp_path / "out/results/unmixed/abundances.tif").is_file()


def test_ranges_of_rows_with_nothing_but_the_files(tmp_path: Path) -> None:
    cube = small_scene()
    np.save(tmp_path / "scene.npy", cube)
    model = unmix(cube, UnmixSpec(method="lista", n_endmembers=3, max_training_seconds=0.01)).model
    assert model is not None
    (tmp_path / "model.onnx").write_bytes(model.onnx)
    inputs = {
        "scene": given(tmp_path / "scene.npy", "File"),
        "model": given(tmp_path / "model.onnx", "File"),
        "rows": ["0:7", "7:20"],
    }
    out = cwltool("in-parts", tmp_path / "out", inputs)
    read_folder(out)
    whole = unmix(cube, UnmixSpec(method="lista"), model=model)
    np.testing.assert_allclose(np.load(out / "abundances.npy"), whole.abundances, atol=1e-6)


@pytest.mark.parametrize("what", ["version", "image"])
def test_the_package_names_this_version_and_the_image_that_is_built_here(what: str) -> None:
    package = yaml.safe_load(PACKAGE.read_text())
    if what == "version":
        assert (
            package["s:softwareVersion"]
            == tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
        )
    else:
        (built,) = {tool["hints"]["DockerRequirement"]["dockerPull"] for tool in package["$graph"] if "hints" in tool}
        compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
        assert built == f"{compose['x-unmix']['image']}:latest"
