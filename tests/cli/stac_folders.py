"""A folder with a scene and the STAC documents that name it, as platforms stage it."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.conftest import small_scene

ITEM: dict[str, Any] = {
    "type": "Feature",
    "stac_version": "1.1.0",
    "id": "flight",
    "geometry": None,
    "properties": {"datetime": "2024-05-01T10:00:00Z"},
    "links": [{"rel": "self", "href": "https://data.example/items/flight"}],
    "assets": {
        "cube": {"href": "../data/flight%201.npy", "roles": ["data"]},
        "picture": {"href": "../data/picture.npy", "roles": ["thumbnail"]},
    },
}


def write_stac_scene(folder: Path, **changes: Any) -> Path:
    """A catalog whose item lies in one folder below, and its data in another. changes: of the item."""
    (folder / "flight").mkdir(parents=True)
    (folder / "data").mkdir()
    np.save(folder / "data/flight 1.npy", small_scene())
    np.save(folder / "data/picture.npy", small_scene(seed=1))
    links = [{"rel": "root", "href": "./catalog.json"}, {"rel": "item", "href": "./flight/flight.json"}]
    catalog = {"type": "Catalog", "stac_version": "1.1.0", "id": "stage", "description": "staged", "links": links}
    (folder / "catalog.json").write_text(json.dumps(catalog))
    (folder / "flight/flight.json").write_text(json.dumps({**ITEM, **changes}))
    return folder
