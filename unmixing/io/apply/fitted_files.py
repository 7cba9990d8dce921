"""A stored model that has seen a sample of an image, in files: whatever process reads them unmixes any rows of it."""

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from unmixing.errors import ModelFormatError, PartFormatError, SpecError
from unmixing.inference.runtime import ModelRunner
from unmixing.inference.stored import read_model
from unmixing.inference.unmixers import ModelUnmixer
from unmixing.io.products.document import json_ready
from unmixing.pipeline import FittedMethod, spec_of
from unmixing.specs import AbundancesOf
from unmixing.types import (
    Compute,
    DroppedBand,
    FillValue,
    Float32,
    Float64,
    Georeference,
    ImageInfo,
    MapGrid,
    ResultWarning,
    TrainedModel,
)

DOCUMENT, ARRAYS, MODEL = "fitted.json", "fitted.npz", "model.onnx"

GRID_ROWS, GRID_COLUMNS = "grid_rows", "grid_columns"
"""Of the image, where it has a grid."""

STATE = "state."
"""Before the names of the model's inputs among the arrays."""

Document = TypeVar("Document", bound=BaseModel)


class ImageDocument(BaseModel):
    """Description of an image beside its numbers and wavelengths; see ``ImageInfo``. used_bands: indices."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    shape: tuple[int, int, int]
    used_bands: tuple[int, ...] = Field(min_length=1)
    dropped_bands: tuple[DroppedBand, ...]
    fill_values: tuple[FillValue, ...] = ()
    scale: float
    nodata: float | None
    georeference: Georeference | None
    grid_georeference: Georeference | None = None
    source: dict[str, JsonValue]
    warnings: tuple[ResultWarning, ...] = ()


class FittedDocument(BaseModel):
    """The document ``fitted.json``. model_sha256: of the bytes of ``model.onnx``. seconds: per stage of the fit."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    format_version: Literal[2] = 2
    model_sha256: str
    abundances_of: AbundancesOf
    endmember_names: tuple[str, ...] = Field(min_length=1)
    metrics: dict[str, JsonValue]
    seconds: dict[str, float]
    image: ImageDocument


@dataclass(frozen=True, eq=False)
class StoredFit:
    """A fit read from its files. endmembers: (n_endmembers, n_used_bands). state: model inputs beside the pixels."""

    document: FittedDocument
    model: TrainedModel
    endmembers: Float32
    wavelengths_nm: Float64 | None
    state: Mapping[str, Float32]
    grid: MapGrid | None = None

    @property
    def info(self) -> ImageInfo:
        image = self.document.image
        used = np.zeros(image.shape[2], dtype=bool)
        used[list(image.used_bands)] = True
        return ImageInfo(
            shape=image.shape, used_bands=used, dropped_bands=image.dropped_bands,
            fill_values=image.fill_values, wavelengths_nm=self.wavelengths_nm, scale=image.scale,
            nodata=image.nodata, georeference=image.georeference, source=image.source,
            warnings=image.warnings, grid=self.grid,
        )  # fmt: skip

    def fitted(self, compute: Compute) -> FittedMethod:
        """The method, ready for all pixels of its image."""
        prepared = ModelRunner(self.model.onnx, compute).restore(self.endmembers, self.state)
        return FittedMethod(
            self.info, ModelUnmixer(prepared, self.model.manifest.neighbourhood), self.document.endmember_names,
            spec_of(self.model, self.document.abundances_of), self.model, self.document.metrics, self.document.seconds,
            self.document.abundances_of, self.model.manifest.n_given,
        )  # fmt: skip


