"""``open_scene``: from files to a reader, whatever their format."""

from collections.abc import Sequence
from pathlib import Path

from unmixing.errors import SceneFormatError
from unmixing.io.formats.detection import Kind, choose_scene, kind_of
from unmixing.io.formats.envi import open_envi
from unmixing.io.formats.geotiff import open_geotiff
from unmixing.io.formats.matlab_v5 import open_mat_v5
from unmixing.io.formats.matlab_v73 import open_mat_v73
from unmixing.io.formats.numpy_files import open_npy, open_npz
from unmixing.io.formats.reader import SceneReader


def open_scene(paths: Sequence[Path], variable: str | None = None, *, scratch: Path | None = None) -> SceneReader:
    """Open the scene that ``paths`` make up: one file, or an ENVI header and its binary, in any order.

    One file of an ENVI pair is enough when the other lies beside it. ``variable`` says which array of a .mat
    or .npz file is the cube. Compressed arrays are unpacked into ``scratch`` (default: the system's temporary
    folder) when their first row is read.

    Raises SceneFormatError (AmbiguousSceneError when ``variable`` is needed).
    """
    files = [Path(path) for path in paths]
    for path in files:
        if not path.is_file():
            raise SceneFormatError(f"{path.name} is not a file")
    scene = choose_scene(with_partner(files))
    if len(scene) == 2:
        return open_envi(scene[0], scene[1])
    path = scene[0]
    kind = kind_of(path)
    if kind is Kind.ZIP:
        return open_npz(path, variable, scratch)
    if kind is Kind.MAT_V5:
        return open_mat_v5(path, variable)
    if kind is Kind.HDF5:
        return open_mat_v73(path, variable, scratch)
    return open_geotiff(path) if kind is Kind.TIFF else open_npy(path)


def with_partner(files: list[Path]) -> list[Path]:
    """A single half of an ENVI pair, together with the files beside it that could be the other half."""
    if len(files) != 1 or (kind := kind_of(files[0])) not in (Kind.ENVI_HEADER, Kind.OTHER):
        return files
    path = files[0]
    neighbours = [other for other in path.parent.iterdir() if other != path and other.is_file()]
    if kind is Kind.ENVI_HEADER:
        stems = {path.stem.lower(), Path(path.stem).stem.lower()}
        partners = [other for other in neighbours if {other.name.lower(), other.stem.lower()} & stems]
        return [path, *(other for other in partners if kind_of(other) is Kind.OTHER)]
    names = {f"{path.name}.hdr".lower(), f"{path.stem}.hdr".lower()}
    headers = [other for other in neighbours if other.name.lower() in names]
    return [path, *(other for other in headers if kind_of(other) is Kind.ENVI_HEADER)]
