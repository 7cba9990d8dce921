"""A Processing script for QGIS 3.22 and later: unmix a raster layer with an unmixing service, and load the maps.

It needs nothing but QGIS: in Processing, *Scripts, Add Script to Toolbox*. See docs/qgis.md.
"""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingOutputRasterLayer,
    QgsProcessingOutputString,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsRasterLayer,
)

POLL_SECONDS, TIMEOUT_SECONDS = 1.0, 120.0
CHUNK_BYTES = 1 << 20
UPLOAD_SHARE, WORK_SHARE = 20.0, 70.0
"""Percent of the progress that sending the file, and the job itself, take; fetching the files takes the rest."""

HELP = """Finds the materials of a hyperspectral image and a map of each, on a server that runs the unmixing service.
The file of the layer is sent there whole. The maps come back as files in the output folder and as layers: the dominant
material of every pixel, and the abundance of each, with names and colours.
Without a number of endmembers the service estimates it; with the id of a stored model nothing is trained."""


class Canceled(Exception):
    """The user wants no more of it."""


class Service:
    """The service at ``url``. api_key: sent as ``Authorization: Bearer``, to this service alone."""

    def __init__(self, url: str, api_key: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise QgsProcessingException(f"{url} is no address of a service: it begins with http:// or https://")
        self.url, self._api_key = url.rstrip("/"), api_key

    def ask(self, path: str, method: str = "GET", data: Any = None, headers: dict[str, str] | None = None) -> Any:
        """The opened answer. Raises QgsProcessingException in the words of the service."""
        request = urllib.request.Request(f"{self.url}/{path}", data=data, headers=headers or {}, method=method)
        if self._api_key:
            request.add_unredirected_header("Authorization", f"Bearer {self._api_key}")
        try:
            return urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            raise QgsProcessingException(_problem(error)) from error
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise QgsProcessingException(
                f"no answer from {self.url} ({reason}); does the service run there?"
            ) from error

    def json(self, path: str) -> dict[str, Any]:
        with self.ask(path) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def submit(self, files: list[Path], fields: dict[str, str], sent: Callable[[float], None]) -> str:
        """Send files and fields as a form, piece by piece; returns the id of the job. sent: hears the fraction."""
        boundary = uuid.uuid4().hex
        pieces: list[bytes | Path] = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        for path in files:
            name = path.name.replace('"', "%22")
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            pieces += [f"{head}Content-Type: application/octet-stream\r\n\r\n".encode(), path, b"\r\n"]
        pieces.append(f"--{boundary}--\r\n".encode())
        total = sum(len(piece) if isinstance(piece, bytes) else piece.stat().st_size for piece in pieces)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(total)}
        with self.ask("unmix", "POST", _streamed(pieces, total, sent), headers) as answer:
            job_id: str = json.load(answer)["jobID"]
        return job_id

    def cancel(self, job_id: str) -> None:
        self.ask(f"jobs/{job_id}", "DELETE").close()

    def save(self, path: str, target: Path) -> None:
        with self.ask(path) as answer, target.open("wb") as file:
            shutil.copyfileobj(answer, file, CHUNK_BYTES)


def _streamed(pieces: list[bytes | Path], total: int, sent: Callable[[float], None]) -> Iterator[bytes]:
    done = 0
    for piece in pieces:
        for chunk in [piece] if isinstance(piece, bytes) else _chunks(piece):
            yield chunk
            done += len(chunk)
            sent(done / total)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _problem(error: urllib.error.HTTPError) -> str:
    try:
        said = json.load(error)
        return str(said.get("detail") or said["title"])
    except (ValueError, KeyError, AttributeError):
        return f"the service answers {error.code} {error.reason}"


def files_of(layer: Any) -> list[Path]:
    """The file of a layer, of an ENVI image with its header. Raises QgsProcessingException for one that is no file."""
    path = Path(layer.source().split("|")[0])
    if not path.is_file():
        raise QgsProcessingException(
            f"the layer {layer.name()} is no file ({layer.source()}); export it as GeoTIFF first"
        )
    headers = [path.with_suffix(".hdr"), path.with_name(path.name + ".hdr")]
    return [path, *[header for header in headers if header.is_file() and header != path][:1]]


