"""Which header and which binary of ENVI belong together, by their names in any case of letters."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from unmixing.io.formats.dlr_pairs import partner_of
from unmixing.io.formats.table import ENVI, FORMATS, format_of

HEADER_SUFFIX = ENVI.suffixes[0]
BINARY_SUFFIXES = ("", ".img", ".dat", ".bsq", ".bil", ".bip", ".raw", ".bin", ".envi", ".sli")
"""Of the binary beside a header, the likeliest first."""

OTHER_SUFFIXES = frozenset(suffix for row in FORMATS for suffix in row.suffixes)
"""Endings of formats: a file of such a name is no binary, even when it is damaged."""


def with_partner(files: Sequence[Path]) -> list[Path]:
    """The files or, for a single half of a pair (of ENVI, EnMAP or DESIS), that half and the other one beside it, if
    there is one.

    Files that are there with such names are enough: whether they are what their names say shows when they are opened.
    """
    if len(files) != 1:
        return list(files)
    path = files[0]
    if (partner := partner_of(path)) is not None:
        return [path, partner]
    if _is_header(path):
        partner = binary_of(path, (other for other in _related(path) if _may_be_binary(other)))
    elif _may_be_binary(path):
        partner = _header_of(path, _related(path))
    else:
        partner = None
    return [path] if partner is None else [path, partner]


def binary_of(header: Path, others: Iterable[Path]) -> Path | None:
    """The binary of a header among ``others``: for ``name.hdr`` it is ``name``, ``name.img`` and so on, else the only
    file of that stem; for ``name.img.hdr`` it is ``name.img``, else as for ``name.hdr``."""
    beside = [path for path in others if path.parent == header.parent and path != header]
    for stem in _stems(header):
        named = [_named(beside, stem + suffix) for suffix in BINARY_SUFFIXES]
        same_stem = [path for path in beside if path.stem.lower() == stem.lower()]
        found = next((path for path in named if path is not None), None)
        if found is not None or len(same_stem) == 1:
            return found or same_stem[0]
    return None


def _header_of(binary: Path, others: Sequence[Path]) -> Path | None:
    """The header that names this binary. A file of another ending than binaries have, as a note beside them, is taken
    for one only where the header has no likelier."""
    headers = [path for path in others if _is_header(path)]
    found = _named(headers, binary.name + HEADER_SUFFIX) or _named(headers, binary.stem + HEADER_SUFFIX)
    if found is None or binary.suffix.lower() in BINARY_SUFFIXES:
        return found
    likeliest = binary_of(found, [binary, *(path for path in others if _may_be_binary(path))])
    return found if likeliest == binary else None


def _stems(header: Path) -> list[str]:
    """Beginnings that the name of its binary may have, the likelier first."""
    stem = header.stem if header.suffix.lower() == HEADER_SUFFIX else header.name
    inner = Path(stem)
    return [stem, inner.stem] if inner.suffix and inner.suffix.lower() in BINARY_SUFFIXES else [stem]


def _named(files: Iterable[Path], name: str) -> Path | None:
    """The file of this name; without one, a file whose name differs in the case of letters only."""
    alike = sorted(path for path in files if path.name.lower() == name.lower())
    return next((path for path in alike if path.name == name), alike[0] if alike else None)


def _related(path: Path) -> list[Path]:
    """Other files in the folder that begin with the same word: opening all of them could take long."""
    word = path.name.partition(".")[0].lower()
    return [
        other
        for other in path.parent.iterdir()
        if other.name.lower().startswith(word) and other.name != path.name and other.is_file()
    ]


def _is_header(path: Path) -> bool:
    return path.suffix.lower() == HEADER_SUFFIX or format_of(path) is ENVI


def _may_be_binary(path: Path) -> bool:
    return path.suffix.lower() not in OTHER_SUFFIXES and format_of(path) is None
