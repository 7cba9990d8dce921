"""A folder with a STAC catalog, collection or item as the input: the scene is the file that its only item names."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os.path import normpath
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pydantic import TypeAdapter, ValidationError

from unmixing.errors import SceneFormatError
from unmixing.io.formats.envi_pairs import with_partner
from unmixing.io.formats.moments import UNKNOWN_BEGIN, stated_period
from unmixing.specs import Address

MAX_BYTES = 2**22
"""Of a document that is looked at."""

ROOTS = ("catalog.json", "collection.json")
DATA = "data"


@dataclass(frozen=True)
class StacScene:
    """The scene that an item names. files: those of its data. facts: fields of a request that the item answers."""

    files: list[Path]
    facts: Mapping[str, str]


def stac_scene(files: Sequence[Path]) -> StacScene | None:
    """The scene that the STAC documents among ``files`` name, None when there are none.

    Begins with ``catalog.json`` or ``collection.json``, else with the items there are. Raises SceneFormatError unless
    there is one item with data, and for whatever leads out of these files.
    """
    documents = _documents(files)
    if not documents:
        return None
    there = {normpath(path): path for path in files}
    items = list(dict.fromkeys(_items(documents, there)))
    if len(items) != 1:
        names = ", ".join(path.name for path in items[:10])
        raise SceneFormatError(f"a STAC folder has one item at a time; found {len(items)}{names and f' ({names})'}")
    return _scene(items[0], documents[items[0]], there)


def _documents(files: Sequence[Path]) -> dict[Path, dict[str, Any]]:
    """The STAC documents among the files, those nearest to the top first."""
    found = {}
    for path in sorted(files, key=lambda path: (len(path.parts), path.name)):
        if path.suffix in (".json", ".geojson") and path.stat().st_size <= MAX_BYTES:
            try:
                document = json.loads(path.read_bytes())
            except (ValueError, RecursionError):
                continue
            if isinstance(document, dict) and isinstance(document.get("stac_version"), str):
                found[path] = document
    return found


def _items(documents: Mapping[Path, dict[str, Any]], there: Mapping[str, Path]) -> Iterator[Path]:
    """The items that the root leads to, or, without a root, all there are."""
    roots = [path for name in ROOTS for path in documents if path.name == name]
    if not roots:
        yield from (path for path, document in documents.items() if document.get("type") == "Feature")
        return
    to_read, seen = [roots[0]], set()
    while to_read:
        path = to_read.pop(0)
        if path in seen:
            continue
        seen.add(path)
        if path not in documents:
            raise SceneFormatError(f"{path.name} is no STAC document of at most {MAX_BYTES} bytes")
        if documents[path].get("type") == "Feature":
            yield path
        links = _list(documents[path], "links")
        to_read += [_beside(path, link, there) for link in links if link.get("rel") in ("item", "child")]


def _scene(path: Path, item: Mapping[str, Any], there: Mapping[str, Path]) -> StacScene:
    assets = item.get("assets")
    listed = [asset for asset in assets.values() if isinstance(asset, dict)] if isinstance(assets, dict) else []
    data = [asset for asset in listed if isinstance(roles := asset.get("roles"), list) and DATA in roles] or listed
    if not data:
        raise SceneFormatError(f"{path.name} has no asset; the scene is the one whose role is {DATA!r}")
    files = with_partner([_beside(path, asset, there) for asset in data])
    return StacScene(files, _facts(item))


def _beside(path: Path, link: Mapping[str, Any], there: Mapping[str, Path]) -> Path:
    """The file that a link or an asset of the document at ``path`` leads to. Raises SceneFormatError for any that is
    not among the files."""
    href = link.get("href")
    if not isinstance(href, str) or not href:
        raise SceneFormatError(f"{path.name} has a link or an asset without an href")
    if ":" in href or href.startswith(("/", "\\")):
        raise SceneFormatError(
            f"{path.name} leads to {href[:200]!r}; only files beside it are read: fetch it, and make the href relative"
        )
    found = there.get(normpath(path.parent / unquote(href)))
    if found is None:
        raise SceneFormatError(f"{path.name} leads to {href[:200]!r}, which is not in the folder")
    return found


def _facts(item: Mapping[str, Any]) -> dict[str, str]:
    """When it was taken, and where it comes from, as fields of a request."""
    properties = item.get("properties")
    said = properties if isinstance(properties, dict) else {}
    moment, begin, end = (said.get(name) for name in ("datetime", "start_datetime", "end_datetime"))
    begin, end = (moment, None) if moment is not None else (begin, end)
    is_known = isinstance(begin, str) and isinstance(end, str | None) and begin != UNKNOWN_BEGIN
    found = stated_period(begin, end) if is_known else {}
    links = {link.get("rel"): link.get("href") for link in _list(item, "links")}
    for rel in ("canonical", "self"):
        try:
            return {**found, "derived_from": TypeAdapter(Address).validate_python(links.get(rel))}
        except ValidationError:
            continue
    return found


def _list(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects in a list of a document."""
    found = document.get(name)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
