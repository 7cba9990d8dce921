"""The tree lives and dies together. Real processes, real signals."""

import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import httpx
import pytest
from redis import Redis

from cli.errors import UNREACHABLE
from model_store.settings import Settings
from supervision import process_tree
from supervision.command import command
from supervision.environment import environment_of
from supervision.process_tree import ProcessTree, Role
from supervision.readiness import ready_pipe
from supervision.supervisor import listening, worker_queues
from tests.cli.conftest import make_tiny
from tests.conftest import REPOSITORY, long_training, wait_until
from tests.supervision.trees import descendants, free_port, is_alive, is_ready, serving, start, start_serve

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def assert_all_end(pids: list[int]) -> None:
    wait_until(lambda: not any(is_alive(pid) for pid in pids), 15)


def queue_of(data: Path) -> Redis:
    return Redis.from_url((data / "queue" / "url").read_text())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything_in_order(tmp_path: Path, number: signal.Signals) -> None:
    data = tmp_path / "with a space"
    with serving(data) as tree:
        pids = tree.children
        assert len(pids) == 5  # queue, service, the fork server of its readers, one training worker, one for models
        url = (data / "queue" / "url").read_text()
        log = tree.finish(number)
        assert tree.process.returncode == 0, log
        assert_all_end(pids)
        assert "service on http://127.0.0.1:" in log
        assert "stopped; everything is kept in" in log
        assert not (data / "queue" / "url").exists()
        assert not Path(url.removeprefix("unix://")).parent.exists()


def test_kill_9_of_the_parent_takes_the_children_along_and_the_next_start_is_clean(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as tree:
        pids = tree.children
        tree.finish(signal.SIGKILL)
        assert_all_end(pids)
    with serving(tmp_path / "data", "--workers", "0") as tree:
        assert is_ready(tree.url)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_job_in_training_ends_with_the_tree(tmp_path: Path, number: signal.Signals) -> None:
    scene = make_tiny(tmp_path / "tiny.npz")
    with serving(tmp_path / "data") as tree:
        idle = len(tree.children)
        with scene.open("rb") as file:
            answer = httpx.post(f"{tree.url}/unmix", files={"file": file}, data={"n_endmembers": "3"})
        assert answer.status_code == 202
        wait_until(lambda: len(tree.children) > idle, 30)  # the work-horse
        pids = tree.children
        tree.finish(number)
        assert_all_end(pids)


def test_the_queue_is_private_and_outlives_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data, "--workers", "0") as tree, queue_of(data) as redis:
        redis.set("kept", "yes")
        socket = Path(tree.data.joinpath("queue", "url").read_text().removeprefix("unix://"))
        assert socket.parent.stat().st_mode & 0o077 == 0
        assert redis.config_get("port") == {"port": "0"}
    with serving(data, "--workers", "0"), queue_of(data) as redis:
        assert redis.get("kept") == b"yes"


def test_a_killed_worker_service_or_queue_is_replaced(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as tree, queue_of(data) as redis:
        redis.set("kept", "yes")
        redis.execute_command("WAITAOF", 1, 0, 2000)
        before = tree.children
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len(set(tree.children) - set(before)) == 4, 30)
        wait_until(lambda: is_ready(tree.url), 30)
        with queue_of(data) as again:
            assert again.get("kept") == b"yes"


