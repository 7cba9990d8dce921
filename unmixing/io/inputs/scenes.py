"""``open_scene``: from files to a reader, whatever their format."""

from collections.abc import Sequence
from pathlib import Path

from unmixing.errors import SceneFormatError, SpecError
from unmixing.io.formats.detection import choose_scene
from unmixing.io.formats.envi_pairs import with_partner
from unmixing.io.formats.folders import files_in
from unmixing.io.formats.reader import SceneReader
from unmixing.io.formats.table import format_of
from unmixing.io.inputs.corrections import corrected
from unmixing.specs import InputSpec


def open_scene(paths: Sequence[Path], asked: InputSpec | None = None, *, scratch: Path | None = None) -> SceneReader:
    """Open the scene that ``paths`` make up: one file, or an ENVI header and its binary, or an image of EnMAP or DESIS
    and its METADATA.XML, in any order, or the folder of a product.

    One file of a pair is enough when the other lies beside it. ``asked``: what was said of the input, see
    ``corrected``. Compressed arrays are unpacked into ``scratch`` (default: the system's temporary folder) when their
    first row is read.

    Raises SceneFormatError (AmbiguousSceneError when ``variable`` is needed), SpecError for what cannot be asked of it.

    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(Path(folder, "scene.npy"), np.ones((4, 3, 2), np.float32))
    ...     with open_scene([Path(folder, "scene.npy")]) as scene:
    ...         scene.shape
    (4, 3, 2)
    """
    files = files_in([Path(path) for path in paths])
    for path in files:
        if not path.is_file():
            raise SceneFormatError(f"{path.name} is not a file")
    scene = choose_scene(with_partner(files))
    found = format_of(scene[0])
    if found is None or not found.holds_image:  # the file was exchanged while it was looked at
        raise SceneFormatError(f"{scene[0].name} is no scene any more")
    asked = asked or InputSpec()
    if asked.axes is not None and found.array is None:
        raise SpecError(f"axes is {asked.axes!r}, but {scene[0].name} is {found.label}, whose axes are known")
    opened = found.open_scene(scene, asked, scratch)
    try:
        return corrected(opened, asked)
    except BaseException:
        opened.close()
        raise
