"""One array of a .npy, .npz or .mat file, read whole."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmixing.errors import SceneFormatError
from unmixing.io.formats.archives import open_archive
from unmixing.io.formats.detection import Kind, is_npz, kind_of
from unmixing.io.formats.matlab_v5 import load_v5, v5_headers
from unmixing.io.formats.matlab_v73 import datasets, opened_v73
from unmixing.io.formats.numpy_files import extract_member, peek, read_npy_header, require_size
from unmixing.io.formats.reader import ArrayHeader, require_plausible_size
from unmixing.io.formats.variables import ArrayKind, choose_array, listed

MAX_BYTES = 4 * 2**30
"""Of an array that is read whole."""


def read_array(path: Path, variable: str | None, kind: ArrayKind) -> tuple[NDArray[Any], dict[str, Any]]:
    """The array of this kind in a .npy, .npz or .mat file, in MATLAB's own order of axes, and how it was found.

    ``variable`` says which one where there are several. Raises SceneFormatError, AmbiguousSceneError.
    """
    with path.open("rb") as file:
        first = kind_of(path)
        if first is Kind.NPY:
            header, order = read_npy_header(file, path.name)
            require_size(path.name, header, file.tell(), path.stat().st_size)
            _require_kind(header, path.name, kind, path)
            values = np.fromfile(file, dtype=header.dtype, count=header.size).reshape(header.shape, order=order)
            return values, _source("npy", path, None, header)
    if first is Kind.ZIP and is_npz(path):
        return _read_npz(path, variable, kind)
    if first is Kind.MAT_V5:
        headers = v5_headers(path)
        name = _chosen(headers, variable, path, kind)
        return load_v5(path, {name: headers[name]})[name], _source("mat v5", path, name, headers[name])
    if first is Kind.HDF5:
        return _read_v73(path, variable, kind)
    raise SceneFormatError(f"{path.name} is no .npy, .npz or .mat file")


def _read_npz(path: Path, variable: str | None, kind: ArrayKind) -> tuple[NDArray[Any], dict[str, Any]]:
    with open_archive(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        headers = {name: header for name, info in members.items() if (header := peek(archive, info))}
        name = _chosen(headers, variable, path, kind)
        with archive.open(members[name]) as member:
            header, _ = read_npy_header(member, name)
            require_size(f"{path.name}: {name}", header, member.tell(), members[name].file_size)
    return extract_member(path, members[name], None), _source("npz", path, name, header)


def _read_v73(path: Path, variable: str | None, kind: ArrayKind) -> tuple[NDArray[Any], dict[str, Any]]:
    with opened_v73(path) as file:
        arrays = datasets(file)
        headers = {name: ArrayHeader(data.shape[::-1], data.dtype) for name, data in arrays.items()}
        name = _chosen(headers, variable, path, kind)
        return np.asarray(arrays[name][()]).T, _source("mat v7.3", path, name, headers[name])


def _chosen(headers: dict[str, ArrayHeader], variable: str | None, path: Path, kind: ArrayKind) -> str:
    name = choose_array(headers, variable, path.name, kind)
    if name is None:
        raise SceneFormatError(f"{path.name} has no {kind}; it has {listed(headers)}")
    _require_kind(headers[name], f"{path.name}: {name}", kind, path)
    return name


def _require_kind(header: ArrayHeader, what: str, kind: ArrayKind, path: Path) -> None:
    if len(header.shape) != kind.n_axes or not header.is_real or min(header.shape) < 1:
        raise SceneFormatError(f"{what} is {header}; it has to be a {kind}")
    require_plausible_size(path, header)
    if header.nbytes > MAX_BYTES:
        raise SceneFormatError(f"{what} has {header.nbytes} bytes; {MAX_BYTES} are allowed")


def _source(form: str, path: Path, variable: str | None, header: ArrayHeader) -> dict[str, Any]:
    named = {} if variable is None else {"variable": variable}
    return {"format": form, "files": [path.name], **named, "dtype": str(header.dtype)}
