"""Errors of libraries on damaged files, kept apart from everything else that may pass through a reader."""

import errno
import lzma
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from scipy.io.matlab import MatReadError

from unmixing.errors import SceneFormatError

DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    MatReadError,
    lzma.LZMAError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""Libraries trust a file: garbage leads them into errors of any of these classes. A time limit, a cancelled job, a lack
of memory and our own errors are none of them and pass."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The file is not to blame when there is no room to unpack it."""


@contextmanager
def damage_reported(what: str) -> Iterator[None]:
    """Errors of libraries inside become SceneFormatError: what is wrong with which file, and their reason."""
    try:
        yield
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise
        raise SceneFormatError(f"{what}: {error or type(error).__name__}") from error