class UnmixingService(QgsProcessingAlgorithm):
    """The algorithm in the toolbox."""

    def name(self) -> str:
        return "unmixing_service"

    def displayName(self) -> str:
        return "Unmix with a service"

    def group(self) -> str:
        return "Unmixing"

    def groupId(self) -> str:
        return "unmixing"

    def shortHelpString(self) -> str:
        return HELP

    def createInstance(self) -> UnmixingService:
        return UnmixingService()

    def initAlgorithm(self, config: Any = None) -> None:
        number = QgsProcessingParameterNumber(
            "N_ENDMEMBERS", "Number of endmembers", optional=True, minValue=2, maxValue=32
        )
        for parameter in (
            QgsProcessingParameterRasterLayer("INPUT", "Hyperspectral image"),
            QgsProcessingParameterString("SERVICE", "Address of the service", "http://127.0.0.1:8000"),
            number,
            QgsProcessingParameterString("METHOD", "Method", "lpalm", optional=True),
            QgsProcessingParameterString("MODEL", "Id of a stored model", optional=True),
            QgsProcessingParameterString("API_KEY", "API key", optional=True),
            QgsProcessingParameterFolderDestination("OUTPUT", "Folder of the results"),
        ):
            self.addParameter(parameter)
        self.addOutput(QgsProcessingOutputRasterLayer("ABUNDANCES", "Abundances"))
        self.addOutput(QgsProcessingOutputRasterLayer("DOMINANT", "Dominant material"))
        self.addOutput(QgsProcessingOutputString("JOB", "Id of the job"))

    def processAlgorithm(self, parameters: dict[str, Any], context: Any, feedback: Any) -> dict[str, Any]:
        def text(name: str) -> str:
            return self.parameterAsString(parameters, name, context).strip()

        layer = self.parameterAsRasterLayer(parameters, "INPUT", context)
        fields = {"method": text("METHOD"), "model": text("MODEL")}
        if parameters.get("N_ENDMEMBERS") is not None:
            fields["n_endmembers"] = str(self.parameterAsInt(parameters, "N_ENDMEMBERS", context))
        if fields["model"]:
            del fields["method"]
        folder = Path(text("OUTPUT"))
        service = Service(text("SERVICE"), text("API_KEY"))
        try:
            job_id = _submitted(service, files_of(layer), {key: said for key, said in fields.items() if said}, feedback)
            _wait(service, job_id, feedback)
            document = _fetch(service, job_id, folder, feedback)
        except Canceled:
            return {}
        for warning in document["warnings"]:
            feedback.pushWarning(f"{warning['message']}. {warning['action']}")
        _load(folder, document, context)
        maps = {"ABUNDANCES": str(folder / "abundances.tif"), "DOMINANT": str(folder / "dominant.tif")}
        return {"OUTPUT": str(folder), "JOB": job_id, **maps}


def _require_wanted(feedback: Any) -> None:
    if feedback.isCanceled():
        raise Canceled


def _submitted(service: Service, files: list[Path], fields: dict[str, str], feedback: Any) -> str:
    def sent(fraction: float) -> None:
        _require_wanted(feedback)
        feedback.setProgress(UPLOAD_SHARE * fraction)

    feedback.pushInfo(f"Sending {', '.join(path.name for path in files)} to {service.url}")
    job_id = service.submit(files, fields, sent)
    feedback.pushInfo(f"Job {job_id}")
    return job_id


def _wait(service: Service, job_id: str, feedback: Any) -> None:
    """Until the job has ended. Raises QgsProcessingException when it has no results; a canceled one is stopped."""
    told = ""
    while True:
        if feedback.isCanceled():
            service.cancel(job_id)
            raise Canceled
        job = service.json(f"jobs/{job_id}")
        feedback.setProgress(UPLOAD_SHARE + WORK_SHARE * job["progress"] / 100)
        if job["message"] != told:
            told = job["message"]
            feedback.setProgressText(told)
        if job["status"] == "successful":
            return
        if job["status"] not in ("accepted", "running"):
            raise QgsProcessingException(f"job {job_id} was {job['status']}: {job['message']}")
        time.sleep(POLL_SECONDS)


def _fetch(service: Service, job_id: str, folder: Path, feedback: Any) -> dict[str, Any]:
    """All files of the results into ``folder``, once all are there; returns the document that describes them."""
    document = service.json(f"jobs/{job_id}/results")
    folder.mkdir(parents=True, exist_ok=True)
    names = [name for name in document["assets"] if Path(name).name == name]
    with TemporaryDirectory(dir=folder, prefix=".") as hidden:
        for number, name in enumerate(names):
            _require_wanted(feedback)
            service.save(f"jobs/{job_id}/results/{urllib.parse.quote(name)}", Path(hidden) / name)
            feedback.setProgress(
                UPLOAD_SHARE + WORK_SHARE + (100 - UPLOAD_SHARE - WORK_SHARE) * (number + 1) / len(names)
            )
        (Path(hidden) / "result.json").write_text(json.dumps(document), "utf-8")
        for path in Path(hidden).iterdir():
            path.replace(folder / path.name)
    return document


def _load(folder: Path, document: dict[str, Any], context: Any) -> None:
    """A layer of the dominant material, and one for every abundance, as their styles say."""
    layers = [_styled(folder, "dominant", "dominant material")]
    for band, name in enumerate(document["endmembers"]["names"], start=1):
        layer = _styled(folder, "abundances", f"abundance of {name}")
        renderer = layer.renderer()
        set_band = getattr(renderer, "setInputBand", None) or renderer.setBand  # the first is that of QGIS 3.38
        set_band(band)
        layers.append(layer)
    for layer in layers:
        context.temporaryLayerStore().addMapLayer(layer)
        details = QgsProcessingContext.LayerDetails(layer.name(), context.project(), "")
        context.addLayerToLoadOnCompletion(layer.id(), details)


def _styled(folder: Path, product: str, name: str) -> Any:
    layer = QgsRasterLayer(str(folder / f"{product}.tif"), name)
    layer.loadNamedStyle(str(folder / f"{product}.qml"))
    return layer
