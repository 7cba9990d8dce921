"""Models, results and folders: whole or not at all, and nothing outside their place."""

import json
import os
import time
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from model_store.errors import QueueUnavailableError, UnknownModelError, UnreadableModelError
from model_store.folders import appearing_folder, remove_folder, remove_leftovers
from model_store.models import ModelStore
from model_store.objects import Objects
from model_store.results import ResultStore
from model_store.settings import Settings, queue_url
from tests.conftest import stored_model
from tests.settings_table import PLACE, settings_table
from unmixing.errors import ModelParityError
from unmixing.io.products.document import write_document


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest) -> Objects | None:
    """Where the stores of a test keep things: None for their folder, or an empty place in an object store."""
    if request.param == "folder":
        return None
    return Objects(f"s3://unmix/{uuid.uuid4().hex}", request.getfixturevalue("s3_endpoint"))


def test_a_model_is_known_by_its_content(tmp_path: Path, objects: Objects | None) -> None:
    store = ModelStore(tmp_path / "models", objects)
    identifier = store.register(stored_model())
    assert store.register(stored_model()) == identifier
    assert store.load(identifier) == stored_model()
    assert store.get(identifier).size == len(stored_model().onnx)
    assert [path.name for path in (tmp_path / "models").iterdir()] == [identifier]


@pytest.mark.parametrize("parity", [1.01e-4, float("nan"), float("inf")])
def test_a_model_that_differs_from_its_training_is_refused(
    tmp_path: Path, parity: float, objects: Objects | None
) -> None:
    store = ModelStore(tmp_path / "models", objects)
    with pytest.raises(ModelParityError, match="0001"):
        store.register(stored_model(parity=parity))
    assert not (tmp_path / "models").exists()


def test_models_are_listed_newest_first(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    ids = [store.register(stored_model(n_bands)) for n_bands in (10, 20, 30)]
    for age, identifier in enumerate(ids):
        os.utime(tmp_path / identifier, (age, age))
    page, total = store.page(limit=2, offset=0)
    assert ([model.id for model in page], total) == ([ids[2], ids[1]], 3)
    store.delete(ids[2])
    assert store.page(limit=2, offset=0)[1] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(ids[:2])


@pytest.mark.parametrize("broken", ["manifest.json", "model.onnx", "{", "[]"])
def test_a_model_that_cannot_be_read_is_left_out_and_can_be_deleted(tmp_path: Path, broken: str) -> None:
    store = ModelStore(tmp_path)
    whole, other = store.register(stored_model(10)), store.register(stored_model(20))
    if broken.endswith(("json", "onnx")):
        (tmp_path / other / broken).unlink()
    else:
        (tmp_path / other / "manifest.json").write_text(broken)
    page, total = store.page(limit=10, offset=0)
    assert ([model.id for model in page], total) == ([whole], 2)
    with pytest.raises(UnreadableModelError, match=f"DELETE /models/{other}"):
        store.get(other)
    store.delete(other)
    assert store.page(limit=10, offset=0)[1] == 1


@pytest.mark.parametrize("moment", ["stat", "get"])
def test_a_model_deleted_while_models_are_listed_is_left_out(
    tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ModelStore(tmp_path)
    whole, gone = store.register(stored_model(10)), store.register(stored_model(20))
    ask = getattr(Path if moment == "stat" else ModelStore, moment)

    def delete_first(asked: object, *arguments: object, **options: object) -> object:
        if gone in (str(asked).rpartition("/")[2], *arguments):
            remove_folder(tmp_path / gone)
        return ask(asked, *arguments, **options)

    monkeypatch.setattr(Path if moment == "stat" else ModelStore, moment, delete_first)
    assert [model.id for model in store.page(limit=10, offset=0)[0]] == [whole]


@pytest.mark.parametrize("identifier", ["", "..", "../models", "0" * 31, "0" * 32, "Z" * 32, "/etc"])
def test_unknown_models(tmp_path: Path, identifier: str, objects: Objects | None) -> None:
    store = ModelStore(tmp_path / "models", objects)
    for ask in (store.get, store.load, store.delete):
        with pytest.raises(UnknownModelError):
            ask(identifier)


def test_results_open_only_what_they_list(tmp_path: Path, objects: Objects | None) -> None:
    store = ResultStore(tmp_path, objects)
    with store.writing("job") as folder:
        (folder / "maps.tif").write_bytes(b"maps")
        (folder / "secret").write_bytes(b"not listed")
        write_document(folder, {"assets": {"maps.tif": {"href": "maps.tif", "type": "image/tiff", "size": 4}}})
        assert not store.exists("job")
    asset = store.asset("job", "maps.tif")
    assert asset is not None
    assert asset.path.read_bytes() == b"maps"
    assert asset.media_type == "image/tiff"
    for name in ("secret", "result.json", "../job/maps.tif", "", "."):
        assert store.asset("job", name) is None
    assert store.document("other") is None
    store.remove("job")
    assert not store.exists("job")
    assert store.document("job") is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert objects is None or objects.listed("") == []


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def half_way() -> None:
        with appearing_folder(tmp_path / "a") as folder:
            (folder / "half").write_text("")
            raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        half_way()
    assert list(tmp_path.iterdir()) == []
    for content in ("first", "second"):
        with appearing_folder(tmp_path / "a") as folder:
            (folder / "file").write_text(content)
    assert (tmp_path / "a" / "file").read_text() == "first"
    remove_folder(tmp_path / "a")
    remove_folder(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_leftovers_are_removed_when_old_and_unwanted(tmp_path: Path) -> None:
    for name in ("old", "kept", "young", "written"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("")
    past = time.time() - 100
    for name in ("old", "kept", "written"):
        os.utime(tmp_path / name, (past, past))
        if name != "written":
            os.utime(tmp_path / name / "file", (past, past))
    assert remove_leftovers(tmp_path, lambda name: name == "kept", older_than_seconds=50) == ["old"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "written", "young"]
    assert remove_leftovers(tmp_path / "missing", lambda name: False, older_than_seconds=0) == []


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNMIX_PORT", "9000")
    monkeypatch.setenv("REDIS_URL", "redis://plain")
    assert Settings().port == 9000
    assert Settings().redis_url == "redis://plain"
    monkeypatch.setenv("UNMIX_REDIS_URL", "redis://ours")
    assert Settings().redis_url == "redis://ours"
    assert Settings(redis_url="redis://given").redis_url == "redis://given"


def test_the_queue_is_the_named_one_or_the_embedded_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.delenv("UNMIX_REDIS_URL", raising=False)
    settings = Settings(data=tmp_path)
    with pytest.raises(QueueUnavailableError, match=str(tmp_path)):
        queue_url(settings)
    settings.queue_url_file.parent.mkdir()
    settings.queue_url_file.write_text("unix:///tmp/socket\n")
    assert queue_url(settings) == "unix:///tmp/socket"
    assert queue_url(settings.model_copy(update={"redis_url": "redis://named"})) == "redis://named"


def test_a_manifest_survives_numbers_that_json_lacks(tmp_path: Path) -> None:
    model = stored_model()
    store = ModelStore(tmp_path)
    odd = replace(model, manifest=model.manifest.model_copy(update={"metrics": {"loss": [float("nan")]}}))
    text = (tmp_path / store.register(odd) / "manifest.json").read_text()
    assert json.loads(text)["metrics"] == {"loss": [None]}


def test_the_table_of_settings_is_that_of_the_code() -> None:
    assert PLACE.read_text("utf-8") == settings_table(), "python -m tests.settings_table writes it"
