"""Which of some files make up the scene, told by their first bytes rather than by their names."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from unmixing.errors import SceneFormatError
from unmixing.io.formats.envi_pairs import binary_of
from unmixing.io.formats.format import Format
from unmixing.io.formats.table import IMAGE_FORMATS, format_of

Formats = Mapping[Path, Format | None]


def choose_scene(files: Sequence[Path]) -> list[Path]:
    """The one scene among ``files``: [file], or [header, binary] for ENVI; what is no scene is passed over.

    Raises SceneFormatError when there is none, or more than one.
    """
    formats = {path: format_of(path) for path in files}
    headers = [path for path, found in formats.items() if found is not None and found.two_files]
    pairs = _pairs(headers, [path for path, found in formats.items() if found is None])
    scenes = [[header, binary] for header, binary in pairs.items()]
    scenes += [[path] for path, found in formats.items() if found and found.holds_image and not found.two_files]
    if len(scenes) == 1:
        return scenes[0]
    if scenes:
        names = ", ".join(" + ".join(path.name for path in scene) for scene in scenes[:10])
        raise SceneFormatError(f"one scene at a time: found {len(scenes)} ({names})")
    if headers:
        raise SceneFormatError(f"{headers[0].name} is an ENVI header without its binary file beside it")
    raise _no_scene(formats)


def _pairs(headers: Sequence[Path], binaries: Sequence[Path]) -> dict[Path, Path]:
    """The binary of each header that has one; a header and a binary alone go together whatever they are called."""
    if len(headers) == len(binaries) == 1:
        return {headers[0]: binaries[0]}
    found = {header: binary_of(header, binaries) for header in headers}
    return {header: binary for header, binary in found.items() if binary is not None}


def _no_scene(formats: Formats) -> SceneFormatError:
    if len(formats) == 1:
        path = next(iter(formats))
        with path.open("rb") as file:
            start = file.read(8)
        found = "is empty" if not start else f"starts with the bytes {start!r}"
        return SceneFormatError(
            f"{path.name} {found}, which is no scene: send {IMAGE_FORMATS} (both files of an ENVI scene)"
        )
    names = ", ".join(path.name for path in list(formats)[:10]) or "no file"
    return SceneFormatError(f"no scene among {names}: send {IMAGE_FORMATS}")
