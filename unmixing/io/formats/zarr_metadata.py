"""The metadata of a Zarr store, version 2 or 3: plain JSON beside the chunks, read before anything else is."""

import base64
import binascii
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unmixing.errors import SceneFormatError
from unmixing.io.formats.array_header import ArrayHeader, ArrayNotes
from unmixing.io.formats.damage import damage_reported

V2, V2_ATTRIBUTES, V3 = ".zarray", ".zattrs", "zarr.json"

MAX_JSON_BYTES, MAX_ARRAYS, MAX_DEPTH = 4 * 2**20, 1000, 5
MAX_CHUNK_BYTES = 2**30

CODECS = frozenset((
    "bytes", "transpose", "blosc", "gzip", "zlib", "zstd", "lz4", "bz2", "lzma", "crc32c", "crc32", "adler32",
    "fletcher32", "shuffle", "delta", "fixedscaleoffset", "quantize", "bitround", "packbits", "sharding_indexed",
))  # fmt: skip
"""Codecs of numbers. Others are refused: among them is one that unpickles, which runs what a stranger has written."""


@dataclass(frozen=True, eq=False)
class StoredArray:
    """An array by its metadata. attributes: of its own."""

    header: ArrayHeader
    attributes: Mapping[str, Any]


def arrays_in(root: Path) -> dict[str, StoredArray]:
    """The arrays below the folder of a store by their names, groups before them; of the root itself it is empty.

    Raises SceneFormatError for what is damaged, and for codecs that are not read.
    """
    found = {}
    for path in _metadata_files(root):
        name = path.parent.relative_to(root).as_posix().removeprefix(".")
        document = _json(path)
        with damage_reported(f"{path.parent.name}/{path.name} describes no Zarr array"):
            if path.name == V2:
                found[name] = _version_2(document, _json(path.with_name(V2_ATTRIBUTES)))
            elif document.get("node_type") == "array":
                found[name] = _version_3(document)
        if len(found) > MAX_ARRAYS:
            raise SceneFormatError(f"{root.name} has more than {MAX_ARRAYS} arrays")
    return found


def attributes_of_root(root: Path) -> dict[str, Any]:
    """Attributes of the whole store. Raises SceneFormatError."""
    stated = _json(root / V3).get("attributes") if (root / V3).exists() else _json(root / V2_ATTRIBUTES)
    return stated if isinstance(stated, dict) else {}


def _metadata_files(root: Path, depth: int = 0) -> Iterator[Path]:
    yield from (path for name in (V3, V2) if (path := root / name).is_file() and not path.is_symlink())
    if depth < MAX_DEPTH and not (root / V2).exists():
        for folder in sorted(one for one in root.iterdir() if one.is_dir() and not one.is_symlink()):
            yield from _metadata_files(folder, depth + 1)


def _json(path: Path) -> dict[str, Any]:
    """The document of a file, empty where there is none. Raises SceneFormatError."""
    if not path.exists():
        return {}
    if path.stat().st_size > MAX_JSON_BYTES:
        raise SceneFormatError(f"{path.name} has {path.stat().st_size} bytes; {MAX_JSON_BYTES} are allowed")
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise SceneFormatError(f"{path.parent.name}/{path.name} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise SceneFormatError(f"{path.parent.name}/{path.name} is no JSON object")
    return document


def _version_2(document: dict[str, Any], attributes: dict[str, Any]) -> StoredArray:
    for codec in (document.get("compressor"), *(document.get("filters") or ())):
        _require_codec(codec and codec["id"])
    _require_chunks(document["chunks"], np.dtype(document["dtype"]))
    stated = attributes.get("_FillValue", document.get("fill_value") or None)  # zero is what is written by default
    return _stored(
        document["shape"], np.dtype(document["dtype"]), attributes.get("_ARRAY_DIMENSIONS"), attributes, stated
    )


def _version_3(document: dict[str, Any]) -> StoredArray:
    attributes = document.get("attributes") or {}
    for codec in _nested(document["codecs"]):
        _require_codec(codec["name"])
    name = document["data_type"]
    dtype = np.dtype(name) if isinstance(name, str) and name not in ("string", "bytes") else np.dtype(object)
    _require_chunks(document["chunk_grid"]["configuration"]["chunk_shape"], dtype)
    axes = document.get("dimension_names") or attributes.get("_ARRAY_DIMENSIONS")
    return _stored(document["shape"], dtype, axes, attributes, attributes.get("_FillValue"))


def _nested(codecs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Codecs, and those inside of them: shards have their own."""
    for codec in codecs:
        yield codec
        inner = codec.get("configuration") or {}
        yield from _nested([*inner.get("codecs", ()), *inner.get("index_codecs", ())])


def _require_codec(name: Any) -> None:
    if name is not None and str(name).removeprefix("numcodecs.") not in CODECS:
        raise SceneFormatError(
            f"the codec {str(name)[:60]!r} is not read; write the store with one of {', '.join(sorted(CODECS))}"
        )


def _require_chunks(chunks: list[int], dtype: np.dtype[Any]) -> None:
    n_bytes = dtype.itemsize
    for length in chunks:
        n_bytes *= int(length)
    if not 0 < n_bytes <= MAX_CHUNK_BYTES:
        raise SceneFormatError(f"its chunks of {chunks} {dtype} have {n_bytes} bytes; 1 to {MAX_CHUNK_BYTES} are read")


def _stored(shape: list[int], dtype: np.dtype[Any], axes: Any, attributes: dict[str, Any], fill: Any) -> StoredArray:
    notes = ArrayNotes(
        axes=tuple(str(name) for name in axes) if axes and len(axes) == len(shape) else None,
        unit=str(attributes["units"]) if "units" in attributes else None,
        nodata=_number(fill, dtype), scale=_number(attributes.get("scale_factor"), None),
        offset=_number(attributes.get("add_offset"), None),
    )  # fmt: skip
    return StoredArray(ArrayHeader(tuple(int(length) for length in shape), dtype, notes=notes), attributes)


def _number(value: Any, dtype: np.dtype[Any] | None) -> float | None:
    """A number. Of a text: that which xarray writes for a fill value of fractions, a double in base 64."""
    if isinstance(value, str) and dtype is not None and dtype.kind == "f":
        try:
            (value,) = struct.unpack("<d", base64.b64decode(value, validate=True))
        except (binascii.Error, ValueError, struct.error):
            return None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