def test_two_on_one_data_folder_and_a_taken_port(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--workers", "0") as tree:
        second = start_serve("--port", str(free_port()), "--data", str(tree.data))
        log = second.communicate(timeout=30)[0]
        assert second.returncode == 2
        assert log.count("\n") == 1
        assert f"process {tree.process.pid}" in log
        port = tree.url.rpartition(":")[2]
        third = start_serve("--port", port, "--data", str(tmp_path / "other"))
        log = third.communicate(timeout=30)[0]
        assert third.returncode == 2
        assert f"127.0.0.1:{port}" in log
        assert "--port" in log
        assert is_ready(tree.url)


def test_a_redis_of_ones_own_and_a_worker_started_apart(tmp_path: Path, queue_url: str) -> None:
    data, port = str(tmp_path / "data"), str(free_port())
    with Redis.from_url(queue_url) as redis:
        redis.flushall()  # it belongs to the data folder of an earlier test
    tree = start("serve", "--port", port, "--data", data, "--workers", "0", REDIS_URL=queue_url)
    worker = start("worker", "--data", data, REDIS_URL=queue_url)
    try:
        wait_until(lambda: is_ready(f"http://127.0.0.1:{port}"), 30)
        assert len(descendants(tree.pid)) == 2  # the service and the fork server of its readers
        with Redis.from_url(queue_url) as redis:
            wait_until(lambda: redis.scard("rq:workers") >= 1, 30)
    finally:
        for process in (worker, tree):
            process.terminate()
            process.communicate(timeout=30)
    assert not (tmp_path / "data" / "queue").exists()
    assert (tree.returncode, worker.returncode) == (0, 0)


def test_a_worker_without_a_queue_says_how_to_get_one(tmp_path: Path) -> None:
    worker = start("worker", "--data", str(tmp_path))
    log = worker.communicate(timeout=30)[0]
    assert worker.returncode == UNREACHABLE
    assert "unmix serve" in log
    assert log.count("\n") == 1


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree that loses no time between crashes."""
    monkeypatch.setattr(process_tree, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(process_tree, "LONGEST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(process_tree, "POLL_SECONDS", 0.01)


@pytest.mark.usefixtures("quick")
def test_a_vital_process_that_never_starts_ends_the_tree(caplog: pytest.LogCaptureFixture) -> None:
    others = descendants(os.getpid())
    tree = ProcessTree({})
    tree.start(Role("sleeper", (sys.executable, "-c", "import time; time.sleep(60)")))
    tree.start(Role("doomed", (sys.executable, "-c", "raise SystemExit(3)"), ready=lambda: False))
    started = set(descendants(os.getpid())) - set(others)
    assert tree.run() is False
    tree.stop()
    assert_all_end(list(started))
    assert "doomed does not start" in caplog.text


@pytest.mark.usefixtures("quick")
def test_one_that_has_worked_once_is_started_again_for_ever(tmp_path: Path) -> None:
    log = tmp_path / "starts"
    crash = f"open({str(log)!r}, 'a').write('x'); raise SystemExit(3)"
    tree = ProcessTree({})
    tree.start(Role("service", (sys.executable, "-c", crash), ready=log.exists))
    outcome: list[bool] = []
    thread = threading.Thread(target=lambda: outcome.append(tree.run()))
    thread.start()
    wait_until(lambda: log.exists() and len(log.read_text()) > 2 * process_tree.MAX_START_CRASHES, 60)
    assert thread.is_alive()
    tree._stopping.set()
    thread.join()
    tree.stop()
    assert outcome == [True]


def test_a_service_tells_that_it_is_ready(settings: Settings) -> None:
    with listening("127.0.0.1", 0) as listener, ready_pipe() as pipe:
        inherited = (listener.fileno(), pipe.writer)
        assert not pipe.was_signalled()
        environment = {**os.environ, **environment_of(settings), "PYTHONPATH": str(REPOSITORY)}
        child = subprocess.Popen(command("service", *map(str, inherited)), pass_fds=inherited, env=environment)
        try:
            wait_until(pipe.was_signalled, 30)
            assert is_ready(f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            child.kill()
            child.wait()
        assert not pipe.was_signalled()


def test_serve_says_at_once_that_the_queue_is_anothers(tmp_path: Path, queue_url: str) -> None:
    with Redis.from_url(queue_url) as redis:
        redis.flushall()
        redis.set("unmix:data", "f" * 32)
        try:
            tree = start_serve("--port", str(free_port()), "--data", str(tmp_path / "data"), REDIS_URL=queue_url)
            log = tree.communicate(timeout=30)[0]
        finally:
            redis.flushall()
    assert tree.returncode == 2
    assert "f" * 32 in log
    assert "--data" in log


def test_planned_restarts_cost_a_job_none_of_its_attempts(tmp_path: Path) -> None:
    fields, scene = long_training()
    settings = {"UNMIX_SWEEP_SECONDS": "0.25", "UNMIX_STOP_GRACE_SECONDS": "0.3"}
    started: list[str] = []

    def trains_anew(url: str) -> bool:
        job = httpx.get(url).json()
        return "epoch" in job["message"] and job["started"] not in started

    path = ""
    for _ in range(3):
        with serving(tmp_path / "data", **settings) as tree:
            if not path:
                posted = httpx.post(f"{tree.url}/unmix", files={"file": ("scene.npy", scene)}, data=fields)
                path = f"/jobs/{posted.json()['jobID']}"
            wait_until(partial(trains_anew, tree.url + path))
            started.append(httpx.get(tree.url + path).json()["started"])
    assert len(started) == 3


def test_one_more_worker_than_asked_for_only_applies_models() -> None:
    queues = list(worker_queues(2).values())
    assert queues == [("train", "apply"), ("train", "apply"), ("apply",)]
    assert worker_queues(0) == {}
