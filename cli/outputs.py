"""Output folders that hold all of a result or nothing of it."""

import json
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.errors import CliError
from model_store.results import DOCUMENT


def require_free(out: Path, *, force: bool) -> None:
    """Refuse a folder that holds something, or that cannot be made or written; asked before the work, not after.

    Nothing is left behind. Raises CliError.
    """
    require_writable(out)
    if out.is_dir() and any(out.iterdir()) and not force:
        raise CliError(f"{out} is not empty; choose another folder with -o, or overwrite with --force")


def require_writable(out: Path) -> None:
    """Refuse a folder that is a file, lies below one, or cannot be made or written. Raises CliError."""
    try:
        if out.exists() and not out.is_dir():
            raise CliError(f"{out} is a file; choose another folder with -o")
        place = next(folder for folder in (out.resolve(), *out.resolve().parents) if folder.exists())
        if not place.is_dir():
            raise CliError(f"{out} lies below {place.name}, which is a file; choose another folder with -o")
        # Permissions say little: of the superuser, of read-only and of special file systems. Trying says all.
        with tempfile.TemporaryDirectory(prefix=".unmix-", dir=place):
            pass
    except OSError as error:
        raise CliError(f"{out} cannot be written ({error.strerror}); choose another folder with -o") from error


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
