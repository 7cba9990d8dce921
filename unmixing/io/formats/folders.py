"""Folders in the place of files: products of several files, and Zarr stores."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from unmixing.errors import SceneFormatError

ZARR_ROOTS = ("zarr.json", ".zgroup", ".zarray")
"""Files that may be at the root of a Zarr store, the likelier first: such a file stands for all of it."""

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


def without_store_members(files: Sequence[Path]) -> list[Path]:
    """The files without those that belong to a Zarr store, of which the file at its root stays.

    >>> without_store_members([Path("a.zarr/zarr.json"), Path("a.zarr/cube/zarr.json"), Path("b")])
    [PosixPath('b'), PosixPath('a.zarr/zarr.json')]
    """
    roots: dict[Path, Path] = {}
    for path in sorted(
        files, key=lambda one: (len(one.parts), ZARR_ROOTS.index(one.name) if one.name in ZARR_ROOTS else 0)
    ):
        if path.name in ZARR_ROOTS and not any(folder in roots for folder in path.parents):
            roots[path.parent] = path
    outside = [path for path in files if not any(folder in roots for folder in path.parents)]
    return [*outside, *roots.values()]


def stored_bytes(path: Path) -> int:
    """Size of a file, and of all files of the store whose root it is."""
    if path.name not in ZARR_ROOTS:
        return path.stat().st_size
    return sum(one.stat().st_size for one in path.parent.rglob("*") if one.is_file())


def shown_name(path: Path) -> str:
    """The name of a file for reports; of the root of a store, that of the store."""
    return path.parent.name if path.name in ZARR_ROOTS else path.name