def write_fitted(folder: Path, fitted: FittedMethod) -> None:
    """Write a method that works by a model into an existing ``folder``. Raises SpecError for one without a model."""
    if fitted.model is None or not isinstance(fitted.area_unmixer, ModelUnmixer):
        raise SpecError(f"method {fitted.spec['method']} has no model; only images with a stored model go in parts")
    info, prepared = fitted.info, fitted.area_unmixer.prepared
    image = ImageDocument(
        shape=info.shape, used_bands=tuple(np.flatnonzero(info.used_bands).tolist()), dropped_bands=info.dropped_bands,
        fill_values=info.fill_values, scale=info.scale, nodata=info.nodata, georeference=info.georeference,
        source=json_ready(info.source), warnings=info.warnings,
        grid_georeference=None if info.grid is None else info.grid.georeference,
    )  # fmt: skip
    document = FittedDocument(
        model_sha256=_sha256(fitted.model.onnx), abundances_of=fitted.abundances_of,
        endmember_names=fitted.endmember_names,
        metrics=json_ready(fitted.metrics), seconds=dict(fitted.seconds), image=image,
    )  # fmt: skip
    arrays: dict[str, NDArray[Any]] = {
        "endmembers": prepared.endmembers,
        **{STATE + name: values for name, values in prepared.state.items()},
    }
    if info.wavelengths_nm is not None:
        arrays["wavelengths_nm"] = info.wavelengths_nm
    if info.grid is not None:
        arrays |= {GRID_ROWS: info.grid.rows, GRID_COLUMNS: info.grid.columns}
    np.savez(folder / ARRAYS, **arrays)  # type: ignore[arg-type]
    (folder / MODEL).write_bytes(fitted.model.onnx)
    (folder / DOCUMENT).write_text(document.model_dump_json(), "utf-8")


def read_fitted(folder: Path) -> StoredFit:
    """The fit that ``write_fitted`` wrote, perhaps on another machine: nothing of it is believed unseen. Raises
    PartFormatError."""
    document = read_document(folder / DOCUMENT, FittedDocument)
    try:
        model = read_model((folder / MODEL).read_bytes(), str(folder / MODEL))
        with (folder / ARRAYS).open("rb") as file, np.load(file, allow_pickle=False) as opened:
            arrays = dict(opened)
    except (OSError, ValueError, zipfile.BadZipFile, ModelFormatError) as error:
        raise PartFormatError(f"{folder} is no whole part of an image ({error})") from error
    if (found := _sha256(model.onnx)) != document.model_sha256:
        raise PartFormatError(f"{folder / MODEL} has the SHA-256 {found}, {DOCUMENT} says {document.model_sha256}")
    _require_agreement(folder, document, arrays)
    state = {name.removeprefix(STATE): values for name, values in arrays.items() if name.startswith(STATE)}
    grid = _grid(folder, document.image, arrays)
    return StoredFit(document, model, arrays["endmembers"], arrays.get("wavelengths_nm"), state, grid)


def _grid(folder: Path, image: ImageDocument, arrays: Mapping[str, NDArray[Any]]) -> MapGrid | None:
    """The grid of the image. Raises PartFormatError unless it shows pixels of the image."""
    if image.grid_georeference is None:
        return None
    found = [arrays.get(name, np.empty(0)) for name in (GRID_ROWS, GRID_COLUMNS)]
    for values, most in zip(found, image.shape, strict=False):
        if values.dtype != np.int32 or values.ndim != 2 or values.shape != found[0].shape:
            raise PartFormatError(f"{folder / ARRAYS}: the grid of the image is missing, or no numbers of its pixels")
        if values.min() < -1 or values.max() >= most:
            raise PartFormatError(f"{folder / ARRAYS}: the grid shows pixels that the image does not have")
    return MapGrid(image.grid_georeference, *found)


def read_document(path: Path, kind: type[Document]) -> Document:
    """The JSON document in a file of a part. Raises PartFormatError."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise PartFormatError(f"{path.parent} is no part of an image: {path.name} cannot be read ({error})") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise PartFormatError(f"{path} cannot be read: {where}: {first['msg']}") from error


def _require_agreement(folder: Path, document: FittedDocument, arrays: Mapping[str, np.ndarray]) -> None:
    """Raises PartFormatError unless the arrays have the shapes that the document asks for."""
    bands, used = document.image.shape[2], document.image.used_bands
    if min(used) < 0 or max(used) >= bands or len(set(used)) != len(used):
        raise PartFormatError(f"{folder / DOCUMENT}: used_bands are not among the {bands} bands of the image")
    expected = {"endmembers": (len(document.endmember_names), len(used)), "wavelengths_nm": (bands,)}
    for name, shape in expected.items():
        values = arrays.get(name)
        if values is None and name == "wavelengths_nm":
            continue
        if values is None or values.shape != shape or values.dtype.kind != "f":
            found = "nothing" if values is None else f"{values.shape} of {values.dtype}"
            raise PartFormatError(f"{folder / ARRAYS}: {name} is {found}, {shape} of floats is needed")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
