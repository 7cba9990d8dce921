"""A STAC folder as the input: which file is the scene, what its item says, and what is refused."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.stac_folders import ITEM, write_stac_scene
from tests.conftest import small_scene
from tests.io.scene_files import write_envi
from unmixing.errors import SceneFormatError
from unmixing.io.apply.inspecting import inspect_input
from unmixing.io.formats.folders import files_in
from unmixing.io.inputs.stac_items import stac_scene
from unmixing.io.inputs.tasks import Request, checked_task
from unmixing.io.inputs.uploads import unpack_files


def scene_in(folder: Path) -> list[Path]:
    found = stac_scene(files_in([folder]))
    assert found is not None
    return found.files


def with_asset(**asset: Any) -> dict[str, Any]:
    return {"assets": {"cube": {"roles": ["data"], **asset}}}


def test_the_data_of_the_only_item_is_the_scene(tmp_path: Path) -> None:
    folder = write_stac_scene(tmp_path / "stage")
    assert scene_in(folder) == [folder / "data/flight 1.npy"]
    task = checked_task(Request(files_in([folder]), {"acquired": "", "seed": "3"}, {}))
    assert list(task.paths) == [folder / "data/flight 1.npy"]
    assert task.input.acquired == "2024-05-01T10:00:00Z"
    assert task.input.derived_from == "https://data.example/items/flight"


def test_what_the_request_says_counts_more(tmp_path: Path) -> None:
    folder = write_stac_scene(tmp_path / "stage")
    task = checked_task(Request(files_in([folder]), {"acquired": "2020-01-01T00:00:00Z"}, {}))
    assert task.input.acquired == "2020-01-01T00:00:00Z"


def test_begin_and_end_of_an_item(tmp_path: Path) -> None:
    begin, end = "2024-05-01T10:00:00Z", "2024-05-01T10:00:25Z"
    said = {"datetime": None, "start_datetime": begin, "end_datetime": end}
    found = stac_scene(files_in([write_stac_scene(tmp_path / "stage", properties=said, links=[])]))
    assert found is not None
    assert found.facts == {"acquired": f"{begin}/{end}"}


@pytest.mark.parametrize("properties", [None, [], {"datetime": 5}, {"datetime": "soon"}, {"start_datetime": "2024"}])
def test_an_item_that_says_nothing_of_use(tmp_path: Path, properties: Any) -> None:
    links = ["x", {"rel": "self", "href": "./flight.json"}, {"rel": "self", "href": ["https://a.b"]}]
    found = stac_scene(files_in([write_stac_scene(tmp_path / "stage", properties=properties, links=links)]))
    assert found is not None
    assert found.facts == {}


def test_an_item_without_a_catalog_and_a_collection(tmp_path: Path) -> None:
    folder = write_stac_scene(tmp_path / "stage")
    catalog = json.loads((folder / "catalog.json").read_text())
    (folder / "catalog.json").unlink()
    assert scene_in(folder) == [folder / "data/flight 1.npy"]
    (folder / "collection.json").write_text(json.dumps({**catalog, "type": "Collection"}))
    assert scene_in(folder) == [folder / "data/flight 1.npy"]


def test_either_half_of_an_envi_scene_finds_the_other(tmp_path: Path) -> None:
    folder = write_stac_scene(tmp_path / "stage", **with_asset(href="../data/scene.img"))
    header, binary = write_envi(folder / "data", small_scene())
    assert set(scene_in(folder)) == {header, binary}
    assert inspect_input(Request(files_in([folder]), {}, {})).document["input"]["format"] == "ENVI"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (with_asset(href="https://data.example/cube.npy"), "https://data.example/cube.npy.*only files beside it"),
        (with_asset(href="s3://bucket/cube.npy"), "only files beside it"),
        (with_asset(href="file:///etc/passwd"), "only files beside it"),
        (with_asset(href="/etc/passwd"), "only files beside it"),
        (with_asset(href="/vsicurl/https://data.example/cube.tif"), "only files beside it"),
        (with_asset(href="C:\\cube.npy"), "only files beside it"),
        (with_asset(href="../../secret.npy"), "not in the folder"),
        (with_asset(href="%2e%2e/%2e%2e/secret.npy"), "not in the folder"),
        (with_asset(href="../data/gone.npy"), "not in the folder"),
        (with_asset(href=5), "without an href"),
        ({"assets": {}}, "no asset"),
        ({"assets": None}, "no asset"),
        ({"type": "Collection"}, "found 0"),
        (
            {"assets": {name: {"href": f"../data/{name}.npy"} for name in ("flight 1", "picture")}},
            "one scene at a time: found 2",
        ),
    ],
)
def test_what_leads_elsewhere_or_nowhere_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    np.save(tmp_path / "secret.npy", small_scene())
    folder = write_stac_scene(tmp_path / "stage", **changes)
    with pytest.raises(SceneFormatError, match=words):
        checked_task(Request(files_in([folder]), {}, {}))


def test_several_items_are_refused(tmp_path: Path) -> None:
    folder = write_stac_scene(tmp_path / "stage")
    (folder / "flight/second.json").write_text(json.dumps(ITEM))
    (folder / "catalog.json").unlink()
    with pytest.raises(SceneFormatError, match=r"found 2 \(flight.json, second.json\)"):
        scene_in(folder)


def test_catalogs_that_lead_in_circles_or_into_depths_end(tmp_path: Path) -> None:
    folder = write_stac_scene(tmp_path / "stage")
    catalog = json.loads((folder / "catalog.json").read_text())
    catalog["links"] += [{"rel": "child", "href": "catalog.json"}, {"rel": "parent", "href": "https://data.example"}]
    (folder / "catalog.json").write_text(json.dumps(catalog))
    (folder / "deep.json").write_text("[" * 100_000)
    assert scene_in(folder) == [folder / "data/flight 1.npy"]


def test_other_json_beside_a_scene_is_no_catalog(tmp_path: Path) -> None:
    np.save(tmp_path / "scene.npy", small_scene())
    (tmp_path / "catalog.json").write_text('{"type": "Catalog"}')
    files = [tmp_path / "catalog.json", tmp_path / "scene.npy"]
    assert stac_scene(files) is None
    assert list(checked_task(Request(files, {}, {})).paths) == [tmp_path / "scene.npy"]


def test_a_zip_of_a_folder(tmp_path: Path) -> None:
    folder = write_stac_scene(tmp_path / "stage")
    (tmp_path / "upload").mkdir()
    with zipfile.ZipFile(tmp_path / "upload/stage.zip", "w") as archive:
        for path in files_in([folder]):
            archive.write(path, path.relative_to(tmp_path))
    task = checked_task(Request(unpack_files(tmp_path / "upload"), {}, {}))
    assert [path.name for path in task.paths] == ["flight 1.npy"]
    assert task.input.derived_from == "https://data.example/items/flight"
