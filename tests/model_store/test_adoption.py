"""A queue that was lost is filled again from the data folder; a queue of another folder is refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from model_store.adoption import ID_KEY, adopt, claim_queue, id_file, require_same
from model_store.errors import DataFolderMismatchError
from model_store.records import JobError, JobRecord, JobStatus, now
from model_store.settings import Settings
from model_store.stores import Stores
from tests.conftest import record


def uploaded(stores: Stores, work: str) -> JobRecord:
    """An accepted job with its upload."""
    job = stores.jobs.reserve(record(work))
    stores.inputs.of(job.id).mkdir(parents=True)
    return job


def store_results(stores: Stores, job: JobRecord) -> None:
    with stores.results.writing(job.id) as folder:
        (folder / "result.json").write_text("{}")


def read(stores: Stores, job: JobRecord) -> JobRecord:
    found = stores.jobs.get(job.id)
    assert found is not None
    return found


def test_an_emptied_queue_knows_every_job_again(settings: Settings, stores: Stores) -> None:
    adopt(stores)
    waiting, running, done, failed, dismissed, removed, unsaid = (uploaded(stores, f"work {n}") for n in range(7))
    assert stores.jobs.start(running.id)
    store_results(stores, done)
    assert stores.jobs.succeed(done.id, stores.jobs.start(done.id) or 0)
    assert stores.jobs.fail(failed.id, stores.jobs.start(failed.id) or 0, JobError(kind="SpecError", detail="no ä"))
    assert stores.jobs.dismiss(dismissed.id)
    assert stores.jobs.dismiss(removed.id)
    assert stores.jobs.remove(removed.id)
    assert stores.jobs.start(unsaid.id)
    store_results(stores, unsaid)  # and its worker dies before it says so
    before = {job.id: read(stores, job) for job in (waiting, done, failed, dismissed)}

    stores.redis.flushall()
    adopt(stores)

    after = {job_id: stores.jobs.get(job_id) for job_id in before}
    lost = {"message": "the queue was lost; waiting for a worker"}
    assert after == before | {waiting.id: before[waiting.id].model_copy(update=lost)}
    again = read(stores, running)
    assert (again.status, again.attempts, again.progress) == (JobStatus.ACCEPTED, 1, 0)
    assert read(stores, unsaid).status is JobStatus.SUCCESSFUL
    assert stores.jobs.get(removed.id) is None
    page, total = stores.jobs.page(limit=10, offset=0)
    assert [job.id for job in page] == [job.id for job in (unsaid, dismissed, failed, done, running, waiting)]
    assert total == 6
    assert set(stores.jobs.ended_before(now())) == {unsaid.id, dismissed.id, failed.id, done.id}
    assert stores.jobs.ended_before(now() - timedelta(hours=1)) == []
    # Equal work is known again; what failed or was dismissed may be done again.
    holders = [stores.jobs.reserve(record(f"work {n}")).id for n in range(7)]
    assert holders[:3] == [waiting.id, running.id, done.id]
    assert set(holders[3:6]).isdisjoint(before)
    assert holders[6] == unsaid.id


def test_a_queue_that_lost_its_last_second_learns_how_jobs_ended(settings: Settings, stores: Stores) -> None:
    adopt(stores)
    job = uploaded(stores, "work")
    attempt = stores.jobs.start(job.id) or 0
    earlier = stores.redis.dump(f"unmix:job:{job.id}")
    assert earlier is not None
    assert stores.jobs.succeed(job.id, attempt)
    stores.redis.restore(f"unmix:job:{job.id}", 0, earlier, replace=True)
    stores.redis.zrem("unmix:jobs:successful", job.id)
    stores.redis.zadd("unmix:jobs:running", {job.id: 1.0})
    assert read(stores, job).status is JobStatus.RUNNING
    adopt(stores)
    assert read(stores, job).status is JobStatus.SUCCESSFUL
    assert stores.jobs.ids(JobStatus.RUNNING) == []


def test_jobs_from_before_there_were_records_on_disk_get_them(settings: Settings, stores: Stores) -> None:
    job = uploaded(stores, "work")
    stores.jobs.files.remove(job.id)
    adopt(stores)
    assert stores.jobs.files.read(job.id) == job


def test_one_record_that_cannot_be_read_keeps_no_other_from_coming_back(settings: Settings, stores: Stores) -> None:
    jobs = [uploaded(stores, f"work {n}") for n in range(3)]
    (settings.data / "jobs" / f"{jobs[1].id}.json").write_text("{")
    stores.redis.flushall()
    adopt(stores)
    assert stores.jobs.ids() == [jobs[0].id, jobs[2].id]


def test_what_the_disk_did_not_take_was_never_accepted(
    settings: Settings, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("model_store.record_files.write_durably", no_room)
    with pytest.raises(OSError, match="No space"):
        stores.jobs.reserve(record())
    assert stores.jobs.ids() == []


def test_equal_work_leaves_one_record_on_disk(stores: Stores) -> None:
    job = stores.jobs.reserve(record())
    assert stores.jobs.reserve(record()).id == job.id
    assert stores.jobs.files.ids() == [job.id]


def test_two_data_folders_do_not_share_a_queue(settings: Settings, stores: Stores, tmp_path: Path) -> None:
    claim_queue(settings.data, stores.redis)
    claim_queue(settings.data, stores.redis)
    own = id_file(settings.data).read_text()
    with pytest.raises(DataFolderMismatchError, match=f"{own}.*no id.*--data.*REDIS_URL"):
        claim_queue(tmp_path / "new", stores.redis)
    assert not (tmp_path / "new").exists()
    stores.redis.set(ID_KEY, "f" * 32)
    with pytest.raises(DataFolderMismatchError, match=f"{'f' * 32}.*{own}"):
        require_same(settings.data, stores.redis)
