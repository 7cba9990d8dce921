"""Which files a scene named on the command line consists of."""

from collections.abc import Iterable, Sequence
from pathlib import Path

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
