"""Formats of arrays (.npy, .npz, .mat): from the headers in a file to the scene or the matrix that is meant."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from unmixing.errors import SceneFormatError
from unmixing.io.formats.matlab import SIZE_NAMES, CubeVariable, cube_view, find_cube
from unmixing.io.formats.reader import ArrayHeader, ArrayRows, SceneReader, require_plausible_size
from unmixing.io.formats.variables import (
    SCALE,
    THE_CUBE,
    WAVELENGTHS,
    WantedArray,
    choose_array,
    companion_facts,
    no_array,
    require_companion,
    require_cube,
)
from unmixing.specs import InputSpec

MAX_BYTES = 4 * 2**30
"""Of an array that is read whole."""

UNNAMED = ""
"""The name of the array in a file that holds one without a name."""

Headers = Callable[[Path], dict[str, ArrayHeader]]
"""The arrays of a file by name, with their shapes as the program that wrote them shows them; nothing of them is read.
Raises SceneFormatError."""

LoadArray = Callable[[Path, str, Path | None], NDArray[Any]]
"""One array of a file by its name; what has to be unpacked goes into the folder for scratch, or the system's own.
Raises SceneFormatError."""


@dataclass(frozen=True)
class ArrayFormat:
    """A format whose files hold arrays. name: as results report it.

    matlab: whether a matrix of bands x pixels is a scene too, where numbers of rows and columns lie beside it.
    mapped: whether an array is read where it lies in the file, any rows of it; else all of it is unpacked first.
    read_whole: whether an array can only be read into memory as a whole.
    """

    name: str
    headers: Headers
    load: LoadArray
    matlab: bool = False
    mapped: bool = False
    read_whole: bool = False

    def open_scene(self, files: Sequence[Path], asked: InputSpec, scratch: Path | None) -> SceneReader:
        """The cube in the one file of ``files``, loaded when its first row is wanted.

        ``asked.variable`` says which array it is where there are several. Beside it only ``wavelengths_nm``, ``scale``
        and, in MATLAB files, the size of the image are read. Raises SceneFormatError, AmbiguousSceneError.
        """
        path = files[0]
        headers = self.headers(path)
        cube = self._cube(path, headers, asked.variable, scratch)
        what = _what(path, cube.name)
        _require_stored(cube.header, what)
        require_plausible_size(path, cube.header)
        sizes = {WAVELENGTHS: cube.shape[2], SCALE: 1}
        given = [name for name in sizes if name in headers]
        for name in given:
            require_companion(headers[name], name, sizes[name])
        companions = {name: self._loaded(path, name, headers[name], scratch) for name in given}
        load = partial(self._load_cube, path, cube, scratch)
        rows = ArrayRows(cube.shape, cube.header.dtype, load, in_place=self.mapped, in_memory=self.read_whole)
        return SceneReader(rows, companion_facts(companions, self._source(path, cube.name, cube.header)))

    def read_array(self, path: Path, variable: str | None, wanted: WantedArray) -> tuple[NDArray[Any], dict[str, Any]]:
        """The array that is wanted, in the order of axes of the program that wrote it, and how it was found.

        ``variable`` says which one where there are several. Raises SceneFormatError, AmbiguousSceneError.
        """
        headers = self.headers(path)
        name = UNNAMED if UNNAMED in headers else choose_array(headers, variable, path.name, wanted)
        if name is None:
            raise no_array(wanted, headers, path.name)
        header, what = headers[name], _what(path, name)
        if len(header.shape) != wanted.n_axes or not header.is_real or min(header.shape) < 1:
            raise SceneFormatError(f"{what} is {header}; it has to be a {wanted}")
        _require_stored(header, what)
        require_plausible_size(path, header)
        if header.nbytes > MAX_BYTES:
            raise SceneFormatError(f"{what} has {header.nbytes} bytes; {MAX_BYTES} are allowed")
        return self._loaded(path, name, header, None), self._source(path, name, header)

    def _cube(
        self, path: Path, headers: Mapping[str, ArrayHeader], variable: str | None, scratch: Path | None
    ) -> CubeVariable:
        if self.matlab:
            names = [name for pair in SIZE_NAMES for name in pair if name in headers]
            single = {name: headers[name] for name in names if headers[name].size == 1 and headers[name].is_real}
            small = {name: self._loaded(path, name, header, scratch) for name, header in single.items()}
            return find_cube(headers, small, variable, path.name)
        name = UNNAMED if UNNAMED in headers else choose_array(headers, variable, path.name, THE_CUBE)
        if name is None:
            raise no_array(THE_CUBE, headers, path.name)
        return CubeVariable(name, headers[name], require_cube(headers[name], _what(path, name)))

    def _load_cube(self, path: Path, cube: CubeVariable, scratch: Path | None) -> NDArray[Any]:
        return cube_view(self._loaded(path, cube.name, cube.header, scratch), cube.shape)

    def _loaded(self, path: Path, name: str, header: ArrayHeader, scratch: Path | None) -> NDArray[Any]:
        values = self.load(path, name, scratch)
        if values.shape != header.shape or values.dtype.kind not in "iuf":
            raise SceneFormatError(
                f"{_what(path, name)} is {values.dtype} {values.shape}, its header announces {header}"
            )
        return values.astype(header.dtype, copy=False)

    def _source(self, path: Path, name: str, header: ArrayHeader) -> dict[str, Any]:
        named = {} if name == UNNAMED else {"variable": name}
        return {"format": self.name, "files": [path.name], **named, "dtype": str(header.dtype)}


def _what(path: Path, name: str) -> str:
    return path.name if name == UNNAMED else f"{path.name}: {name}"


def _require_stored(header: ArrayHeader, what: str) -> None:
    """Raises SceneFormatError unless the file has as many bytes for the array as its header describes."""
    if header.stored_bytes is not None and header.stored_bytes != header.nbytes:
        verdict = "it is truncated" if header.stored_bytes < header.nbytes else "its header does not describe it"
        raise SceneFormatError(
            f"{what}: {header} needs {header.nbytes} bytes, the file has {header.stored_bytes}; {verdict}"
        )
