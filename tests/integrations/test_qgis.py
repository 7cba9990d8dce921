"""The Processing script of QGIS against a real service: with stand-ins for QGIS, and in QGIS where it is installed."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from model_store.settings import Settings
from tests.conftest import REPOSITORY, serving, small_scene, working

SCRIPT = REPOSITORY / "integrations" / "qgis" / "unmixing_service.py"
QGIS_PROCESS = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
"""Debian's ``qgis_process`` is a script that gives its program an option which that does not know."""


class Anything:
    """A class of QGIS that is only made here."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.arguments, self.options = arguments, options


class Algorithm:
    def __init__(self) -> None:
        self.parameters: list[str] = []
        self.outputs: list[str] = []

    def addParameter(self, parameter: Anything) -> None:
        self.parameters.append(parameter.arguments[0])

    def addOutput(self, output: Anything) -> None:
        self.outputs.append(output.arguments[0])

    def parameterAsString(self, parameters: dict, name: str, context: Any) -> str:
        return str(parameters.get(name) or "")

    def parameterAsInt(self, parameters: dict, name: str, context: Any) -> int:
        return int(parameters[name])

    def parameterAsRasterLayer(self, parameters: dict, name: str, context: Any) -> Any:
        return parameters[name]


class Renderer:
    band = 1

    def setBand(self, band: int) -> None:
        self.band = band


class Layer:
    def __init__(self, path: str, name: str = "scene") -> None:
        self.path, self.label, self.style, self.own_renderer = path, name, "", Renderer()

    def source(self) -> str:
        return self.path

    def name(self) -> str:
        return self.label

    def id(self) -> str:
        return self.label

    def renderer(self) -> Renderer:
        return self.own_renderer

    def loadNamedStyle(self, path: str) -> None:
        assert Path(path).is_file()
        self.style = Path(path).name


class Context:
    class LayerDetails(Anything):
        pass

    def __init__(self) -> None:
        self.layers: dict[str, Layer] = {}
        self.loaded: list[str] = []

    def temporaryLayerStore(self) -> "Context":
        return self

    def addMapLayer(self, layer: Layer) -> None:
        self.layers[layer.id()] = layer

    def addLayerToLoadOnCompletion(self, identifier: str, details: Any) -> None:
        self.loaded.append(identifier)

    def project(self) -> None:
        return None


class Feedback:
    def __init__(self, canceled_at: str = "") -> None:
        self.progress: list[float] = []
        self.texts: list[str] = []
        self.warnings: list[str] = []
        self.canceled_at = canceled_at

    def isCanceled(self) -> bool:
        return bool(self.canceled_at) and any(self.canceled_at in text for text in self.texts)

    def setProgress(self, percent: float) -> None:
        self.progress.append(percent)

    def setProgressText(self, text: str) -> None:
        self.texts.append(text)

    def pushInfo(self, text: str) -> None:
        self.texts.append(text)

    def pushWarning(self, text: str) -> None:
        self.warnings.append(text)


class ProcessingError(Exception):
    pass


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script with stand-ins for what it imports from QGIS."""
    core = types.ModuleType("qgis.core")
    known = {
        "QgsProcessingAlgorithm": Algorithm, "QgsProcessingContext": Context, "QgsRasterLayer": Layer,
        "QgsProcessingException": ProcessingError,
    }  # fmt: skip
    core.__dict__.update(known)
    core.__getattr__ = lambda name: type(name, (Anything,), {})  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "qgis", types.ModuleType("qgis"))
    monkeypatch.setitem(sys.modules, "qgis.core", core)
    spec = importlib.util.spec_from_file_location("qgis_unmixing_service", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "POLL_SECONDS", 0.05)
    return module


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    path, values = tmp_path / 'north "field".tif', small_scene()
    with rasterio.open(
        path, "w", driver="GTiff", width=20, height=20, count=30, dtype="float32", crs="EPSG:32613",
        transform=Affine(30, 0, 500000, 0, -30, 4200000),
    ) as file:  # fmt: skip
        file.write(values.transpose(2, 0, 1))
    return path


def asked(scene: Path, service: httpx.Client, folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "INPUT": Layer(str(scene)), "SERVICE": str(service.base_url), "N_ENDMEMBERS": 3, "METHOD": "vca_fcls",
        "OUTPUT": str(folder), **changes,
    }  # fmt: skip


