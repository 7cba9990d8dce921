"""Folders that are named in the place of their files, as products of several files come."""

from collections.abc import Iterable
from pathlib import Path

from unmixing.errors import SceneFormatError

MAX_FILES = 100_000
"""Zarr stores have a file for each chunk."""


def files_in(paths: Iterable[Path]) -> list[Path]:
    """The paths, with the files in and below a folder in its place; links are left out. Raises SceneFormatError."""
    found = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(one for one in path.rglob("*") if one.is_file() and not one.is_symlink())
        if not inside:
            raise SceneFormatError(f"the folder {path.name} has no file")
        found += inside
    if len(found) > MAX_FILES:
        raise SceneFormatError(f"{len(found)} files are too many; {MAX_FILES} are allowed")
    return found
