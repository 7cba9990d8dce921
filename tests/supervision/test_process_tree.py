"""The tree lives and dies together. Real processes, real signals."""

import os
import signal
import sys
from pathlib import Path

import httpx
import pytest
from redis import Redis

from supervision import process_tree
from supervision.process_tree import ProcessTree, Role
from supervision.supervisor import worker_queues
from tests.cli.conftest import make_tiny
from tests.conftest import wait_until
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
        assert len(pids) == 4  # queue, service, one training worker, one for models
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
    with serving(tmp_path / "data") as tree:
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
    with serving(data) as tree, queue_of(data) as redis:
        redis.set("kept", "yes")
        socket = Path(tree.data.joinpath("queue", "url").read_text().removeprefix("unix://"))
        assert socket.parent.stat().st_mode & 0o077 == 0
        assert redis.config_get("port") == {"port": "0"}
    with serving(data), queue_of(data) as redis:
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
    with serving(tmp_path / "data") as tree:
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
    tree = start("serve", "--port", port, "--data", data, "--workers", "0", REDIS_URL=queue_url)
    worker = start("worker", "--data", data, REDIS_URL=queue_url)
    try:
        wait_until(lambda: is_ready(f"http://127.0.0.1:{port}"), 30)
        assert len(descendants(tree.pid)) == 1  # the service alone
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
    assert worker.returncode == 2
    assert "unmix serve" in log
    assert log.count("\n") == 1


def test_a_vital_process_beyond_repair_ends_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_tree, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(process_tree, "POLL_SECONDS", 0.01)
    others = descendants(os.getpid())
    tree = ProcessTree({})
    tree.start(Role("sleeper", (sys.executable, "-c", "import time; time.sleep(60)")))
    tree.start(Role("doomed", (sys.executable, "-c", "raise SystemExit(3)"), vital=True))
    started = set(descendants(os.getpid())) - set(others)
    assert tree.run() is False
    tree.stop()
    assert_all_end(list(started))


def test_one_more_worker_than_asked_for_only_applies_models() -> None:
    queues = list(worker_queues(2).values())
    assert queues == [("train", "apply"), ("train", "apply"), ("apply",)]
    assert worker_queues(0) == {}
