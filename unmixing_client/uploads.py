"""From what a caller has in hand to the form that the service takes: files and fields."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from unmixing.mixtures.specs import SeparationSpec
from unmixing.progress import Progress
from unmixing.specs import InputSpec, UnmixSpec

PathText = str | PathLike[str]

Fields = UnmixSpec | SeparationSpec | Mapping[str, str] | None
"""Fields of a request: a spec, of which only the fields that were set are sent, or the texts of a form."""

Files = Mapping[str, PathText | Sequence[PathText]]
"""Files beside the scene by their field: ``library``, ``endmembers``, ``mixing_library``, ``mask``, ``wavelengths``."""

NO_FILES: Files = MappingProxyType({})


@dataclass(frozen=True)
class Request:
    """A request as its caller gave it. scene: path or paths, an array, or an ``xarray.DataArray``."""

    scene: Any
    fields: Fields
    input: InputSpec | None
    model: str | None
    files: Files

    def texts(self) -> dict[str, str]:
        """The plain fields of the form."""
        found = _texts(self.fields)
        if self.input is not None:
            found |= _texts(self.input)
            found.pop("mask", None)
        return found if self.model is None else {**found, "model": self.model}

    @contextmanager
    def paths(self) -> Iterator[list[tuple[str, Path]]]:
        """The files of the form with their fields; an array lies in one as long as the block lasts."""
        mask = None if self.input is None else self.input.mask
        beside = {**self.files, **({} if mask is None else {"mask": mask})}
        with TemporaryDirectory(prefix="unmix-") as scratch:
            named = [("file", path) for path in _scene_paths(self.scene, Path(scratch))]
            yield named + [(name, path) for name, given in beside.items() for path in _as_paths(given)]


def _texts(spec: Fields | InputSpec) -> dict[str, str]:
    if spec is None:
        return {}
    given = spec if isinstance(spec, Mapping) else spec.model_dump(exclude_unset=True, exclude_none=True)
    return {name: _text(value) for name, value in given.items()}


def _text(value: object) -> str:
    """A value as a form holds it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(str(item) for item in value) if isinstance(value, tuple) else str(value)


def _scene_paths(scene: Any, scratch: Path) -> list[Path]:
    if isinstance(scene, str | PathLike | list | tuple):
        return _as_paths(scene)
    # Only an array pulls in NumPy and GDAL.
    from unmixing.io.products.scene_files import write_scene

    return [write_scene(scene, scratch)]


def _as_paths(given: PathText | Sequence[PathText]) -> list[Path]:
    return [Path(given)] if isinstance(given, str | PathLike) else [Path(path) for path in given]


@contextmanager
def opened(paths: Sequence[tuple[str, Path]], progress: Progress) -> Iterator[list[tuple[str, tuple[str, Any]]]]:
    """The files opened as parts of a form; ``progress`` hears the fraction sent."""
    sent = _Sent(sum(path.stat().st_size for _, path in paths), progress)
    with ExitStack() as stack:
        yield [(name, (path.name, _Watched(stack.enter_context(path.open("rb")), sent.add))) for name, path in paths]


class _Sent:
    """Counts the bytes handed to the network, over all files."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total, self._progress, self._sent = max(total, 1), progress, 0

    def add(self, n_bytes: int) -> None:
        self._sent += n_bytes
        self._progress(min(self._sent / self._total, 1.0), "uploading")


class _Watched:
    """A file that tells how much of it was read. httpx asks ``fileno`` for its size and reads in pieces."""

    def __init__(self, file: Any, told: Callable[[int], None]) -> None:
        self._file, self._told = file, told
        self.fileno = file.fileno

    def read(self, size: int = -1) -> bytes:
        piece: bytes = self._file.read(size)
        self._told(len(piece))
        return piece
