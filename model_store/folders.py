"""Folders and files that appear whole or not at all: written under a hidden name, then renamed."""

import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hidden_folder(target: Path) -> Iterator[Path]:
    """A hidden folder beside ``target`` to write into; it is gone when the block ends."""
    target.parent.mkdir(parents=True, exist_ok=True)
    hidden = target.parent / f".{target.name}.{uuid.uuid4().hex}"
    hidden.mkdir()
    try:
        yield hidden
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


@contextmanager
def appearing_folder(target: Path) -> Iterator[Path]:
    """A hidden folder beside ``target`` to write into; it becomes ``target`` when the block ends well.

    When ``target`` exists by then the new folder is dropped: equal names mean equal content here.
    """
    with hidden_folder(target) as hidden:
        yield hidden
        # POSIX renames onto an empty folder too, so look first.
        if not target.exists():
            hidden.replace(target)


def write_durably(target: Path, text: str) -> None:
    """Put ``text`` in the place of ``target``; it is on the disk, not only on its way there, when this returns."""
    target.parent.mkdir(parents=True, exist_ok=True)
    hidden = target.parent / f".{target.name}.{uuid.uuid4().hex}"
    try:
        with hidden.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(target)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """The new name is on the disk as well."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_folder(folder: Path) -> None:
    """Hide a folder at once, then delete it, so that nobody reads half of it. A missing one is fine."""
    hidden = folder.parent / f".{folder.name}.{uuid.uuid4().hex}"
    try:
        folder.replace(hidden)
    except FileNotFoundError:
        return
    shutil.rmtree(hidden, ignore_errors=True)


def remove_leftovers(parent: Path, keep: Callable[[str], bool], *, older_than_seconds: float) -> list[str]:
    """Delete what killed processes left under ``parent``; returns the names.

    That is every entry for which ``keep(name)`` is false. Young ones are spared: their owner may be about to
    write the record that justifies them.
    """
    limit = time.time() - older_than_seconds
    removed = []
    for entry in parent.iterdir() if parent.is_dir() else ():
        if _newest_change(entry) < limit and not keep(entry.name):
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
            removed.append(entry.name)
    return removed


def _newest_change(entry: Path) -> float:
    """When the file, or the folder or one of its files, last changed (Unix time): a long upload is still young."""
    try:
        inside = list(entry.iterdir()) if entry.is_dir() else []
        return max(path.stat().st_mtime for path in (entry, *inside))
    except FileNotFoundError:
        return time.time()
