"""How a child tells that it is ready for work: a byte through a pipe, which outlives the child."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class ReadyPipe:
    """writer: the open file that the child inherits and hands to ``signal_ready``."""

    reader: int
    writer: int

    def was_signalled(self) -> bool:
        """Whether a child has told since this was asked last."""
        try:
            return os.read(self.reader, 1) != b""
        except BlockingIOError:
            return False


@contextmanager
def ready_pipe() -> Iterator[ReadyPipe]:
    """A pipe that is closed when the block ends."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    try:
        yield ReadyPipe(reader, writer)
    finally:
        os.close(reader)
        os.close(writer)


def signal_ready(writer: int) -> None:
    """The first time is what counts: a pipe that is full, after thousands of restarts, needs no more."""
    try:
        os.write(writer, b"1")
    except BlockingIOError:
        return
