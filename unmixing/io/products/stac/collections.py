"""The ways to an item: a collection that holds it, and the catalog of the folder."""

from collections.abc import Mapping
from typing import Any

from unmixing.io.products.stac.items import Document, description_of, title_of
from unmixing.io.products.stac.names import CATALOG, GEOJSON, ITEM, JSON, STAC_VERSION
from unmixing.io.products.stac.times import interval_of

ANYWHERE = (-180.0, -90.0, 180.0, 90.0)
"""A collection has to have an extent in longitude and latitude. Of a place that is not known it can only be said that
it is somewhere: everything narrower would be invented."""

UNKNOWN_PLACE = (
    "Where it lies is not known, for the input has no coordinate reference system that leads to longitude and "
    "latitude: the extent is that of the whole Earth because a collection cannot be without one."
)


def collection_of(document: Document, name: str, made: str, bbox: list[float] | None) -> dict[str, Any]:
    """The collection of a result. bbox: that of its item. Its links are for a folder that has the item beside it."""
    about = description_of(document)
    begin, end = interval_of(document["input"].get("acquired"), made)
    return {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "stac_extensions": [],
        "id": name,
        "title": title_of(document),
        "description": about if bbox else f"{about} {UNKNOWN_PLACE}",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [list(bbox or ANYWHERE)]},
            "temporal": {"interval": [[begin, end]]},
        },
        "links": _links(),
    }


def catalog_of(collection: Mapping[str, Any]) -> dict[str, Any]:
    """The catalog of a folder with the item of this collection: platforms that run workflows begin to read here."""
    return {
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        **{key: collection[key] for key in ("id", "title", "description")},
        "links": _links(),
    }


def _links() -> list[dict[str, str]]:
    return [
        {"rel": "root", "href": f"./{CATALOG}", "type": JSON},
        {"rel": "item", "href": f"./{ITEM}", "type": GEOJSON},
    ]
