"""Which of some files make up the scene, told by their first bytes rather than by their names."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from unmixing.errors import SceneFormatError
from unmixing.io.formats.dlr_pairs import image_of, of_product
from unmixing.io.formats.envi_pairs import binary_of
from unmixing.io.formats.folders import without_store_members
from unmixing.io.formats.format import Format
from unmixing.io.formats.table import DLR, ENVI, IMAGE_FORMATS, format_of

Formats = Mapping[Path, Format | None]


def choose_scene(files: Sequence[Path]) -> list[Path]:
    """The one scene among ``files``: [file], or [what describes it, its image] for ENVI, EnMAP and DESIS; what is no
    scene is passed over, and so are the other files of a product.

    Raises SceneFormatError when there is none, or more than one.
    """
    formats = {path: format_of(path) for path in without_store_members(files)}
    products = [path for path, found in formats.items() if found is DLR]
    images = [path for path, found in formats.items() if found and found.holds_image and not found.two_files]
    scenes = [[path, image] for path in products if (image := image_of(path, images)) is not None]
    if len(scenes) < len(products):
        raise SceneFormatError(
            f"{products[0].name} describes an image that is not there: its SPECTRAL_IMAGE is missing"
        )
    others = {path: found for path, found in formats.items() if not any(of_product(path, one) for one in products)}
    headers = [path for path, found in others.items() if found is ENVI]
    pairs = _pairs(headers, [path for path, found in others.items() if found is None])
    scenes += [[header, binary] for header, binary in pairs.items()]
    scenes += [[path] for path in images if path in others]
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
