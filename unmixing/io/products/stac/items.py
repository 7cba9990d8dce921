"""The result of an image as a STAC item: when and where it was taken, how it was computed, and every file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unmixing.io.products.abundance_maps import SHARES
from unmixing.io.products.stac.bands import bands_of
from unmixing.io.products.stac.names import CATALOG, COLLECTION, JSON, STAC_VERSION, roles_of
from unmixing.io.products.stac.places import PROJECTION, place_of_raster
from unmixing.io.products.stac.times import times_of

PROCESSING = "https://stac-extensions.github.io/processing/v1.2.0/schema.json"

Document = Mapping[str, Any]
"""That of a result, see ``result_document``."""


def item_of(document: Document, folder: Path, name: str, made: str) -> dict[str, Any]:
    """The item of the result of an image in ``folder``. name: its id. made: when the result was made.

    Every ``href`` is the name of a file beside it.
    """
    read = document["input"]
    # Of the maps, not of the input: they may show it on a grid on Earth that its own rows and columns are not.
    place = place_of_raster(next(folder / name for name in document["assets"] if name.endswith(".tif")))
    item = {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": [PROJECTION, PROCESSING],
        "id": name,
        "geometry": place.geometry,
        "properties": {
            **times_of(read.get("acquired"), made),
            "title": title_of(document),
            "description": description_of(document),
            "created": made,
            **place.projection,
            **_processing(document, made),
            "unmixing:abundances_of": document["abundances_of"],
            "unmixing:endmembers": document["endmembers"]["names"],
            "unmixing:warnings": [warning["code"] for warning in document["warnings"]],
        },
        "collection": name,
        "links": _links(read.get("derived_from")),
        "assets": {name: _asset(folder / name, facts) for name, facts in document["assets"].items()},
    }
    return item if place.bbox is None else {**item, "bbox": place.bbox}


def title_of(document: Document) -> str:
    """A few words on the result."""
    return f"Unmixing of {', '.join(document['input'].get('files', [])) or 'data in memory'}"


def description_of(document: Document) -> str:
    """A sentence or two on the result."""
    method = document["provenance"]["method"]
    if document["input"]["kind"] == "mixtures":
        return f"{len(document['mixing_matrix']['names'])} sources and how they are mixed, by {method}."
    names = document["endmembers"]["names"]
    shares = f"An abundance is a {SHARES[document['abundances_of']]}."
    return f"{len(names)} materials and their maps, by {method}: {', '.join(names)}. {shares}"


def _processing(document: Document, made: str) -> dict[str, Any]:
    """How the result came about, by the names of the extension."""
    provenance = document["provenance"]
    versions = {name: version for name, version in provenance["versions"].items() if version is not None}
    bands = f"{document['input']['bands_used']} of {document['input']['bands']} bands used"
    return {
        "processing:lineage": f"Spectral unmixing by {provenance['method']}, {bands}",
        "processing:expression": {"format": "unmixing-service", "expression": provenance["spec"]},
        "processing:software": {"unmixing-service" if name == "project" else name: versions[name] for name in versions},
        "processing:datetime": made,
    }


def _links(source: str | None) -> list[dict[str, str]]:
    links = [
        {"rel": "root", "href": f"./{CATALOG}", "type": JSON},
        {"rel": "parent", "href": f"./{CATALOG}", "type": JSON},
        {"rel": "collection", "href": f"./{COLLECTION}", "type": JSON},
    ]
    return links if source is None else [*links, {"rel": "derived_from", "href": source}]


def _asset(path: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    asset = {"href": f"./{facts['href']}", "type": facts["type"], "roles": roles_of(facts["type"])}
    return {**asset, "bands": bands_of(path)} if path.suffix == ".tif" else asset
