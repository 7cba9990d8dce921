"""The object store: keys, folders, models of other machines, and what is said when it does not answer."""

import logging
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from model_store.adoption import adopt, claim_queue, require_same
from model_store.api_keys import ApiKeys
from model_store.errors import DataFolderMismatchError, ObjectStoreError, UnknownModelError
from model_store.forked import run_forked
from model_store.models import ModelStore
from model_store.objects import Objects
from model_store.records import JobStatus
from model_store.results import ResultStore
from model_store.settings import Settings
from model_store.stores import Stores, keys_of, open_stores
from supervision.environment import environment_of
from tests.conftest import REPOSITORY, record, serving, stored_model, wait_until
from unmixing.io.products.document import write_document


@pytest.fixture
def objects(s3_endpoint: str) -> Objects:
    return Objects(f"s3://unmix/{uuid.uuid4().hex}", s3_endpoint)


@pytest.fixture
def shared(settings: Settings, objects: Objects, s3_endpoint: str) -> Settings:
    """Settings of a service or worker that keeps everything in the object store."""
    return settings.model_copy(update={"object_store": objects.url, "object_store_endpoint": s3_endpoint})


def elsewhere(shared: Settings, tmp_path: Path) -> Stores:
    """The stores of another machine."""
    return open_stores(shared.model_copy(update={"data": tmp_path / "elsewhere"}))


def test_keys_and_folders(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "a" / "deep" / "one").write_bytes(b"1" * 20_000_000)  # more than a chunk
    (tmp_path / "a" / "last").write_bytes(b"")
    objects.put_folder("folder", tmp_path / "a", last="last")
    objects.put("folders/other", b"not below it")
    assert objects.get("folder/last") == b""
    assert objects.get("folder/none") is None
    assert not objects.exists("folder/none")
    assert not objects.fetch("folder/none", tmp_path / "none")
    assert objects.fetch_folder("folder", tmp_path / "b")
    assert not objects.fetch_folder("nothing", tmp_path / "c")
    assert (tmp_path / "b" / "deep" / "one").read_bytes() == b"1" * 20_000_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert objects.put_new("id", b"mine")
    assert not objects.put_new("id", b"yours")
    objects.remove("folder")
    assert [(entry.key, entry.size) for entry in objects.listed("")] == [("folders/other", 12), ("id", 4)]
    objects.remove("never there")


@pytest.mark.parametrize("url", ["", "s3://", "http://unmix", "unmix/prefix"])
def test_an_address_that_names_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(ObjectStoreError, match="s3://bucket/prefix"):
        Objects(url)


