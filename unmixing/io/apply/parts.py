"""Parts of an image: some of its rows, unmixed with a stored model, in a folder that needs nothing else.

A part is made from files alone, on whatever machine; ``joining`` makes the result of all parts.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict
from threadpoolctl import threadpool_limits

from unmixing.errors import PartFormatError
from unmixing.inference.apply import Maps
from unmixing.inference.images import Image
from unmixing.inference.provenance import peak_memory_bytes
from unmixing.inference.reconstruction import N_SUMS
from unmixing.io.apply.fitted_files import StoredFit, read_document, read_fitted, write_fitted
from unmixing.io.apply.rows import apply_to_rows
from unmixing.io.inputs.digests import Digests
from unmixing.io.products.maps import DTYPES, MapFiles, map_shapes, read_maps
from unmixing.pipeline import FittedMethod
from unmixing.progress import Progress
from unmixing.types import Compute, Float32

DOCUMENT, PICTURE = "part.json", "picture.npy"

Rows = tuple[int, int]
"""The first, and the one after the last."""


class PartDocument(BaseModel):
    """The document ``part.json`` of a part, which is written last.

    reconstruction: its sums, see ``ReconstructionMetrics``. inference_seconds: how long it took to unmix the rows;
    total_seconds: with everything before. peak_memory_bytes: of the process. inputs: the digests of the scene's files,
    of the part with its first row; the others do not read all of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    format_version: Literal[3] = 3
    rows: Rows
    reconstruction: tuple[float, ...]
    kind_decided_by: str
    inference_seconds: float
    total_seconds: float
    peak_memory_bytes: int = 0
    inputs: dict[str, dict[str, str]] = {}


@dataclass(frozen=True, eq=False)
class Part:
    """A part that has been read. maps: as they lie in the files. picture: (rows, columns, 3), perhaps no row at all."""

    folder: Path
    document: PartDocument
    stored: StoredFit
    maps: Maps
    picture: Float32


def write_part(
    folder: Path, image: Image, fitted: FittedMethod, rows: Rows, compute: Compute, progress: Progress, *,
    kind_decided_by: str, started: float, inputs: Callable[[], Digests],
) -> None:  # fmt: skip
    """Unmix ``rows`` of an image into an existing, empty ``folder``. started: when the work on the part began, by
    ``time.perf_counter``. inputs: waits for the digests of the image's files. Whatever goes wrong leaves an incomplete
    folder: its owner throws it away."""
    write_fitted(folder, fitted)
    applying = time.perf_counter()
    maps = MapFiles(
        folder, rows, image.shape[1], len(fitted.unmixer.endmembers), uncertainty=fitted.unmixer.has_uncertainty
    )
    with threadpool_limits(compute.threads):
        reconstruction, picture = apply_to_rows(image, fitted, rows, maps, progress)
    np.save(folder / PICTURE, picture, allow_pickle=False)
    finished = time.perf_counter()
    document = PartDocument(
        rows=rows, reconstruction=tuple(reconstruction.sums().tolist()), kind_decided_by=kind_decided_by,
        inference_seconds=round(finished - applying, 4), total_seconds=round(finished - started, 4),
        peak_memory_bytes=peak_memory_bytes(),
        inputs={field: dict(digests) for field, digests in inputs().items() if digests},
    )  # fmt: skip
    (folder / DOCUMENT).write_text(document.model_dump_json(), "utf-8")


def read_part(folder: Path) -> Part:
    """The part that ``write_part`` wrote, perhaps on another machine: nothing of it is believed unseen. Raises
    PartFormatError."""
    document, stored = read_document(folder / DOCUMENT, PartDocument), read_fitted(folder)
    n_rows, columns, _ = stored.document.image.shape
    first, last = document.rows
    if not 0 <= first < last <= n_rows:
        raise PartFormatError(f"{folder / DOCUMENT}: the rows {first}:{last} are not among the image's 0:{n_rows}")
    if len(document.reconstruction) != N_SUMS + len(stored.endmembers):
        raise PartFormatError(
            f"{folder / DOCUMENT}: reconstruction has {len(document.reconstruction)} sums, "
            f"{N_SUMS + len(stored.endmembers)} are needed"
        )
    try:
        maps = read_maps(folder)
        picture = np.load(folder / PICTURE, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise PartFormatError(f"{folder} is no whole part of an image ({error})") from error
    shape = (last - first, columns)
    for name, wanted in map_shapes(*shape, len(stored.endmembers)).items():
        values, dtype = getattr(maps, name), np.dtype(DTYPES[name])
        if values is None and name == "uncertainty":
            continue
        if values is None or values.shape != wanted or values.dtype != dtype:
            found = "missing" if values is None else f"{values.shape} of {values.dtype}"
            raise PartFormatError(f"{folder / name}.npy is {found}, {wanted} of {dtype} is needed")
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.float32:
        raise PartFormatError(f"{folder / PICTURE} is {picture.shape} of {picture.dtype}, no picture of three bands")
    return Part(folder, document, stored, maps, picture)
