"""A row of the table of formats."""

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from unmixing.io.formats.reader import SceneReader
    from unmixing.io.formats.variables import WantedArray
    from unmixing.specs import InputSpec

    OpenScene = Callable[[Sequence[Path], InputSpec, Path | None], SceneReader]
    ReadArray = Callable[[Path, str | None, WantedArray], tuple[NDArray[Any], dict[str, Any]]]

Recognise = Callable[[bytes, str], bool]
"""From the first bytes of a file and its name, in lower case, to whether it is of the format."""

START_BYTES = 520
"""How many of its first bytes tell the format of a file."""


@dataclass(frozen=True)
class Format:
    """One file format: how its files are recognised, what they can hold, and what reads them.

    label: the format where all are listed; rows of one label are listed once. suffixes: endings of its files, in lower
    case; the first is given to a file that comes without a name. media_types: content types of its files over HTTP.
    scene, array: "module:function" below ``unmixing.io.formats``, imported when it is needed because the libraries
    behind them are heavy; None where the format holds no image, or no array of other use. product: "module:function"
    that looks into a file which is recognised, whether it is the product of a sensor that the row is for; None where
    any will do. max_axes: of such an array.
    several_arrays: whether ``variable`` may say which is meant. two_files: whether a file of it describes another one,
    which has the numbers.
    """

    label: str
    suffixes: tuple[str, ...]
    recognise: Recognise
    media_types: tuple[str, ...] = ()
    scene: str | None = None
    array: str | None = None
    product: str | None = None
    max_axes: int = 3
    several_arrays: bool = False
    two_files: bool = False

    @property
    def holds_image(self) -> bool:
        """Whether a file can hold a scene."""
        return self.scene is not None

    def is_of(self, path: Path, start: bytes) -> bool:
        """Whether a file that starts like this is of the format."""
        if not self.recognise(start, path.name.lower()):
            return False
        return self.product is None or bool(self._resolved(self.product)(path))

    def holds_array(self, n_axes: int) -> bool:
        """Whether a file can hold an array of so many axes that is no image, such as a mixture matrix."""
        return self.array is not None and n_axes <= self.max_axes

    @property
    def file_name(self) -> str:
        """Name of an upload that comes without one."""
        return ("mixtures" if self.array is not None and self.scene is None else "scene") + self.suffixes[0]

    @property
    def open_scene(self) -> "OpenScene":
        """From the files of a scene, what was said of them and a folder for scratch to a reader.

        Raises SceneFormatError, AmbiguousSceneError.
        """
        return cast("OpenScene", self._resolved(self.scene))

    @property
    def read_array(self) -> "ReadArray":
        """From a file, the variable meant and the array wanted to its values and how they were found.

        Raises SceneFormatError, AmbiguousSceneError.
        """
        return cast("ReadArray", self._resolved(self.array))

    def _resolved(self, name: str | None) -> Any:
        if name is None:
            raise TypeError(f"{self.label} has no such reader; ask holds_image or holds_array first")
        return pkgutil.resolve_name(f"unmixing.io.formats.{name}")


def starts_with(*marks: bytes, at: Sequence[int] = (0,)) -> Recognise:
    """Recognises files that have one of these marks at one of these places, whatever they are called.

    >>> starts_with(b"GIF")(b"GIF89a", ".png")
    True
    """
    return lambda start, name: any(start.startswith(mark, place) for mark in marks for place in at)


def is_called(*endings: str) -> Recognise:
    """Recognises files by how their names end: for formats without a mark."""
    return lambda start, name: name.endswith(endings)


def both(*conditions: Recognise) -> Recognise:
    """Recognises what all of these do."""
    return lambda start, name: all(condition(start, name) for condition in conditions)


def either(*conditions: Recognise) -> Recognise:
    """Recognises what one of these does."""
    return lambda start, name: any(condition(start, name) for condition in conditions)
