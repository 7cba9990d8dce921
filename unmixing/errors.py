"""Errors of the science, as nouns of the domain. HTTP is decided elsewhere, in one table."""

from collections.abc import Iterator
from contextlib import contextmanager


class UnmixingError(Exception):
    """Root of every error a caller can mend; its text names the argument and the values."""


class SceneFormatError(UnmixingError):
    """The file is not a readable cube: wrong kind, truncated, or its header disagrees with its size."""


class AmbiguousSceneError(SceneFormatError):
    """Several arrays in the file could be the cube; the text lists them and asks for ``variable``."""


class SceneTooLargeError(UnmixingError):
    """The scene has more numbers (pixels times bands) than are taken here."""


class SceneContentError(UnmixingError):
    """The cube can be read but not unmixed: all NaN, constant, one band, too few valid pixels."""


class SpecError(UnmixingError):
    """An argument is out of its range, or does not fit this cube."""


class UnknownMethodError(SpecError):
    """No row of METHODS has this name."""


class BandMismatchError(UnmixingError):
    """A model, library or cube has another number of bands than the one it is used with."""


class LibraryFormatError(UnmixingError):
    """The file is not a readable library, spectral or of mixing matrices: wrong kind, or its parts disagree."""


class LibraryMismatchError(UnmixingError):
    """The spectral library can be read but does not cover the bands of this image."""


class ModelParityError(UnmixingError):
    """ONNX Runtime and PyTorch disagree on the exported model, so it may not be stored."""


class ModelFormatError(UnmixingError):
    """The file is not a model of this project: no ONNX, or without a manifest that can be read."""


class PartFormatError(UnmixingError):
    """The folder is no part of an image, or not a whole one: a file is missing, damaged or disagrees with another."""


class ResultFormatError(UnmixingError):
    """There is no result to read: no ``result.json``, another one's, or a file that it names is missing or damaged."""


class OutputFolderError(UnmixingError):
    """The folder for a result is a file, or holds something already."""


class MissingExtraError(UnmixingError):
    """The request needs a package that the light install leaves out; the text says how to install it."""


class Cancelled(UnmixingError):
    """Raised by a progress callback to stop the work at the next step."""


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Around imports: a package that is not installed is a MissingExtraError that names the ``extra`` it comes with.

    >>> with needing("train"):
    ...     import no_such_package
    Traceback (most recent call last):
    unmixing.errors.MissingExtraError: no_such_package is not installed: pip install "unmixing-service[train]"
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(f'{error.name} is not installed: pip install "unmixing-service[{extra}]"') from error
