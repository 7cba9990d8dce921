"""Folders that hold all of a result or nothing of it."""

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unmixing.errors import OutputFolderError

DOCUMENT = "result.json"
"""The file of a result that describes all others."""


def require_empty(out: Path, *, overwrite: bool, mend: str = "choose another folder, or give overwrite=True") -> None:
    """Raises OutputFolderError for a file, and for a folder that holds something, unless that may be overwritten. mend:
    the way out, for its text."""
    if out.exists() and not out.is_dir():
        raise OutputFolderError(f"{out} is a file; choose another folder")
    if out.is_dir() and any(out.iterdir()) and not overwrite:
        raise OutputFolderError(f"{out} is not empty; {mend}")


@contextmanager
def output_folder(out: Path) -> Iterator[Path]:
    """A hidden folder in ``out`` or, when there is none yet, beside it; its files appear in ``out`` when the block ends
    well.

    They take the place of the result that was there: what its ``result.json`` lists is removed. Other files in ``out``
    stay as they are.
    """
    out = out.resolve()
    place = out if out.is_dir() else out.parent
    place.mkdir(parents=True, exist_ok=True)
    hidden = place / f".unmix-{uuid.uuid4().hex}"
    hidden.mkdir()
    try:
        yield hidden
        if place == out:
            _replace_result(out, hidden)
        else:
            hidden.replace(out)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _replace_result(out: Path, new: Path) -> None:
    """Move the files of ``new`` into ``out``, the document last, and remove what is left of the result before."""
    old = _products(out)
    for path in sorted(new.iterdir(), key=lambda path: path.name == DOCUMENT):
        path.replace(out / path.name)
        old.discard(path.name)
    for name in old:
        (out / name).unlink(missing_ok=True)


def _products(folder: Path) -> set[str]:
    """Names of the files that the ``result.json`` in ``folder`` describes, and its own; empty without a result."""
    try:
        names = dict(json.loads((folder / DOCUMENT).read_text("utf-8"))["assets"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    # The document could be anybody's: only plain names of files in this very folder are believed.
    return {name for name in (*names, DOCUMENT) if Path(name).name == name and (folder / name).is_file()}
