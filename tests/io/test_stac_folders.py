"""The folder of a result as a STAC catalog, read back with pystac and stac-pydantic."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import pytest
import rasterio
import stac_pydantic
from pystac.extensions.projection import ProjectionExtension

from tests.conftest import small_scene
from tests.io.scene_files import ROTATED, write_envi, write_geotiff
from tests.io.stac_checks import read_folder
from unmixing import unmix
from unmixing.io.products.stac.places import place_of
from unmixing.specs import InputSpec, UnmixSpec
from unmixing.types import Georeference, MapGrid

QUICK = UnmixSpec(method="vca_fcls", n_endmembers=3)
COG = "image/tiff; application=geotiff; profile=cloud-optimized"


def item_of(scene: Any, folder: Path, spec: UnmixSpec = QUICK, **said: Any) -> pystac.Item:
    """The item of a result that has been saved, everything in its folder having been looked at."""
    _, collection, item = read_folder(unmix(scene, spec, input=InputSpec(**said)).save(folder))
    parsed = json.loads((folder / "item.json").read_text())
    assert stac_pydantic.Item.model_validate(parsed).id == item.id
    assert stac_pydantic.Collection.model_validate(json.loads((folder / "collection.json").read_text()))
    assert list(collection.extent.spatial.bboxes[0]) == (item.bbox or [-180.0, -90.0, 180.0, 90.0])
    return item


@pytest.fixture
def no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are most of the time that a small result takes."""
    monkeypatch.setattr("unmixing.io.products.table.can_draw", lambda: False)


@pytest.fixture(scope="module")
def rotated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_geotiff(tmp_path_factory.mktemp("stac") / "scene.tif", small_scene(rows=20, columns=16))


@pytest.mark.usefixtures("no_picture")
def test_the_place_of_a_rotated_image(rotated: Path, tmp_path: Path) -> None:
    item = item_of(rotated, tmp_path / "out")
    projection = ProjectionExtension.ext(item)
    assert (projection.code, projection.shape) == ("EPSG:32613", [20, 16])
    assert projection.transform == list(ROTATED)[:6]
    corners = [ROTATED @ corner for corner in ((0, 0), (16, 0), (16, 20), (0, 20))]
    found = np.array(item.geometry["coordinates"][0])
    for x, y in zip(*rasterio.warp.transform("EPSG:32613", "OGC:CRS84", *zip(*corners, strict=True)), strict=True):
        assert np.abs(found - (x, y)).sum(axis=1).min() < 1e-6
    assert item.bbox is not None
    assert np.allclose(item.bbox, [*found.min(axis=0), *found.max(axis=0)])


def test_every_file_is_an_asset_beside_the_item(rotated: Path, tmp_path: Path) -> None:
    item = item_of(rotated, tmp_path / "out", UnmixSpec(method="vca_fcls", n_endmembers=3, abundances_of="shape"))
    described = json.loads((tmp_path / "out/result.json").read_text())["assets"]
    assert set(described) == set(item.assets) | {"item.json", "collection.json", "catalog.json"}
    for name, facts in described.items():
        assert (tmp_path / "out" / name).stat().st_size == facts["size"]
    for name, asset in item.assets.items():
        assert (asset.href, asset.media_type) == (f"./{name}", described[name]["type"])
    assert item.properties["unmixing:abundances_of"] == "shape"
    assert (item.assets["abundances.tif"].media_type, item.assets["abundances.tif"].roles) == (COG, ["data"])
    assert item.assets["quicklook.png"].roles == ["thumbnail"]


@pytest.mark.usefixtures("no_picture")
def test_bands_say_what_stands_in_the_files(rotated: Path, tmp_path: Path) -> None:
    assets = item_of(rotated, tmp_path / "out").assets
    bands = assets["abundances.tif"].extra_fields["bands"]
    assert [band["name"] for band in bands] == ["endmember 1", "endmember 2", "endmember 3"]
    assert "share of the pixel's lit area" in bands[0]["description"]
    assert (bands[0]["data_type"], bands[0]["nodata"], bands[0]["unit"]) == ("float32", -9999.0, "1")
    values = np.load(tmp_path / "out/abundances.npy")
    assert bands[1]["statistics"]["mean"] == pytest.approx(values[:, :, 1].mean(), abs=1e-6)
    (quality,) = assets["quality.tif"].extra_fields["bands"]
    assert (quality["data_type"], "nodata" in quality, "statistics" in quality) == ("uint8", False, False)
    (residual,) = assets["residual.tif"].extra_fields["bands"]
    assert "unit" not in residual, "the image does not say it"


@pytest.mark.usefixtures("no_picture")
def test_how_it_came_about(rotated: Path, tmp_path: Path) -> None:
    item = item_of(rotated, tmp_path / "out", derived_from="https://data.example/items/7")
    properties = item.properties
    assert "vca_fcls, 30 of 30 bands" in properties["processing:lineage"]
    assert properties["processing:expression"]["expression"]["n_endmembers"] == 3
    assert set(properties["processing:software"]) >= {"unmixing-service", "numpy"}
    assert [link.href for link in item.links if link.rel == "derived_from"] == ["https://data.example/items/7"]


