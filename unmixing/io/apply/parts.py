"""A stored model on a scene of any size, in parts that can be done in any order, by any number of processes.

First the sample is looked at and what it says is written down; then rows are unmixed, part by part; then every map
becomes a GeoTIFF. All of it lies in one folder, so that whoever comes later goes on where others were stopped.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from unmixing.inference.reconstruction import ReconstructionMetrics
from unmixing.inference.runtime import ModelRunner, PreparedModel
from unmixing.io.apply.maps import SceneMaps, hidden_name
from unmixing.io.apply.rows import look, scene_facts, unmix_rows
from unmixing.io.formats.reader import SceneReader
from unmixing.io.products.files import media_types_in, write_endmembers
from unmixing.io.products.quicklook import MAX_SIDE, false_colour_bands, write_quicklook
from unmixing.naming import name_endmembers
from unmixing.pipeline import require_fit
from unmixing.progress import Progress, part_of
from unmixing.types import Compute, Cube, Float32, SpectralLibrary, TrainedModel, Unmixing

LOOK = "look.npz"
ROWS, QUICKLOOK = "rows", "quicklook.png"
LOOKING_SHARE, UNMIXED_SHARE = 0.2, 0.95
"""Shares of the progress at which the sample, and the rows, are done."""


@dataclass(frozen=True, eq=False)
class SceneWork:
    """A scene, the model to apply, and the folder in which it happens. ``ready`` knows what the sample says."""

    reader: SceneReader
    model: TrainedModel
    ready: PreparedModel
    maps: SceneMaps
    cube: Cube
    parts: tuple[tuple[int, int], ...]
    names: tuple[str, ...]

    @property
    def folder(self) -> Path:
        return self.maps.folder

    def pending(self) -> list[str]:
        """File names of what can be done now and is not: rows first, then pictures. Nothing when all is done, or when
        the folder has been cleaned."""
        if not (self.folder / LOOK).exists():
            return []
        rows = [name for name in map(_part_name, self.parts) if not (self.folder / name).exists()]
        return rows or [name for name in self._pictures if not (self.folder / name).exists()]

    def share_done(self) -> float:
        """Of all parts and pictures."""
        names = [*map(_part_name, self.parts), *self._pictures]
        return sum((self.folder / name).exists() for name in names) / len(names)

    def run(self, name: str, progress: Progress) -> None:
        """Do one of ``pending``. Doing it twice does no harm. ``progress`` may raise Cancelled."""
        if name in self._pictures:
            progress(0.0, "writing the results")
            if name == QUICKLOOK:
                self._draw()
            else:
                self.maps.write_cog(Path(name).stem, self.names, self.cube.georeference)
            return
        part = next(part for part in self.parts if _part_name(part) == name)
        used = np.flatnonzero(self.cube.used_bands)
        done = unmix_rows(self.reader, self.ready, used, self.maps, part, _step(self.cube.shape), progress)
        _save(self.folder / name, reconstruction=done.reconstruction.sums(), picture=done.picture)

    @property
    def _pictures(self) -> list[str]:
        """The slowest first."""
        return [*(f"{name}.tif" for name in self.maps.pictured), QUICKLOOK]

    def join(self, seconds: dict[str, float], matches: dict[str, Any]) -> tuple[Unmixing, Cube, dict[str, str]]:
        """When nothing is pending: the rest of the products, and what ``apply_to_scene`` returns."""
        reconstruction = ReconstructionMetrics()
        for part in self.parts:
            with np.load(self.folder / _part_name(part)) as done:
                reconstruction.add_sums(done["reconstruction"])
        unmixing, cube = self._answer()
        unmixing = replace(unmixing, metrics={**matches, **reconstruction.metrics(), "seconds": seconds})
        write_endmembers(self.folder / "endmembers.csv", unmixing, cube.wavelengths_nm)
        (self.folder / "model.onnx").write_bytes(self.model.onnx)
        return unmixing, cube, media_types_in(self.folder)

    def clean(self) -> None:
        """Remove what was only needed on the way."""
        for path in (self.folder / LOOK, *self.folder.glob(f"{ROWS}-*.npz")):
            path.unlink()

    def _answer(self) -> tuple[Unmixing, Cube]:
        """Once all rows are done: the maps as they lie in their files, and the scene with its mask."""
        brightness = self.maps.read("brightness")
        cube = replace(self.cube, valid_pixels=np.isfinite(brightness))
        unmixing = replace(
            _unmixing(self.ready.endmembers, cube, self.model),
            endmember_names=self.names,
            abundances=self.maps.read("abundances"),
            brightness=brightness,
            uncertainty=self.maps.read("uncertainty") if "uncertainty" in self.maps.pictured else None,
        )
        return unmixing, cube

    def _draw(self) -> None:
        unmixing, cube = self._answer()
        step, pictures = _step(cube.shape), []
        for part in self.parts:
            with np.load(self.folder / _part_name(part)) as done:
                pictures.append(done["picture"])
        picture = np.concatenate(pictures)
        # One plane per band, of which only those that are shown are ever touched.
        planes = np.zeros((cube.shape[2], *picture.shape[:2]), dtype=np.float32)
        planes[false_colour_bands(cube)[0]] = picture.transpose(2, 0, 1)
        thin = replace(cube, values=planes.transpose(1, 2, 0), valid_pixels=cube.valid_pixels[::step, ::step])
        shown = np.array(unmixing.abundances[::step, ::step])
        hidden = hidden_name(self.folder / QUICKLOOK)
        write_quicklook(hidden, replace(unmixing, abundances=shown), thin)
        hidden.replace(self.folder / QUICKLOOK)


def begin(
    reader: SceneReader, model: TrainedModel, folder: Path, pixels_per_part: int, compute: Compute, progress: Progress
) -> None:
    """Look at the sample and lay out the files in ``folder``, unless that was done before."""
    if (folder / LOOK).exists():
        return
    ready = look(reader, model, compute, progress)
    rows, columns, _ = reader.shape
    SceneMaps(folder, rows, columns, len(ready.endmembers), uncertainty=ready.has_uncertainty).create()
    parts = _parts(reader.windows(), max(1, pixels_per_part // columns))
    _save(folder / LOOK, endmembers=ready.endmembers, parts=np.array(parts), **ready.state)


def open_work(
    reader: SceneReader, model: TrainedModel, folder: Path, library: SpectralLibrary | None, compute: Compute
) -> tuple[SceneWork, dict[str, Any]]:
    """What ``begin`` has laid out, and the metrics of naming the endmembers by ``library``."""
    with np.load(folder / LOOK) as found:
        state = {name: found[name] for name in found.files}
    endmembers, parts = state.pop("endmembers"), state.pop("parts")
    ready = ModelRunner(model.onnx, compute).restore(endmembers, state)
    cube = scene_facts(reader, np.asarray(model.manifest.used_bands, dtype=np.intp))
    unmixing = _unmixing(endmembers, cube, model)
    if library is not None:
        unmixing = name_endmembers(unmixing, cube, library)
    rows, columns, _ = reader.shape
    maps = SceneMaps(folder, rows, columns, len(endmembers), uncertainty=ready.has_uncertainty)
    spans = tuple((int(start), int(stop)) for start, stop in parts)
    work = SceneWork(reader, model, ready, maps, cube, spans, unmixing.endmember_names)
    return work, dict(unmixing.metrics)


def _parts(windows: Sequence[tuple[int, int]], n_rows: int) -> list[tuple[int, int]]:
    """Windows put together until they have ``n_rows``: no block of the file is read for two parts."""
    parts: list[tuple[int, int]] = []
    for start, stop in windows:
        if parts and parts[-1][1] - parts[-1][0] < n_rows:
            parts[-1] = parts[-1][0], stop
        else:
            parts.append((start, stop))
    return parts


def _part_name(part: tuple[int, int]) -> str:
    return f"{ROWS}-{part[0]}.npz"


def _step(shape: tuple[int, int, int]) -> int:
    """Every so many pixels one is drawn."""
    return -(-max(shape[:2]) // MAX_SIDE)


def _unmixing(found: Float32, cube: Cube, model: TrainedModel) -> Unmixing:
    endmembers = np.full((len(found), cube.shape[2]), np.nan, dtype=np.float32)
    endmembers[:, cube.used_bands] = found
    nothing = np.empty((0, 0), dtype=np.float32)
    return Unmixing(endmembers, nothing, nothing, model.manifest.endmember_names, {}, model)


def _save(path: Path, **arrays: Any) -> None:
    """An ``.npz`` that is there whole or not at all."""
    hidden = hidden_name(path)
    with hidden.open("wb") as file:
        np.savez(file, **arrays)
    hidden.replace(path)


def apply_to_scene(
    reader: SceneReader,
    model: TrainedModel,
    folder: Path,
    *,
    n_endmembers: int | None = None,
    library: SpectralLibrary | None = None,
    compute: Compute,
    progress: Progress,
) -> tuple[Unmixing, Cube, dict[str, str]]:
    """Write every product of ``model`` on the scene into an existing, empty ``folder``, in one go.

    Returns the result, its maps mapped from the files; the scene without its values; and name -> media type. Whatever
    goes wrong, ``progress`` raising included, leaves an incomplete folder and no thread: its owner throws it away.

    Raises BandMismatchError and SpecError for a model that does not fit, SceneContentError without a usable pixel.
    """
    require_fit(model, reader.shape[2], n_endmembers)
    started = time.perf_counter()
    n_pixels = reader.shape[0] * reader.shape[1]
    begin(reader, model, folder, n_pixels, compute, part_of(progress, 0.0, LOOKING_SHARE))
    work, matches = open_work(reader, model, folder, library, compute)

    with threadpool_limits(compute.threads):
        [rows] = work.pending()
        work.run(rows, part_of(progress, LOOKING_SHARE, UNMIXED_SHARE))
        inference = time.perf_counter() - started
        for name in work.pending():
            work.run(name, part_of(progress, UNMIXED_SHARE, 1.0))
    seconds = {"inference": round(inference, 4), "total": round(time.perf_counter() - started, 4)}
    result = work.join(seconds, matches)
    work.clean()
    return result
