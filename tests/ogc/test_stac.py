"""The STAC documents that are served: collection, item and catalog of a job, and the item of a model."""

from base64 import b64encode
from pathlib import Path
from urllib.parse import urljoin

import pytest
from pystac.extensions.mlm import MLMExtension
from pystac.item import Item
from stac_pydantic import Collection

from tests.conftest import small_scene
from tests.io.scene_files import write_geotiff
from tests.io.stac_checks import require_valid
from tests.ogc.conftest import QUICK, Ogc


@pytest.fixture(scope="module")
def placed(ogc: Ogc, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The id of a job whose image has a place and a time."""
    scene = write_geotiff(tmp_path_factory.mktemp("stac") / "scene.tif", small_scene())
    inputs = {**QUICK, "file": b64encode(Path(scene).read_bytes()).decode(), "acquired": "2024-05-01T10:00:00Z"}
    job_id: str = ogc.execute("unmix", inputs).json()["jobID"]
    assert ogc.finished(job_id)["status"] == "successful"
    return job_id


def test_the_collection_lies_where_its_item_lies(ogc: Ogc, placed: str) -> None:
    outputs = ogc.get(f"/jobs/{placed}/results").json()
    collection = outputs["stac"]["value"]
    assert Collection.model_validate(collection).stac_version == "1.0.0"
    (link,) = (link for link in collection["links"] if link["rel"] == "item")
    answer = ogc.client.get(link["href"])
    assert answer.headers["content-type"] == "application/geo+json"
    item = answer.json()
    require_valid(item)
    assert item["id"] == collection["id"] == placed
    assert collection["extent"]["spatial"]["bbox"] == [item["bbox"]]
    assert collection["extent"]["temporal"]["interval"] == [["2024-05-01T10:00:00Z"] * 2]
    (feature,) = outputs["features"]["value"]["features"]
    assert feature["geometry"] == item["geometry"]


def test_relative_links_lead_to_files_of_the_job(ogc: Ogc, placed: str) -> None:
    catalog_url = f"{ogc.url}/jobs/{placed}/results/catalog.json"
    catalog = ogc.client.get(catalog_url).json()
    require_valid(catalog)
    (link,) = (link for link in catalog["links"] if link["rel"] == "item")
    item_url = urljoin(catalog_url, link["href"])
    item = ogc.client.get(item_url).json()
    for entry in [*item["links"], *item["assets"].values()]:
        assert ogc.client.head(urljoin(item_url, entry["href"])).headers["content-type"].startswith(entry["type"])


def test_the_item_of_a_stored_model(ogc: Ogc, model: str) -> None:
    answer = ogc.get(f"/models/{model}/item.json")
    assert answer.headers["content-type"] == "application/geo+json"
    require_valid(answer.json())
    item = Item.from_dict(answer.json())
    assert [said.name for said in MLMExtension.ext(item).input] == ["sample", "pixels"]
    (asset,) = item.assets.values()
    assert ogc.client.head(asset.href).headers["content-type"] == asset.media_type
    links = ogc.get(f"/models/{model}").json()["links"]
    assert [link["href"] for link in links if link["rel"] == "alternate"] == [item.get_single_link("self").href]
