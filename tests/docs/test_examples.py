"""The examples in the documents run, against a real service where they ask one."""

import os
import re
import shlex
import shutil
import string
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest
import rasterio
import xarray
from rasterio.errors import NotGeoreferencedWarning
from typer.testing import CliRunner

from cli.main import app
from model_store.settings import Settings
from model_store.stores import Stores
from tests.conftest import REPOSITORY, npy, serving, small_scene
from unmixing.inference.stored import read_model

N_BANDS = 24
QUICK = ("UnmixSpec(n_endmembers=4)", 'UnmixSpec(n_endmembers=4, method="vca_fcls")')
"""A method without a training takes the place of the default one: the calls are what is tested."""


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (REPOSITORY / page).read_text("utf-8"), re.S)


def fill(folder: Path) -> None:
    """The files that the examples name."""
    cube = small_scene(rows=14, columns=12, bands=N_BANDS)
    (folder / "scene.npy").write_bytes(npy(cube))
    (folder / "next.npy").write_bytes(npy(small_scene(1, bands=N_BANDS)))
    (folder / "scene.img").write_bytes(np.moveaxis(cube, 2, 0).tobytes())
    wavelengths = np.linspace(400, 2400, N_BANDS)
    (folder / "scene.hdr").write_text(
        f"ENVI\nsamples = 12\nlines = 14\nbands = {N_BANDS}\ndata type = 4\ninterleave = bsq\nbyte order = 0\n"
        f"wavelength units = Nanometers\nwavelength = {{{', '.join(map(str, wavelengths))}}}\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        facts = {"width": 12, "height": 14, "count": N_BANDS, "dtype": "float32"}
        with rasterio.open(folder / "scene.tif", "w", driver="GTiff", **facts) as file:
            file.write(np.moveaxis(cube, 2, 0))
    spectra = np.column_stack([wavelengths, cube.reshape(-1, N_BANDS)[[0, 3, 6]].T])
    np.savetxt(folder / "materials.csv", spectra, delimiter=",", header="wavelength_nm,soil,leaf,water", comments="")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the files, and what the examples in the shell make of them without a service."""
    place = tmp_path_factory.mktemp("examples")
    fill(place)
    pages = [*blocks("docs/quickstart.md", "sh"), *blocks("docs/commands.md", "sh")]
    local = "".join(block for block in pages if "$SERVICE" not in block)
    training = "unmix run scene.npy -p 3 -o results\n"
    assert training in local
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        shell(local.replace(training, f"{training.strip()} --max-training-seconds 1\n"))
    return place


def shell(commands: str, **names: str) -> str:
    """Run the lines here, `unmix` in this process, the others in a shell; returns what the latter say."""
    told = ""
    for line in commands.splitlines():
        if line.startswith("unmix ") and "|" not in line:
            arguments = shlex.split(line, comments=True)[1:]
            done = CliRunner().invoke(app, [string.Template(each).safe_substitute(names) for each in arguments])
            assert done.exit_code == 0, done.output
        else:
            told += _run(line.replace("curl ", "curl -sS --fail-with-body ", 1), names)
    return told


def _run(line: str, names: Mapping[str, str]) -> str:
    here = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        ["bash", "-c", line], env=os.environ | names | here, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, (line, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture
def at_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def url(settings: Settings) -> Iterator[str]:
    more = {"webhook_secret": "whsec_" + "c2VjcmV0" * 5, "outbound_allow": "127.0.0.1"}
    with serving(settings.model_copy(update=more)) as client:
        yield str(client.base_url).rstrip("/")


def execute(page: str, *changes: tuple[str, str]) -> dict[str, Any]:
    """Run a page's examples in Python, one after the other, and return their names."""
    names: dict[str, Any] = {"cube": np.load("scene.npy")}
    for block in blocks(page, "python"):
        for before, after in (QUICK, *changes):
            block = block.replace(before, after)
        exec(compile(block, page, "exec"), names)
    return names


def test_the_quickstart_works(at_work: Path, url: str, worker: object) -> None:
    asked = "".join(block for block in blocks("docs/quickstart.md", "sh") if "$SERVICE" in block)
    assert '"jobs"' in shell(asked.replace("SERVICE=http://127.0.0.1:8000\n", ""), SERVICE=url)
    result = execute("docs/quickstart.md", ("http://127.0.0.1:8000", url))["result"]
    assert result.abundances.shape == (14, 12, 3)


def test_the_examples_in_the_readme_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cube = small_scene(bands=120)
    np.save("scene.npy", cube)
    np.savetxt("water.csv", np.c_[:120, cube[0, 6]], delimiter=",", header="band,water", comments="")
    quick = ("unmix(cube, input", 'unmix(cube, UnmixSpec(n_endmembers=3, method="vca_fcls"), input')
    assert execute("README.md", quick)["result"].abundances_of == "area"


def test_results_are_read_as_the_documents_say(at_work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy("scene.npy", "results")
    monkeypatch.chdir("results")
    names = execute("docs/results.md")
    np.testing.assert_allclose(names["abundances"].sum(axis=2), 1, atol=1e-5)
    names["results"].close()


@pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning", "ignore::zarr.errors.UnstableSpecificationWarning")
def test_the_examples_in_python_work(
    at_work: Path, url: str, stores: Stores, worker: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Path("results/model.onnx")
    stores.models.register(read_model(model.read_bytes(), str(model)))
    shutil.copy(model, ".")
    # rioxarray is no part of this project: what it opens is an array with named axes.
    opened = xarray.DataArray(np.moveaxis(np.load("scene.npy"), 2, 0), dims=("band", "y", "x"))
    stand_in = SimpleNamespace(open_rasterio=lambda path, chunks: opened.chunk({"y": 10, "x": 10}))
    monkeypatch.setitem(sys.modules, "rioxarray", stand_in)
    service = ("https://unmix.example.org", url), (', api_key="..."', ""), ("https://me.example.org", url)
    names = execute("docs/python.md", *service)
    assert Path("scene-unmixed/abundances.tif").is_file()
    assert Path("abundances.zarr").is_dir()
    assert names["maps"].abundances.shape == (14, 12, 3)
    assert httpx.get(f"{url}/jobs", params={"label": "north field"}).json()["jobs"]
