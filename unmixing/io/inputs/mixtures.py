"""Mixture matrices and libraries of mixing matrices, whatever their format."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from unmixing.errors import LibraryFormatError, SceneFormatError
from unmixing.io.formats.format import Format
from unmixing.io.formats.table import MATRIX_FORMATS, MIXING_LIBRARY_FORMATS, format_of
from unmixing.io.formats.variables import WantedArray

MIXTURES = WantedArray("samples, channels", ("mixtures",), 2)
MIXING_LIBRARY = WantedArray("matrices, channels, sources", ("mixing_library", "mixing_matrices"), 3)


def choose_mixtures(files: Sequence[Path]) -> list[Path]:
    """The one file among ``files`` that can hold a matrix. Raises SceneFormatError when there is none, or several."""
    return [_chosen(files)[0]]


def read_mixtures(paths: Sequence[Path], variable: str | None = None) -> tuple[NDArray[Any], dict[str, Any]]:
    """The mixtures in the one file of ``paths`` that can hold some, (n_samples, n_channels), and how they were read.

    A table has one row per sample and one column per channel, with or without a header. ``variable`` says which array
    is meant in a file that holds several. Raises SceneFormatError, AmbiguousSceneError.
    """
    path, found = _chosen(paths)
    return found.read_array(path, variable, MIXTURES)


def read_mixing_library(paths: Sequence[Path]) -> NDArray[Any] | None:
    """Example mixing matrices of the one file of ``paths``, as (n_matrices, n_sources, n_channels); None without a
    file. The file has them as (n_matrices, n_channels, n_sources).

    Raises LibraryFormatError.
    """
    if not paths:
        return None
    found = format_of(paths[0])
    if len(paths) > 1 or found is None or not found.holds_array(MIXING_LIBRARY.n_axes):
        names = ", ".join(path.name for path in paths[:10])
        raise LibraryFormatError(f"mixing_library has to be one {MIXING_LIBRARY_FORMATS} file; it is {names}")
    try:
        return found.read_array(paths[0], None, MIXING_LIBRARY)[0].transpose(0, 2, 1)
    except SceneFormatError as error:
        raise LibraryFormatError(f"mixing_library: {error}") from error


def _chosen(files: Sequence[Path]) -> tuple[Path, Format]:
    formats = {path: format_of(path) for path in files}
    holders = [(path, found) for path, found in formats.items() if found and found.holds_array(MIXTURES.n_axes)]
    if len(holders) == 1:
        return holders[0]
    if holders:
        names = ", ".join(path.name for path, _ in holders[:10])
        raise SceneFormatError(f"one mixture matrix at a time: found {len(holders)} ({names})")
    names = ", ".join(path.name for path in files[:10]) or "no file"
    raise SceneFormatError(f"no mixture matrix among {names}: send {MATRIX_FORMATS}")