def test_a_store_that_does_not_answer_is_said_without_its_address(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(ObjectStoreError) as raised:
        Objects("s3://unmix/x", "http://127.0.0.1:9").get("id")
    assert str(raised.value) == "the object store does not answer, or refuses; try again shortly"
    assert "127.0.0.1:9" in caplog.text


def test_models_and_results_are_there_for_another_machine(objects: Objects, tmp_path: Path) -> None:
    here, there = (ModelStore(tmp_path / name / "models", objects) for name in ("here", "there"))
    identifier = here.register(stored_model())
    assert there.load(identifier) == stored_model()
    assert [model.id for model in there.page(limit=5, offset=0)[0]] == [identifier]
    third = ModelStore(tmp_path / "third" / "models", objects)
    third.synchronize()
    assert ModelStore(tmp_path / "third" / "models").load(identifier) == stored_model()
    there.delete(identifier)
    with pytest.raises(UnknownModelError):
        here.get(identifier)
    third.synchronize()
    assert list((tmp_path / "third" / "models").iterdir()) == []

    with ResultStore(tmp_path / "here" / "results", objects).writing("job") as folder:
        (folder / "maps.npy").write_bytes(b"maps")
        write_document(folder, {"assets": {"maps.npy": {"href": "maps.npy", "type": "application/x-npy", "size": 4}}})
    results = ResultStore(tmp_path / "there" / "results", objects)
    asset = results.asset("job", "maps.npy")
    assert asset is not None
    assert asset.path.read_bytes() == b"maps"
    assert set(results.files("job")) == {"result.json", "maps.npy"}
    results.remove("job")
    assert objects.listed("results/") == []


def test_keys_are_there_for_another_machine(objects: Objects, tmp_path: Path) -> None:
    key, text = ApiKeys(tmp_path / "here" / "keys").create("from before there was a store")
    here, there = (ApiKeys(tmp_path / name / "keys", objects) for name in ("here", "there"))
    here.synchronize()
    assert not there.exist
    there.synchronize()
    assert there.holder(text) == key
    there.revoke(key.id)
    assert here.holder(text) == key
    here.synchronize()
    assert here.holder(text) is None
    assert [one.revoked is None for one in here.every()] == [False]
    there.create("made where others do not look")
    here.synchronize()
    assert len(here.every()) == 2


def test_a_service_answers_to_keys_that_were_made_elsewhere(shared: Settings, tmp_path: Path) -> None:
    elsewhere = keys_of(shared.model_copy(update={"data": tmp_path / "elsewhere"}))
    elsewhere.create()
    with serving(shared) as client:
        assert client.get("/jobs").status_code == 401
        key, text = elsewhere.create()
        wait_until(lambda: client.get("/jobs", headers={"X-API-Key": text}).status_code == 200, 20)
        elsewhere.revoke(key.id)
        wait_until(lambda: client.get("/jobs", headers={"X-API-Key": text}).status_code == 401, 20)


def test_a_public_address_is_protected_by_a_key_that_was_made_elsewhere(shared: Settings, tmp_path: Path) -> None:
    code = (
        "from model_store.settings import Settings; from supervision.supervisor import require_protected; "
        "require_protected(Settings(), '0.0.0.0')"
    )

    def asked() -> str:
        # As the supervisor does: in a process that has not asked the object store before, for it is forked.
        environment = os.environ | environment_of(shared) | {"PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-c", code]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stderr

    assert "UnprotectedAddressError" in asked()
    keys_of(shared.model_copy(update={"data": tmp_path / "elsewhere"})).create()
    assert asked() == ""


def test_results_that_were_half_stored_are_none(objects: Objects, tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "results", objects)
    objects.put("results/job/maps.npy", b"maps")  # and its worker died
    assert not store.exists("job")
    assert store.document("job") is None
    assert store.asset("job", "maps.npy") is None


def test_an_emptied_queue_is_filled_again_from_the_object_store(shared: Settings, tmp_path: Path) -> None:
    stores = open_stores(shared)
    adopt(stores)
    jobs = [stores.jobs.reserve(record(f"work {number}")) for number in range(3)]
    assert stores.jobs.start(jobs[1].id)
    assert stores.jobs.dismiss(jobs[2].id)
    assert not (shared.data / "jobs").exists()
    stores.redis.flushall()
    other = elsewhere(shared, tmp_path)
    adopt(other)
    assert [found.status for job in jobs if (found := other.jobs.get(job.id))] == [
        JobStatus.ACCEPTED, JobStatus.ACCEPTED, JobStatus.DISMISSED
    ]  # fmt: skip
    stores.redis.close()
    other.redis.close()


def test_a_queue_of_another_object_store_is_refused(shared: Settings, objects: Objects, s3_endpoint: str) -> None:
    stores = open_stores(shared)
    claim_queue(objects, stores.redis)
    require_same(objects, stores.redis)
    other = Objects(f"{objects.url}-other", s3_endpoint)
    with pytest.raises(DataFolderMismatchError, match=r"object store .* UNMIX_OBJECT_STORE"):
        require_same(other, stores.redis)
    stores.redis.close()


def test_a_fork_answers_or_says_why_not() -> None:
    assert run_forked(lambda: {"a": os.getpid()})["a"] != os.getpid()
    with pytest.raises(UnknownModelError, match="from the fork"):
        run_forked(_raise)
    with pytest.raises(ChildProcessError, match="status 3"):
        run_forked(lambda: os._exit(3))


def _raise() -> None:
    raise UnknownModelError("from the fork")
