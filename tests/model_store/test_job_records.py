"""The job records' promises, on a real server: one job per work, and no change that comes too late."""

import threading
import time
from datetime import timedelta

import pytest

from model_store.errors import InvalidTextError, UnreadableRecordError
from model_store.jobs import ENDED, Report
from model_store.records import JobError, JobStatus, now, work_key
from model_store.stores import Stores
from tests.conftest import poison, record
from unmixing.specs import InputSpec, UnmixSpec


def test_a_record_comes_back_as_it_was(stores: Stores) -> None:
    entered = record(model_id="abc", input=InputSpec(variable='a "quoted" näme'))
    assert stores.jobs.reserve(entered) == entered
    assert stores.jobs.get(entered.id) == entered
    assert stores.jobs.get("another") is None


def test_equal_work_is_one_job_until_it_fails(stores: Stores) -> None:
    first = stores.jobs.reserve(record())
    assert stores.jobs.reserve(record()).id == first.id
    attempt = stores.jobs.start(first.id)
    assert attempt == 1
    assert stores.jobs.reserve(record()).id == first.id
    stores.jobs.fail(first.id, attempt, JobError(kind="InternalError", detail="no luck"))
    second = stores.jobs.reserve(record())
    assert second.id != first.id
    # The failed job, removed only now, must not release what the second holds.
    assert stores.jobs.remove(first.id)
    assert stores.jobs.reserve(record()).id == second.id


def test_successful_work_is_not_done_again_until_it_is_removed(stores: Stores) -> None:
    first = stores.jobs.reserve(record())
    assert stores.jobs.succeed(first.id, stores.jobs.start(first.id) or 0)
    assert stores.jobs.reserve(record()).id == first.id
    assert stores.jobs.remove(first.id)
    assert stores.jobs.reserve(record()).id != first.id


def test_dismissed_work_may_be_done_again(stores: Stores) -> None:
    first = stores.jobs.reserve(record())
    assert stores.jobs.dismiss(first.id)
    assert stores.jobs.start(first.id) is None
    assert stores.jobs.reserve(record()).id != first.id


