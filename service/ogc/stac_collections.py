"""The files of a result as a STAC collection, the form in which platforms take over what a service has made."""

from collections.abc import Mapping
from typing import Any

from model_store.records import JobRecord

STAC_VERSION = "1.0.0"
"""That of the schema that clients look for in the results (``processes.STAC_SCHEMA``)."""

ANYWHERE = (-180.0, -90.0, 180.0, 90.0)
"""A collection has to have an extent in longitude and latitude. Of a place that is not known it can only be said that
it is somewhere: everything narrower would be invented."""

_WHOLE_EARTH = "the extent is that of the whole Earth because a collection cannot be without one."
UNKNOWN_PLACE = f"Where it lies is not known, for the input has no coordinate reference system: {_WHOLE_EARTH}"
UNSAID_PLACE = f"Its rasters say where it lies; {_WHOLE_EARTH}"
ITEM = "item.json"


def collection_of(
    record: JobRecord, document: Mapping[str, Any], base: str, item: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A STAC collection with a result's files as assets.

    document: the result's, its ``href`` being URLs. item: the STAC item of the result when there is one; its ``bbox``
    becomes the extent. base: URL of the service, with a slash at its end.
    """
    url = f"{base}jobs/{record.id}"
    bbox = None if item is None else item.get("bbox")
    names = ", ".join(record.uploaded)
    about = f"Materials and their maps from {names or 'a hyperspectral image'}, by {record.spec.method}."
    links = [
        {"rel": "self", "href": f"{url}/results/stac", "type": "application/json"},
        {"rel": "root", "href": f"{url}/results/stac", "type": "application/json"},
        {"rel": "via", "href": url, "type": "application/json", "title": "The job that made it"},
    ]
    if ITEM in document["assets"]:
        links.append({"rel": "item", "href": document["assets"][ITEM]["href"], "type": "application/geo+json"})
    return {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "stac_extensions": [],
        "id": record.id,
        "title": f"Unmixing of {names}" if names else "Unmixing",
        "description": about if bbox else f"{about} {UNSAID_PLACE if document['input'].get('crs') else UNKNOWN_PLACE}",
        "license": "proprietary",  # what STAC 1.0 calls a licence that is not known to it
        "extent": {
            "spatial": {"bbox": [list(bbox or ANYWHERE)]},
            # When the image was taken is not known either; that it was before the job is.
            "temporal": {"interval": [[None, _moment(record)]]},
        },
        "links": links,
        "assets": {name: _asset(name, facts) for name, facts in document["assets"].items()},
    }


def features_of(collection: Mapping[str, Any], item: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A GeoJSON FeatureCollection of the result as one feature, which leads to ``collection``.

    The same platforms read a collection by this link. Through their client an object in the results does not reach
    them whole, but links in features do.
    """
    (href,) = (link["href"] for link in collection["links"] if link["rel"] == "self")
    begin, end = collection["extent"]["temporal"]["interval"][0]
    feature = {
        "type": "Feature",
        "id": collection["id"],
        "geometry": None if item is None else item.get("geometry"),
        "properties": {"title": collection["title"], "start_datetime": begin, "end_datetime": end},
        "links": [{"rel": "collection", "href": href, "type": "application/json"}],
    }
    return {"type": "FeatureCollection", "features": [feature]}


def _moment(record: JobRecord) -> str:
    return record.created.strftime("%Y-%m-%dT%H:%M:%SZ")


def _asset(name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    is_picture = facts["type"].startswith("image/png")
    roles = ["thumbnail"] if is_picture else ["metadata"] if name == ITEM else ["data"]
    return {"href": facts["href"], "type": facts["type"], "title": name, "roles": roles}
