"""Output folders that hold all of a result or nothing of it."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.errors import CliError


def require_free(out: Path, *, force: bool) -> None:
    """Raises CliError when ``out`` holds something already; asked before the work, not after."""
    if out.exists() and not out.is_dir():
        raise CliError(f"{out} is a file; choose another folder with -o")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise CliError(f"{out} is not empty; choose another folder with -o, or overwrite with --force")


@contextmanager
def output_folder(out: Path) -> Iterator[Path]:
    """A hidden folder beside ``out``; its files appear in ``out`` when the block ends well.

    Other files already in ``out`` stay as they are.
    """
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    hidden = out.parent / f".{out.name}.{uuid.uuid4().hex}"
    hidden.mkdir()
    try:
        yield hidden
        if out.exists():
            for path in hidden.iterdir():
                path.replace(out / path.name)
        else:
            hidden.replace(out)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