@pytest.mark.usefixtures("worker")
def test_a_layer_becomes_styled_layers_of_its_materials(
    script: Any, service: httpx.Client, scene: Path, tmp_path: Path
) -> None:
    algorithm, context, feedback, out = script.UnmixingService(), Context(), Feedback(), tmp_path / "out"
    algorithm.initAlgorithm()
    found = algorithm.processAlgorithm(asked(scene, service, out), context, feedback)
    assert set(found) == {"OUTPUT", *algorithm.outputs}
    document = json.loads((out / "result.json").read_text())
    assert {path.name for path in out.iterdir()} == {*document["assets"], "result.json"}
    assert all((out / name).stat().st_size == asset["size"] for name, asset in document["assets"].items())
    assert context.loaded == ["dominant material", *(f"abundance of endmember {number}" for number in (1, 2, 3))]
    layers = [context.layers[name] for name in context.loaded]
    assert [layer.style for layer in layers] == ["dominant.qml", *["abundances.qml"] * 3]
    assert [layer.own_renderer.band for layer in layers[1:]] == [1, 2, 3]
    assert feedback.progress == sorted(feedback.progress)
    assert feedback.progress[-1] == 100
    job = service.get(f"/jobs/{found['JOB']}").json()
    assert (job["inputs"]["method"], job["inputs"]["n_endmembers"]) == ("vca_fcls", 3)


def test_an_envi_image_is_sent_with_its_header(script: Any, service: httpx.Client, tmp_path: Path) -> None:
    image = tmp_path / "flight.img"
    image.write_bytes(small_scene().tobytes())
    lines = ["ENVI", "samples = 20", "lines = 20", "bands = 30", "data type = 4", "interleave = bip", "byte order = 0"]
    image.with_suffix(".hdr").write_text("\n".join(lines) + "\n")
    files = script.files_of(Layer(str(image)))
    assert [path.name for path in files] == ["flight.img", "flight.hdr"]
    job_id = script.Service(str(service.base_url), "").submit(files, {"n_endmembers": "3"}, lambda fraction: None)
    assert service.get(f"/jobs/{job_id}").json()["status"] == "accepted"  # half a pair is refused


def test_canceling_stops_the_job(script: Any, service: httpx.Client, scene: Path, tmp_path: Path) -> None:
    feedback = Feedback(canceled_at="Job ")
    assert script.UnmixingService().processAlgorithm(asked(scene, service, tmp_path / "out"), Context(), feedback) == {}
    job_id = next(text for text in feedback.texts if text.startswith("Job ")).removeprefix("Job ")
    assert service.get(f"/jobs/{job_id}").json()["status"] == "dismissed"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("changes", "words"), [
    ({"METHOD": "magic"}, "magic"), ({"N_ENDMEMBERS": 99}, "n_endmembers"), ({"MODEL": "0" * 32}, "0" * 32),
    ({"SERVICE": "ftp://127.0.0.1"}, "http"), ({"SERVICE": "http://127.0.0.1:9"}, "no answer"),
    ({"INPUT": Layer("WMS:http://127.0.0.1/tiles")}, "export it"),
])  # fmt: skip
def test_what_goes_wrong_is_said_in_the_words_of_the_service(
    script: Any, service: httpx.Client, scene: Path, tmp_path: Path, changes: dict, words: str
) -> None:
    with pytest.raises(ProcessingError, match=words):
        script.UnmixingService().processAlgorithm(
            asked(scene, service, tmp_path / "out", **changes), Context(), Feedback()
        )


class Elsewhere(BaseHTTPRequestHandler):
    """Sends whoever comes on to another host, and remembers what came."""

    seen: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        host = self.headers["Host"]
        self.seen.append((host, self.headers["Authorization"]))
        moved = host.startswith("127.0.0.1")
        self.send_response(302 if moved else 200)
        if moved:
            self.send_header("Location", f"http://localhost:{self.server.server_port}/")  # type: ignore[attr-defined]
        self.end_headers()
        self.wfile.write(b"" if moved else b"{}")

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[HTTPServer]:
    Elsewhere.seen = []
    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_key_is_for_the_service_alone(script: Any, elsewhere: HTTPServer) -> None:
    port = elsewhere.server_port
    assert script.Service(f"http://127.0.0.1:{port}", "secret").json("jobs/1") == {}
    assert Elsewhere.seen == [(f"127.0.0.1:{port}", "Bearer secret"), (f"localhost:{port}", None)]


@pytest.mark.skipif(QGIS_PROCESS is None, reason="qgis_process is not installed")
def test_qgis_itself_runs_the_script(settings: Settings, scene: Path, tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    scripts = home / ".local/share/QGIS/QGIS3/profiles/default/processing/scripts"
    scripts.mkdir(parents=True)
    shutil.copy(SCRIPT, scripts)
    # Without the Python of these tests: QGIS has its own.
    environment = {"HOME": str(home), "PATH": os.defpath, "QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(home)}
    assert QGIS_PROCESS is not None

    def qgis(*arguments: str) -> str:
        done = subprocess.run(
            [QGIS_PROCESS, *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        return done.stdout + done.stderr

    assert "processing" in qgis("plugins", "enable", "processing")
    with serving(settings) as service, working(settings):
        inputs = {**asked(scene, service, out), "INPUT": str(scene)}
        said = qgis("run", "script:unmixing_service", "--", *(f"{name}={value}" for name, value in inputs.items()))
    assert f"ABUNDANCES:\t{out / 'abundances.tif'}" in said, said
    assert np.load(out / "abundances.npy").shape == (20, 20, 3)
    assert "abundances.qml" in json.loads((out / "result.json").read_text())["assets"]
