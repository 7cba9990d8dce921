"""Which files belong to a product of EnMAP or DESIS, by their names: all begin alike and go on with what each is."""

from collections.abc import Iterable
from pathlib import Path

METADATA, IMAGE = "metadata", "spectral_image"
"""In the names of the two files that matter, in lower case."""

IMAGE_SUFFIXES = (".tif", ".tiff")


def beginning(metadata: Path) -> str:
    """The beginning that all names of a product share, in lower case.

    >>> beginning(Path("ENMAP01-____L2A-DT1-METADATA.XML"))
    'enmap01-____l2a-dt1-'
    """
    return metadata.name.lower().rpartition(METADATA)[0]


def of_product(path: Path, metadata: Path) -> bool:
    """Whether a file is of the product that METADATA.XML is of: the image, masks, quicklooks and their headers."""
    return path.parent == metadata.parent and path.name.lower().startswith(beginning(metadata))


def image_of(metadata: Path, files: Iterable[Path]) -> Path | None:
    """The image that METADATA.XML describes among ``files``, or the only GeoTIFF beside it, whatever it is called."""
    beside = [path for path in files if path.parent == metadata.parent and path.suffix.lower() in IMAGE_SUFFIXES]
    start = beginning(metadata) + IMAGE
    named = next((path for path in sorted(beside) if path.name.lower().startswith(start)), None)
    return beside[0] if named is None and len(beside) == 1 else named


def partner_of(path: Path) -> Path | None:
    """The other half of METADATA.XML and its image that lies beside one of them, None where there is none."""
    name = path.name.lower()
    if name.endswith(f"{METADATA}.xml"):
        return image_of(path, path.parent.iterdir())
    start, image, _ = name.rpartition(IMAGE)
    if not image or path.suffix.lower() not in IMAGE_SUFFIXES:
        return None
    return next((other for other in path.parent.iterdir() if other.name.lower() == f"{start}{METADATA}.xml"), None)
