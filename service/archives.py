"""Files as one zip archive that is never whole anywhere: it goes out while it is made."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

CHUNK_BYTES = 1 << 20

TEXTS = (".csv", ".json", ".hdr", ".qml", ".xml")
"""Endings of files that get smaller by compression; maps, pictures and models hardly do."""


def zipped(files: Mapping[str, Path]) -> Iterator[bytes]:
    """The archive of ``files``, by their names in it, piece by piece; of more than 4 GiB as well (ZIP64).

    All files are opened first: one that is deleted meanwhile is still sent whole.
    """
    sink = _Sink()
    with ExitStack() as opened:
        sources = [(_member(path, name), opened.enter_context(path.open("rb"))) for name, path in files.items()]
        with ZipFile(sink, "w") as archive:
            for member, source in sources:
                with archive.open(member, "w") as target:
                    while chunk := source.read(CHUNK_BYTES):
                        target.write(chunk)
                        yield sink.take()
    yield sink.take()


def _member(path: Path, name: str) -> ZipInfo:
    """The entry of a file. Its size is in it, by which the format is chosen."""
    info = ZipInfo.from_file(path, name, strict_timestamps=False)
    info.compress_type = ZIP_DEFLATED if name.endswith(TEXTS) else ZIP_STORED
    return info


class _Sink:
    """A file that cannot be sought in; what was written is taken from it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """There is nothing to close."""

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
