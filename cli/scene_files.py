"""Which files a scene named on the command line consists of."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cli.errors import CliError

SELF_CONTAINED = frozenset({".npy", ".npz", ".mat", ".tif", ".tiff", ".zip", ".csv", ".txt"})
BINARY_SUFFIXES = ("", ".img", ".dat", ".bin", ".raw", ".bsq", ".bil", ".bip", ".envi", ".sli")
"""What providers put where ENVI's header has ``.hdr``."""


def scene_files(paths: Sequence[Path]) -> list[Path]:
    """The given files and, for one half of an ENVI pair, the other half, without doubles; libraries alike.

    Raises CliError for a file that is not there.
    """
    files: list[Path] = []
    for path in paths:
        if not path.is_file():
            raise CliError(f"{path}: no such file")
        partner = _partner(path)
        files += [path] if partner is None else [path, partner]
    return list(dict.fromkeys(files))


def library_files(library: Path | None, mixing_library: Path | None) -> dict[str, list[Path]]:
    """The files of the libraries given, by the name of their field."""
    given = {"library": library, "mixing_library": mixing_library}
    return {field: scene_files([path]) for field, path in given.items() if path is not None}


def form_fields(given: Mapping[str, Any]) -> dict[str, str]:
    """What was given, as the texts of a form."""
    return {name: str(value) for name, value in given.items() if value is not None}


def scene_name(paths: Sequence[Path]) -> str:
    """A short name for the scene: its first file's, without the ending."""
    return paths[0].stem


def _partner(path: Path) -> Path | None:
    if path.suffix.lower() in SELF_CONTAINED:
        return None
    if path.suffix.lower() == ".hdr":
        return _first_file(path.with_suffix(suffix) for suffix in BINARY_SUFFIXES)
    return _first_file([path.with_name(f"{path.name}.hdr"), path.with_suffix(".hdr")])


def _first_file(candidates: Iterable[Path]) -> Path | None:
    return next((path for path in candidates if path.is_file()), None)
