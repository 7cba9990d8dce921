"""The picture of a finished result, from the files it left."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from unmixing.comparison import Comparison
from unmixing.errors import ResultFormatError, SceneFormatError
from unmixing.io.products.false_colour import FALSE_COLOUR, read_png
from unmixing.io.products.folders import DOCUMENT
from unmixing.io.products.maps import NAMES, read_maps
from unmixing.io.products.notebook import UnmixingResult
from unmixing.io.products.pictures.comparison import drawn_comparison
from unmixing.io.products.pictures.quicklook import drawn
from unmixing.io.products.pictures.separation import drawn_separation
from unmixing.io.products.reading import answer_of, read_result
from unmixing.io.products.result import ImageResult
from unmixing.mixtures.separation import Separation

Document = Mapping[str, Any]

SOURCES = "sources.npy"

DRAWN_MAPS = ("abundances.npy", "brightness.npy", "uncertainty.npy")
"""Of each answer."""


def read_stored(content: bytes, place: str) -> Document:
    """The document of a result. place: where it comes from, for errors. Raises ResultFormatError."""
    try:
        found = json.loads(content)
        is_ours = isinstance(found["assets"], dict) and found["input"]["kind"] in ("image", "mixtures")
    except (ValueError, KeyError, TypeError):
        is_ours = False
    if not is_ours:
        raise ResultFormatError(f"{place} is no {DOCUMENT} of a result; name the folder or zip of one, or a job's id")
    document: Document = found
    return document


def files_to_draw(document: Document, method: str | None) -> list[str]:
    """Names of the files that ``figure_of`` reads. method: whose picture, of several; None for that of all. Raises
    SpecError for one that has no answer."""
    if document["input"]["kind"] == "mixtures":
        return [SOURCES]
    wanted = {FALSE_COLOUR, *(f"{prefix}{name}" for prefix in _prefixes(document, method) for name in DRAWN_MAPS)}
    return [name for name in document["assets"] if name in wanted]


def _prefixes(document: Document, method: str | None) -> list[str]:
    comparison = document.get("comparison")
    if comparison is None or method is not None:
        return [answer_of(document, method)[1]]
    return [f"{answer['method']}-" for answer in comparison["answers"]]


def figure_of(document: Document, folder: Path, method: str | None = None) -> Figure:
    """The picture of a result whose files lie in ``folder``: of an image or of mixtures, or of several methods side by
    side unless one ``method`` is named.

    Raises SpecError for a method that has no answer, ResultFormatError for files that are missing or damaged.
    """
    draw: Callable[..., Figure]
    if document["input"]["kind"] == "mixtures":
        draw = _separation
    else:
        draw = _answer if document.get("comparison") is None or method is not None else _comparison
    try:
        return draw(document, folder, method)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, SceneFormatError) as error:
        said = str(error) if isinstance(error, OSError | ValueError | SceneFormatError) else repr(error)
        raise ResultFormatError(f"{folder} is no whole result, or one of another version ({said})") from error


def _answer(document: Document, folder: Path, method: str | None) -> Figure:
    result = _read(document, folder, method)
    return drawn(ImageResult(result, result.info, result.picture))


def _comparison(document: Document, folder: Path, _: str | None) -> Figure:
    compared = document["comparison"]
    answers = {
        method: _read(document, folder, method) for method in (answer["method"] for answer in compared["answers"])
    }
    first = next(iter(answers.values()))
    return drawn_comparison(Comparison(answers, compared["failures"]), ImageResult(first, first.info, first.picture))


def _read(document: Document, folder: Path, method: str | None) -> UnmixingResult:
    answer, prefix = answer_of(document, method)
    maps = read_maps(folder, prefix)
    for name in ("abundances", "brightness"):
        if maps[NAMES.index(name)] is None:
            raise FileNotFoundError(f"there is no {prefix}{name}.npy")
    picture = folder / FALSE_COLOUR
    return read_result(document, answer, maps, read_png(picture.read_bytes()) if picture.is_file() else None)


def _separation(document: Document, folder: Path, _: str | None) -> Figure:
    mixing_matrix = np.array(document["mixing_matrix"]["values"], dtype=np.float32)
    sources = np.load(folder / SOURCES, mmap_mode="r", allow_pickle=False)
    separation = Separation(mixing_matrix, sources, document["metrics"], None, document["provenance"])
    return drawn_separation(separation, document["input"])
