"""kill -9 in mid-training: the job is tried again or failed, never running for ever, and the service lives on."""

import os
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from model_store.settings import Settings
from tests.conftest import long_training, wait_until, working


@pytest.fixture
def training(service: httpx.Client, worker: subprocess.Popen[bytes]) -> str:
    """URL of a job in mid-training."""
    fields, scene = long_training()
    url = f"/jobs/{service.post('/unmix', data=fields, files={'file': ('a.npy', scene)}).json()['jobID']}"
    wait_until(lambda: "epoch" in service.get(url).json()["message"])
    return url


def processes() -> list[tuple[int, int]]:
    """(process id, parent's id) of all that run; zombies do not."""
    listing = subprocess.run(["ps", "-Ao", "pid=,ppid=,stat="], capture_output=True, text=True, check=True)
    rows = [line.split() for line in listing.stdout.splitlines()]
    return [(int(pid), int(parent)) for pid, parent, state in rows if not state.startswith("Z")]


def horses_of(worker: subprocess.Popen[bytes]) -> list[int]:
    return [pid for pid, parent in processes() if parent == worker.pid]


def runs(pid: int) -> bool:
    return any(pid == other for other, _ in processes())


def test_a_killed_work_horse_is_replaced_once_then_the_job_fails(
    service: httpx.Client, worker: subprocess.Popen[bytes], training: str
) -> None:
    [first] = horses_of(worker)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: horses_of(worker) not in ([], [first]))
    wait_until(lambda: service.get(training).json()["status"] == "running")
    os.kill(horses_of(worker)[0], signal.SIGKILL)
    wait_until(lambda: service.get(training).json()["status"] == "failed")
    error = service.get(training).json()["error"]
    assert (error["type"], error["status"]) == ("/problems/worker-lost", 500)
    assert service.get("/readyz").status_code == 200


def test_a_killed_worker_takes_its_work_horse_along_and_another_takes_the_job(
    service: httpx.Client, worker: subprocess.Popen[bytes], training: str, settings: Settings
) -> None:
    [horse] = horses_of(worker)
    worker.kill()
    worker.wait()
    wait_until(lambda: not runs(horse), 10)
    wait_until(lambda: service.get(training).json()["status"] == "accepted")
    assert "died" in service.get(training).json()["message"]
    with working(settings):
        wait_until(lambda: service.get(training).json()["status"] == "running")
        assert service.delete(training).json()["status"] == "dismissed"


@pytest.mark.parametrize("by", ["command", "command, when it hangs", "lease"])
def test_delete_stops_a_running_job_for_real(
    service: httpx.Client,
    worker: subprocess.Popen[bytes],
    training: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    by: str,
) -> None:
    if by == "lease":  # RQ's command goes astray: the work-horse finds out by itself
        monkeypatch.setattr("service.queues.send_stop_job_command", lambda *args, **kwargs: None)
    [horse] = horses_of(worker)
    if by == "command, when it hangs":
        os.kill(horse, signal.SIGSTOP)
    assert service.delete(training).json()["status"] == "dismissed"
    wait_until(lambda: not runs(horse), 10 if by == "lease" else 3)
    assert service.get(training).json()["status"] == "dismissed"
    assert service.get(f"{training}/results").status_code == 404
    assert worker.poll() is None
    assert visible(settings.data / "results") == []
    assert visible(settings.data / "inputs") == []


def visible(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("[!.]*")]


def test_planned_stops_cost_a_job_none_of_its_attempts(
    service: httpx.Client, worker: subprocess.Popen[bytes], training: str, settings: Settings
) -> None:
    stop(worker)
    for _ in range(2):
        assert service.get(training).json()["status"] == "accepted"
        assert "stopped" in service.get(training).json()["message"]
        with working(settings) as next_worker:
            wait_until(lambda: service.get(training).json()["status"] == "running")
            wait_until(lambda: horses_of(next_worker))
            stop(next_worker)


def stop(worker: subprocess.Popen[bytes]) -> None:
    """As a supervisor does: to the worker and all its children at once."""
    horses = horses_of(worker)
    for pid in (*horses, worker.pid):
        os.kill(pid, signal.SIGTERM)
    assert worker.wait(15) == 0
    assert not any(runs(horse) for horse in horses)


def test_a_work_horse_that_hangs_is_killed_and_its_worker_free_again(
    service: httpx.Client, worker: subprocess.Popen[bytes], training: str
) -> None:
    [horse] = horses_of(worker)
    os.kill(horse, signal.SIGSTOP)
    wait_until(lambda: not runs(horse), 20)
    wait_until(lambda: service.get(training).json()["status"] == "running")
    assert worker.poll() is None
