"""SHA-256 of the files that a result came from."""

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

CHUNK_BYTES = 2**22

Digests = Mapping[str, Mapping[str, str]]
"""By field of the request, each file's name and SHA-256."""


def sha256_of(path: Path) -> str:
    """Of the whole file: its header tells matrices of equal numbers and other shapes apart."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def digesting(files: Mapping[str, Sequence[Path]]) -> Iterator[Callable[[], Digests]]:
    """Hash files in a thread of its own while other work is done; what is given waits for it and has the digests.

    Leaving early stops the thread.
    """
    found: dict[str, dict[str, str]] = {field: {} for field in files}
    failures: list[OSError] = []
    stopped = threading.Event()

    def work() -> None:
        try:
            for field, paths in files.items():
                for path in paths:
                    if (digest := _unless(stopped, path)) is not None:
                        found[field][path.name] = digest
        except OSError as error:
            failures.append(error)

    def result() -> Digests:
        thread.join()
        if failures:
            raise failures[0]
        return found

    thread = threading.Thread(target=work, name="input-digests", daemon=True)
    thread.start()
    try:
        yield result
    finally:
        stopped.set()
        thread.join()


def _unless(stopped: threading.Event, path: Path) -> str | None:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            if stopped.is_set():
                return None
            digest.update(chunk)
    return digest.hexdigest()
