"""Formats of arrays (.npy, .npz, .mat, HDF5): from the headers in a file to the scene or the matrix that is meant."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import SceneFormatError
from unmixing.io.formats.array_header import ArrayHeader
from unmixing.io.formats.cf import CfFile, cf_grid, cf_place
from unmixing.io.formats.companions import facts_beside
from unmixing.io.formats.folders import shown_name
from unmixing.io.formats.layout import AxisOrder, layout_asked
from unmixing.io.formats.moments import stated_origin
from unmixing.io.formats.reader import SceneReader, require_plausible_size
from unmixing.io.formats.rows import ArrayRows, calibrated
from unmixing.io.formats.scene_arrays import UNNAMED, FileArrays, SceneArray, find_scene
from unmixing.io.formats.variables import WantedArray, choose_array, no_array
from unmixing.specs import InputSpec
from unmixing.types import SceneFacts

MAX_BYTES = 4 * 2**30
"""Of an array that is read whole."""

WHOLE_FILE = ""
"""In the place of an array's name: what is said of all of them."""

MAX_LOOKED_AT_BYTES = 256 * 2**20
"""Of an array that is read whole only to see how it lies in the file."""

Headers = Callable[[Path], dict[str, ArrayHeader]]
"""The arrays of a file by name, with their shapes as the program that wrote them shows them; nothing of them is read.
Raises SceneFormatError."""

LoadArray = Callable[[Path, str, Path | None], NDArray[Any]]
"""One array of a file by its name; what has to be unpacked goes into the folder for scratch, or the system's own.
Raises SceneFormatError."""


class Unpacked:
    """An array that is loaded when first looked at, kept until it is taken, and loaded once for both."""

    def __init__(self, load: Callable[[], NDArray[Any]]) -> None:
        self._load = load
        self._array: NDArray[Any] | None = None

    def look(self) -> NDArray[Any]:
        """The array, which stays here."""
        if self._array is None:
            self._array = self._load()
        return self._array

    def take(self) -> NDArray[Any]:
        """The array, which is not kept any longer."""
        array, self._array = self.look(), None
        return array


@dataclass(frozen=True)
class ArrayFormat:
    """A format whose files hold arrays. name: as results report it.

    down_columns: whether the program behind it counts the pixels of a matrix down the columns, as MATLAB does.
    mapped: whether an array is read where it lies in the file, any rows of it; else all of it is unpacked first.
    read_whole: whether an array can only be read into memory as a whole. attributes: of an array, by file and name,
    and of the ``WHOLE_FILE``, in formats that follow the CF conventions.
    """

    name: str
    headers: Headers
    load: LoadArray
    down_columns: bool = False
    mapped: bool = False
    read_whole: bool = False
    attributes: Callable[[Path, str], Mapping[str, Any]] | None = None

    def open_scene(self, files: Sequence[Path], asked: InputSpec, scratch: Path | None) -> SceneReader:
        """The cube in the one file of ``files``, loaded when its first row is wanted, or when nothing but its numbers
        tells how it lies in the file.

        Beside it only its wavelengths, bad bands and scale, and the size of the image of a matrix, are read.
        Raises SceneFormatError, AmbiguousSceneError.
        """
        path = files[0]
        headers = self.headers(path)
        unpacked = {
            name: Unpacked(partial(self._loaded, path, name, header, scratch)) for name, header in headers.items()
        }

        def content(name: str) -> Callable[[], NDArray[Any]] | None:
            too_large = self.read_whole and headers[name].nbytes > MAX_LOOKED_AT_BYTES
            return None if too_large else unpacked[name].look

        def load(name: str) -> NDArray[Any]:
            return unpacked[name].take()

        found = find_scene(FileArrays(shown_name(path), headers, load, content, self.down_columns), layout_asked(asked))
        facts = facts_beside(headers, found.name, found.shape[2], load)
        if self.attributes is not None and isinstance(found.order, AxisOrder):
            file = CfFile(headers, partial(self.attributes, path), load)
            place = cf_place(file, found.name, found.order)
            grid = cf_grid(file, found.name, found.order) if place is None else None
            facts = replace(
                facts, georeference=place, grid=grid,
                source={**facts.source, **stated_origin(self.attributes(path, WHOLE_FILE))},
            )  # fmt: skip
        return self._reader(path, found, unpacked[found.name], facts)

    def read_array(self, path: Path, variable: str | None, wanted: WantedArray) -> tuple[NDArray[Any], dict[str, Any]]:
        """The array that is wanted, in the order of axes of the program that wrote it, and how it was found.

        ``variable`` says which one where there are several. Raises SceneFormatError, AmbiguousSceneError.
        """
        headers = self.headers(path)
        name = UNNAMED if UNNAMED in headers else choose_array(headers, variable, shown_name(path), wanted)
        if name is None:
            raise no_array(wanted, headers, shown_name(path))
        header, what = headers[name], _what(path, name)
        if len(header.shape) != wanted.n_axes or not header.is_real or min(header.shape) < 1:
            raise SceneFormatError(f"{what} is {header}; it has to be a {wanted}")
        _require_plausible(path, name, header)
        if header.nbytes > MAX_BYTES:
            raise SceneFormatError(f"{what} has {header.nbytes} bytes; {MAX_BYTES} are allowed")
        named = {} if name == UNNAMED else {"variable": name}
        return self._loaded(path, name, header, None), {**self._source(path), **named, "dtype": str(header.dtype)}

    def _reader(self, path: Path, found: SceneArray, unpacked: Unpacked, facts: SceneFacts) -> SceneReader:
        _require_plausible(path, found.name, found.header)

        def load() -> NDArray[Any]:
            return found.order.view(unpacked.take())

        rows = ArrayRows(found.shape, found.header.dtype, load, in_place=self.mapped, in_memory=self.read_whole)
        facts = replace(facts, source={**self._source(path), **found.source(), **facts.source})
        gains, offsets = (np.full(found.shape[2], value) for value in (facts.scale, found.header.notes.offset or 0.0))
        return SceneReader(*calibrated(rows, replace(facts, scale=1.0), gains, offsets))

    def _loaded(self, path: Path, name: str, header: ArrayHeader, scratch: Path | None) -> NDArray[Any]:
        _require_plausible(path, name, header)
        values = self.load(path, name, scratch)
        if values.shape != header.shape or values.dtype.kind not in "iuf":
            raise SceneFormatError(
                f"{_what(path, name)} is {values.dtype} {values.shape}, its header announces {header}"
            )
        return values.astype(header.dtype, copy=False)

    def _source(self, path: Path) -> dict[str, Any]:
        return {"format": self.name, "files": [shown_name(path)]}


def _what(path: Path, name: str) -> str:
    return shown_name(path) if name == UNNAMED else f"{shown_name(path)}: {name}"


def _require_plausible(path: Path, name: str, header: ArrayHeader) -> None:
    """Raises SceneFormatError unless the file can hold the array, by its size and by what it has stored for it."""
    if header.stored_bytes is not None and header.stored_bytes != header.nbytes:
        verdict = "it is truncated" if header.stored_bytes < header.nbytes else "its header does not describe it"
        raise SceneFormatError(
            f"{_what(path, name)}: {header} needs {header.nbytes} bytes, the file has {header.stored_bytes}; {verdict}"
        )
    require_plausible_size(path, header)