@pytest.mark.usefixtures("no_picture")
def test_an_unknown_place_and_time_are_not_invented(tmp_path: Path) -> None:
    item = item_of(small_scene(), tmp_path / "out")
    assert (item.geometry, item.bbox) == (None, None)
    assert not {"proj:code", "proj:wkt2", "proj:transform"} & set(item.properties)
    assert item.datetime is None
    begin, end = item.properties["start_datetime"], item.properties["end_datetime"]
    assert begin == "1970-01-01T00:00:00Z"
    assert abs((datetime.now(UTC) - datetime.fromisoformat(end)).total_seconds()) < 60
    assert not [link for link in item.links if link.rel == "derived_from"]
    interval = json.loads((tmp_path / "out/collection.json").read_text())["extent"]["temporal"]["interval"]
    assert interval == [[None, end]]


@pytest.mark.usefixtures("no_picture")
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2024-05-01T12:00:00+02:00", {"datetime": "2024-05-01T10:00:00Z"}),
        (
            "2024-05-01T10:00:00Z/2024-05-01T10:00:25Z",
            {"datetime": None, "start_datetime": "2024-05-01T10:00:00Z", "end_datetime": "2024-05-01T10:00:25Z"},
        ),
    ],
)
def test_a_time_that_was_said(tmp_path: Path, said: str, expected: dict) -> None:
    properties = item_of(small_scene(), tmp_path / "out", acquired=said).properties
    assert {name: properties[name] for name in expected} == expected
    assert ("start_datetime" in properties) == ("start_datetime" in expected)


@pytest.mark.usefixtures("no_picture")
def test_a_time_that_the_file_says(tmp_path: Path) -> None:
    header, _ = write_envi(tmp_path, small_scene(), acquisition_time="2012-11-01T12:30:00.0Z")
    assert item_of(header, tmp_path / "envi").properties["datetime"] == "2012-11-01T12:30:00Z"
    assert item_of(header, tmp_path / "said", acquired="2020-01-02T00:00:00Z").properties["datetime"][:4] == "2020"
    header, _ = write_envi(tmp_path, small_scene(), acquisition_time="one fine morning")
    assert item_of(header, tmp_path / "unread").datetime is None
    scene = write_geotiff(tmp_path / "scene.tif", small_scene())
    with rasterio.open(scene, "r+") as file:
        file.update_tags(ns="IMAGERY", ACQUISITIONDATETIME="2024-05-01 10:00:00")
    assert item_of(scene, tmp_path / "geotiff").properties["datetime"] == "2024-05-01T10:00:00Z"


def test_places_that_cross_180_degrees_or_hold_a_pole() -> None:
    wkt = {code: rasterio.CRS.from_string(code).to_wkt() for code in ("EPSG:32660", "EPSG:3031", "EPSG:32633")}
    crossing = place_of((20, 20), wkt["EPSG:32660"], (30, 0, 833900, 0, -30, 100000))
    assert crossing.geometry["type"] == "MultiPolygon"
    assert crossing.bbox is not None
    west, _, east, _ = crossing.bbox
    assert 179.9 < west < 180
    assert -180 < east < -179.9
    for polygon in crossing.geometry["coordinates"]:
        longitudes = np.array(polygon[0])[:, 0]
        assert np.ptp(longitudes) < 0.01
    pole = place_of((20, 20), wkt["EPSG:3031"], (10000, 0, -100000, 0, -10000, 100000))
    assert pole.bbox[:3] == [-180.0, -90.0, 180.0]
    assert place_of((20, 20), wkt["EPSG:32633"], (30, 0, 5e9, 0, -30, 1e9)).geometry is None, "it is no place on Earth"


def test_a_crs_without_a_code_is_defined_and_one_of_no_place_has_no_geometry() -> None:
    own = rasterio.CRS.from_string("+proj=tmerc +lat_0=47 +lon_0=8.5 +x_0=1000 +ellps=GRS80 +units=m")
    place = place_of((4, 4), own.to_wkt(), (1, 0, 1000, 0, -1, 0))
    assert "proj:code" not in place.projection
    assert rasterio.CRS.from_wkt(place.projection["proj:wkt2"]) == own
    assert place.bbox[0] == pytest.approx(8.5)
    local = place_of((4, 4), 'LOCAL_CS["site",UNIT["metre",1]]', (1, 0, 0, 0, -1, 0))
    assert (local.geometry, local.bbox) == (None, None)


@pytest.mark.usefixtures("no_picture")
def test_maps_on_a_grid_of_their_own_say_where_they_lie(tmp_path: Path) -> None:
    result = unmix(small_scene(), QUICK)
    rows, columns = np.divmod(np.arange(30 * 25).reshape(30, 25) % 400, 20)
    utm = Georeference(rasterio.CRS.from_epsg(32613).to_wkt(), (30, 0, 400000, 0, -30, 4200000))
    grid = MapGrid(utm, rows.astype(np.int32), columns.astype(np.int32))
    gridded = replace(result, info=replace(result.info, grid=grid))
    _, _, item = read_folder(gridded.save(tmp_path / "out"))
    assert (item.properties["proj:code"], item.properties["proj:shape"]) == ("EPSG:32613", [30, 25])
    assert item.bbox == pytest.approx([-106.139, 37.935, -106.130, 37.943], abs=0.002)
