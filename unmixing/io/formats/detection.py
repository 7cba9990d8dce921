"""Which of some files make up the scene, told by their first bytes rather than by their names."""

from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from unmixing.errors import SceneFormatError
from unmixing.io.formats.envi_header import is_envi_header


class Kind(Enum):
    """What the first bytes of a file say."""

    NPY = "NumPy array"
    ZIP = "zip file"
    MAT_V5 = "MATLAB file"
    HDF5 = "HDF5 file"
    TIFF = "TIFF file"
    ENVI_HEADER = "ENVI header"
    OTHER = "other"


SCENES = (Kind.NPY, Kind.MAT_V5, Kind.HDF5, Kind.TIFF)
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
BINARY_SUFFIXES = ("", ".img", ".dat", ".bsq", ".bil", ".bip", ".raw", ".bin", ".sli")
"""Of the binary beside an ENVI header, the likeliest first."""

ACCEPTED = ".npy, .npz, .mat, GeoTIFF, or an ENVI header with its binary"


def kind_of(path: Path) -> Kind:
    """The kind of a file; MATLAB's version 4 alone has no mark and is told by its name."""
    with path.open("rb") as file:
        start = file.read(520)
    if start.startswith(b"\x93NUMPY"):
        return Kind.NPY
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Kind.ZIP
    if start.startswith(b"\x89HDF\r\n\x1a\n") or start[512:520] == b"\x89HDF\r\n\x1a\n":
        return Kind.HDF5
    if start.startswith(TIFF_STARTS):
        return Kind.TIFF
    if is_envi_header(start):
        return Kind.ENVI_HEADER
    is_mat = start.startswith(b"MATLAB 5.0") or path.suffix.lower() == ".mat"
    return Kind.MAT_V5 if is_mat else Kind.OTHER


def is_npz(path: Path) -> bool:
    """Whether a zip file is meant as arrays: ``.npz`` is a name, there is no mark inside."""
    return path.suffix.lower() == ".npz"


def choose_scene(files: Sequence[Path]) -> list[Path]:
    """The one scene among ``files``: [file], or [header, binary] for ENVI; what is no scene is passed over.

    Raises SceneFormatError when there is none, or more than one.
    """
    kinds = {path: kind_of(path) for path in files}
    headers = [path for path, kind in kinds.items() if kind is Kind.ENVI_HEADER]
    others = [path for path, kind in kinds.items() if kind is Kind.OTHER]
    pairs = {header: _binary_of(header, others, alone=len(headers) == 1) for header in headers}
    scenes = [[header, binary] for header, binary in pairs.items() if binary is not None]
    scenes += [[path] for path, kind in kinds.items() if kind in SCENES or (kind is Kind.ZIP and is_npz(path))]
    if len(scenes) == 1:
        return scenes[0]
    if scenes:
        names = ", ".join(" + ".join(path.name for path in scene) for scene in scenes[:10])
        raise SceneFormatError(f"one scene at a time: found {len(scenes)} ({names})")
    if headers:
        raise SceneFormatError(f"{headers[0].name} is an ENVI header without its binary file beside it")
    raise _no_scene(kinds)


def _no_scene(kinds: dict[Path, Kind]) -> SceneFormatError:
    if len(kinds) == 1:
        path = next(iter(kinds))
        with path.open("rb") as file:
            start = file.read(8)
        found = "is empty" if not start else f"starts with the bytes {start!r}"
        return SceneFormatError(
            f"{path.name} {found}, which is no scene: send {ACCEPTED} (both files of an ENVI scene)"
        )
    names = ", ".join(path.name for path in list(kinds)[:10]) or "no file"
    return SceneFormatError(f"no scene among {names}: send {ACCEPTED}")


def _binary_of(header: Path, others: Sequence[Path], *, alone: bool) -> Path | None:
    """``name.hdr`` goes with ``name`` or ``name.img`` and so on; ``name.img.hdr`` with ``name.img``. One
    header and one other file go together whatever they are called."""
    stem = header.name[: -len(".hdr")] if header.name.lower().endswith(".hdr") else header.name
    beside = {path.name.lower(): path for path in others if path.parent == header.parent}
    for suffix in BINARY_SUFFIXES:
        if (stem + suffix).lower() in beside:
            return beside[(stem + suffix).lower()]
    same_stem = [path for path in others if path.parent == header.parent and path.stem.lower() == stem.lower()]
    if len(same_stem) == 1:
        return same_stem[0]
    return others[0] if alone and len(others) == 1 else None
