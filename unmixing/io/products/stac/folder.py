"""The STAC files in the folder of a result, which make the folder as it is a STAC catalog."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unmixing.io.products.stac.collections import catalog_of, collection_of
from unmixing.io.products.stac.items import Document, item_of
from unmixing.io.products.stac.names import CATALOG, COLLECTION, ITEM, MEDIA_TYPES


def write_stac(folder: Path, document: Document, name: str | None = None) -> dict[str, str]:
    """Write item, collection and catalog of the result of an image into its ``folder``; returns name -> media type.

    document: the result's, without these files. name: the id of all three, by default one that tells results apart.
    """
    identifier, made = name or _identifier(document), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    item = item_of(document, folder, identifier, made)
    collection = collection_of(document, identifier, made, item.get("bbox"))
    _write(folder / ITEM, item)
    _write(folder / COLLECTION, collection)
    _write(folder / CATALOG, catalog_of(collection))
    return MEDIA_TYPES


def _identifier(document: Document) -> str:
    """Equal for equal results."""
    told = [document["endmembers"], document["provenance"]["spec"], document["input"].get("files")]
    return f"unmixing-{hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]}"


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content), "utf-8")