def test_many_at_once_are_one_job(stores: Stores) -> None:
    ids: list[str] = []
    threads = [threading.Thread(target=lambda: ids.append(stores.jobs.reserve(record()).id)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 1
    assert len(ids) == 16


def test_only_the_attempt_that_has_the_job_may_change_it(stores: Stores) -> None:
    job = stores.jobs.reserve(record())
    assert stores.jobs.start(job.id) == 1
    assert stores.jobs.start(job.id) is None
    assert stores.jobs.touch(job.id, 1, Report(40, "training", "training"))
    found = stores.jobs.get(job.id)
    assert found is not None
    assert stores.jobs.retry(found)
    assert not stores.jobs.retry(found)
    assert not stores.jobs.fail(job.id, 1, JobError(kind="InternalError", detail="too late"))
    assert stores.jobs.start(job.id) == 2
    assert not stores.jobs.touch(job.id, 1, Report(90, "training", "too late"))
    assert not stores.jobs.succeed(job.id, 1)
    assert not stores.jobs.fail(job.id, 1, JobError(kind="InternalError", detail=""))
    found = stores.jobs.get(job.id)
    assert found is not None
    assert (found.status, found.attempts, found.message) == (JobStatus.RUNNING, 2, "starting")
    assert stores.jobs.succeed(job.id, 2)


@pytest.mark.parametrize("status", ENDED)
def test_an_ended_job_stays_as_it_ended(stores: Stores, status: JobStatus) -> None:
    job = stores.jobs.reserve(record())
    attempt = stores.jobs.start(job.id) or 0
    end = {
        JobStatus.SUCCESSFUL: lambda: stores.jobs.succeed(job.id, attempt),
        JobStatus.FAILED: lambda: stores.jobs.fail(job.id, attempt, JobError(kind="X", detail="x")),
        JobStatus.DISMISSED: lambda: stores.jobs.dismiss(job.id),
    }
    assert end[status]()
    assert not any(change() for change in end.values())
    assert stores.jobs.start(job.id) is None
    found = stores.jobs.get(job.id)
    assert found is not None
    assert found.status is status
    assert found.finished is not None
    assert stores.jobs.alive([job.id]) == set()


def test_a_live_job_cannot_be_removed(stores: Stores) -> None:
    job = stores.jobs.reserve(record())
    assert not stores.jobs.remove(job.id)
    stores.jobs.start(job.id)
    assert not stores.jobs.remove(job.id)
    assert not stores.jobs.remove("unknown")


def test_pages_are_newest_first_and_can_be_filtered(stores: Stores) -> None:
    start = now()
    jobs = [stores.jobs.reserve(record(f"work {age}", created=start - timedelta(seconds=age))) for age in range(5)]
    stores.jobs.dismiss(jobs[2].id)
    page, total = stores.jobs.page(limit=2, offset=1)
    assert ([job.id for job in page], total) == ([jobs[1].id, jobs[2].id], 5)
    page, total = stores.jobs.page(JobStatus.ACCEPTED, limit=10, offset=0)
    assert ([job.id for job in page], total) == ([jobs[0].id, jobs[1].id, jobs[3].id, jobs[4].id], 4)
    assert stores.jobs.page(limit=10, offset=10) == ([], 5)


def test_a_lease_ends_unless_it_is_renewed(stores: Stores) -> None:
    stores.jobs._lease_ms = "150"
    job = stores.jobs.reserve(record())
    attempt = stores.jobs.start(job.id) or 0
    for _ in range(4):
        time.sleep(0.06)
        assert stores.jobs.touch(job.id, attempt)
    assert stores.jobs.alive([job.id]) == {job.id}
    time.sleep(0.3)
    assert stores.jobs.alive([job.id]) == set()


def test_ended_before_tells_by_the_time_of_ending(stores: Stores) -> None:
    job = stores.jobs.reserve(record())
    stores.jobs.dismiss(job.id)
    assert stores.jobs.ended_before(now() - timedelta(seconds=60)) == []
    assert stores.jobs.ended_before(now()) == [job.id]


def test_the_work_key_depends_on_everything_that_changes_the_result() -> None:
    spec = UnmixSpec(n_endmembers=3)
    same = work_key({"file": {"x": "a", "y": "b"}}, spec, None, InputSpec())
    assert work_key({"file": {"x": "b", "z": "a"}}, UnmixSpec(n_endmembers=3), None, InputSpec()) == same
    others = [
        work_key({"file": {"x": "a"}}, spec, None, InputSpec()),
        work_key({"file": {"x": "a", "y": "b"}}, spec, "model", InputSpec()),
        *(
            work_key({"file": {"x": "a", "y": "b"}}, spec, None, InputSpec(**said))
            for said in ({"variable": "Y"}, {"nodata": -9999.0}, {"rows": "0:9"}, {"wavelengths": (1.0, 2.0)})
        ),
        work_key({"file": {"x": "a", "y": "b"}, "mask": {"m": "c"}}, spec, None, InputSpec(mask="mask/m")),
        *(
            work_key({"file": {"x": "a", "y": "b"}}, spec.model_copy(update=change), None, InputSpec())
            for change in ({"seed": 1}, {"n_endmembers": 4}, {"method": "x"}, {"max_training_seconds": 5.0})
        ),
    ]
    assert len({same, *others}) == 1 + len(others)


def test_what_could_not_be_read_back_is_refused_before_it_is_stored(stores: Stores) -> None:
    with pytest.raises(InvalidTextError, match=r"input.*ud800"):
        stores.jobs.reserve(record(input=InputSpec.model_construct(variable="\ud800")))
    assert stores.jobs.ids() == []
    assert stores.jobs.files.ids() == []


def test_an_error_that_quotes_such_text_still_ends_its_job(stores: Stores) -> None:
    job = stores.jobs.reserve(record())
    error = JobError.of(ValueError("no file \udcff.npy"))
    assert stores.jobs.fail(job.id, stores.jobs.start(job.id) or 0, error)
    found = stores.jobs.get(job.id)
    assert found is not None
    assert found.error is not None
    assert found.error.detail == "no file ?.npy"


def test_one_record_that_cannot_be_read_hides_no_other(stores: Stores) -> None:
    poisoned, job = poison(stores), stores.jobs.reserve(record())
    page, total = stores.jobs.page(limit=10, offset=0)
    assert ([found.id for found in page], total) == ([job.id], 2)
    with pytest.raises(UnreadableRecordError, match=f"DELETE /jobs/{poisoned}"):
        stores.jobs.get(poisoned)
    # Equal work is not refused on its account.
    again = stores.jobs.reserve(record("poison"))
    assert again.id != poisoned
    assert not stores.jobs.remove(poisoned)
    assert stores.jobs.discard(poisoned)
    assert stores.jobs.get(poisoned) is None
    assert stores.jobs.page(limit=10, offset=0)[1] == 2
    assert not stores.jobs.files.exists(poisoned)
    assert stores.jobs.reserve(record("poison")).id == again.id
