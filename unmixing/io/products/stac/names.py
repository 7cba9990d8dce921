"""Names and media types of the STAC files, which need nothing to be read or written."""

from unmixing.manifest import MODEL_MEDIA_TYPE

STAC_VERSION = "1.1.0"
ITEM, COLLECTION, CATALOG = "item.json", "collection.json", "catalog.json"
JSON, GEOJSON = "application/json", "application/geo+json"
MEDIA_TYPES = {ITEM: GEOJSON, COLLECTION: JSON, CATALOG: JSON}
"""Of the files that make the folder of a result a STAC catalog."""

ROLES = {
    "image/png": ["thumbnail"],
    MODEL_MEDIA_TYPE: ["model"],
    **{media_type: ["metadata"] for media_type in (JSON, GEOJSON, "application/xml", "text/plain", "text/html")},
}
"""By media type, what assets are for that are no data."""


def roles_of(media_type: str) -> list[str]:
    """Roles of an asset of this type."""
    return ROLES.get(media_type, ["data"])
