"""STAC documents held against the schemas that pystac brings along, and against those of the extensions where
UNMIX_STAC_SCHEMAS names a folder with them: ``{extension}.json``."""

import json
import os
from pathlib import Path
from typing import Any

import pystac
from pystac.validation.stac_validator import JsonSchemaSTACValidator

CORE = JsonSchemaSTACValidator()
SCHEMAS = Path(os.environ["UNMIX_STAC_SCHEMAS"]) if "UNMIX_STAC_SCHEMAS" in os.environ else None


def require_valid(document: dict[str, Any]) -> None:
    """Raises pystac.STACValidationError for what breaks a schema."""
    kind = pystac.STACObjectType(document["type"])
    CORE.validate_core(document, kind, document["stac_version"])
    for uri in document.get("stac_extensions", []):
        schema = None if SCHEMAS is None else SCHEMAS / f"{uri.split('/')[3]}.json"
        if schema is not None and schema.is_file():
            CORE.schema_cache[uri] = json.loads(schema.read_text())
            CORE.validate_extension(document, kind, document["stac_version"], uri)


def read_folder(folder: Path) -> tuple[pystac.Catalog, pystac.Collection, pystac.Item]:
    """Catalog, collection and the only item of a folder, valid, each link leading where it says."""
    for name in ("catalog", "collection", "item"):
        require_valid(json.loads((folder / f"{name}.json").read_text()))
    catalog = pystac.Catalog.from_file(str(folder / "catalog.json"))
    (item,) = catalog.get_items(recursive=True)
    collection = pystac.Collection.from_file(str(folder / "collection.json"))
    assert [found.id for found in collection.get_items()] == [item.id]
    assert item.get_collection().id == item.collection_id == collection.id
    return catalog, collection, item
