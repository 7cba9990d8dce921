"""The files of a result as a STAC collection, the form in which platforms take over what a service has made."""

from collections.abc import Mapping
from typing import Any

from model_store.records import JobRecord
from unmixing.io.products.stac.collections import collection_of
from unmixing.io.products.stac.names import GEOJSON, ITEM, JSON, roles_of

OF_VERSION_1_0 = {"stac_version": "1.0.0", "license": "proprietary"}
"""Differences of the version of the schema that clients look for in the results (``processes.STAC_SCHEMA``); the
second is what it calls a licence that it does not know."""


def job_collection(
    record: JobRecord, document: Mapping[str, Any], base: str, item: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A STAC collection with a result's files as assets.

    document: the result's, its ``href`` being URLs. item: the STAC item of the result when there is one; its ``bbox``
    becomes the extent. base: URL of the service, with a slash at its end.
    """
    url = f"{base}jobs/{record.id}"
    links = [
        {"rel": "self", "href": f"{url}/results/stac", "type": JSON},
        {"rel": "root", "href": f"{url}/results/stac", "type": JSON},
        {"rel": "via", "href": url, "type": JSON, "title": "The job that made it"},
    ]
    if ITEM in document["assets"]:
        links.append({"rel": "item", "href": document["assets"][ITEM]["href"], "type": GEOJSON})
    bbox = None if item is None else item.get("bbox")
    return {
        **collection_of(document, record.id, record.created.strftime("%Y-%m-%dT%H:%M:%SZ"), bbox),
        **OF_VERSION_1_0,
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
        "links": [{"rel": "collection", "href": href, "type": JSON}],
    }
    return {"type": "FeatureCollection", "features": [feature]}


def _asset(name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {"href": facts["href"], "type": facts["type"], "title": name, "roles": roles_of(facts["type"])}
