"""The files that a request in JSON names by reference: ``{"href": "https://...", "n_endmembers": 4, ...}``."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from service.errors import UploadFieldError
from service.outbound.fetching import References
from service.outbound.hrefs import origin_of
from service.uploads import FILE, FILE_FIELDS, Fields, Upload, plain_text

HREF, FILE_NAME, DERIVED_FROM = "href", "filename", "derived_from"
MAX_BYTES = 2**18
"""Of a body that is looked at here: larger ones hold numbers, and are parsed where uploads are read."""

MAX_REFERENCES = 16


class Reference(BaseModel):
    """A file by reference. filename: what it is called here, if not as its address ends. Other members of a link say
    nothing that the file does not say itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    href: str
    filename: str = ""


_LIST = TypeAdapter(list[Reference])


async def with_references(
    upload: Upload, folder: Path, known_fields: frozenset[str], references: References, max_bytes: int
) -> Upload:
    """An upload whose body names files by reference, with these files in ``folder``; any other as it is.

    Raises as ``References.fetch``, and UploadFieldError.
    """
    document = None if upload.body is None else await asyncio.to_thread(_document, folder / upload.body)
    if document is None:
        return upload
    named, fields = _files(document), Fields(known_fields, upload.fields)
    for name, value in document.items():
        if name not in named:
            fields.add(name, plain_text(name, value))
    if not named.get(FILE):
        raise UploadFieldError(f'no {HREF!r}, and no "{FILE}" with one: the scene, or the mixture matrix, is missing')
    (folder / str(upload.body)).unlink()
    note_origin(fields, named[FILE])
    return Upload(fields.values, await fetched(named, folder, references, max_bytes))


def note_origin(fields: Fields, found: Sequence[Reference]) -> None:
    """Let the results lead to where the input came from, unless the request says where that is."""
    origin = origin_of(found[0].href) if found else None
    if origin is not None:
        fields.values.setdefault(DERIVED_FROM, origin)


async def fetched(
    named: Mapping[str, Sequence[Reference]], folder: Path, references: References, max_bytes: int
) -> dict[str, dict[str, str]]:
    """By field, name and SHA-256 of the files, which lie where those of an upload with these fields lie. max_bytes: of
    all together. Raises as ``References.fetch``."""
    digests: dict[str, dict[str, str]] = {field: {} for field in FILE_FIELDS}
    for field, found in named.items():
        for reference in found:
            place = folder if field == FILE else folder / field
            file = await references.fetch(reference.href, place, max_bytes, reference.filename)
            max_bytes -= file.n_bytes
            digests[field][file.path.name] = file.digest
    return digests


def _document(body: Path) -> dict[str, Any] | None:
    """The JSON object in ``body`` when it names a file by reference."""
    if body.stat().st_size > MAX_BYTES:
        return None
    try:
        document = json.loads(body.read_bytes())
    except (ValueError, RecursionError):  # said where uploads are read
        return None
    if not isinstance(document, dict):
        return None
    if HREF in document:
        if FILE in document:
            raise UploadFieldError(f'give "{HREF}" or "{FILE}", not both')
        document[FILE] = _short(document.pop(HREF), document.pop(FILE_NAME, ""))
    return document if any(_is_by_reference(document.get(field)) for field in FILE_FIELDS) else None


def _short(href: Any, filename: Any) -> Any:
    """The field ``file`` that ``{"href": ..., "filename": ...}`` at the top of a request stands for."""
    if isinstance(href, list):
        return [{HREF: one} for one in href]
    return {HREF: href, FILE_NAME: filename}


def _is_by_reference(value: Any) -> bool:
    items = value if isinstance(value, list) else [value]
    return any(isinstance(item, dict) for item in items)


def _files(document: Mapping[str, Any]) -> dict[str, list[Reference]]:
    """By field, the files that are named. Raises UploadFieldError."""
    found = {}
    for field in FILE_FIELDS:
        if _is_by_reference(value := document.get(field)):
            try:
                found[field] = _LIST.validate_python(value if isinstance(value, list) else [value])
            except ValidationError as error:
                problem = error.errors()[0]
                where = ".".join(str(part) for part in problem["loc"])
                raise UploadFieldError(
                    f'{field}: {where}: {problem["msg"]}; give {{"{HREF}": "https://..."}}'
                ) from None
    if (n_files := sum(map(len, found.values()))) > MAX_REFERENCES:
        raise UploadFieldError(f"{n_files} files by reference; {MAX_REFERENCES} are allowed, or a zip of them")
    return found
