"""Faults at random moments, in rounds, on real processes: no accepted job is lost, stuck or wrong, nothing is left.

``UNMIX_FAULT_ROUNDS=30`` plays 30 rounds of each in the place of one.
"""

import os
import shutil
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from model_store.settings import Settings
from tests.faults import clock
from tests.faults.conftest import TALLY
from tests.faults.faults import FAULTS_OF_CLUSTER, FAULTS_OF_DISK, FAULTS_OF_TREE, jump
from tests.faults.rounds import END_SECONDS, Client, Fault, Tally, assert_no_leftovers, judge, play
from tests.faults.systems import QUICK, Cluster, System, Tree, running

ROUNDS = int(os.environ.get("UNMIX_FAULT_ROUNDS", "1"))

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not there"),
    pytest.mark.timeout(300 + 60 * ROUNDS),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(Tree(settings_in(tmp_path_factory.mktemp("tree")))) as system:
        yield system


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(Cluster(settings_in(tmp_path_factory.mktemp("cluster")), n_services=2, n_workers=3)) as system:
        yield system


def settings_in(folder: Path) -> Settings:
    (folder / "data").mkdir()
    return Settings(data=folder / "data").model_copy(update=QUICK)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Settings]:
    """Settings whose data folder is a disk of 16 MiB."""
    settings = settings_in(tmp_path)
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(settings.data)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield settings
    finally:
        subprocess.run(["umount", "-l", str(settings.data)], check=True)


def play_rounds(
    system: System, name: str, fault: Fault, record_property: pytest.Function, may_fail: tuple[str, ...] = ()
) -> None:
    """The rounds of one fault, their row for the table, and what must hold."""
    tally, rng = Tally(), np.random.default_rng(zlib.crc32(name.encode()))
    try:
        for _ in range(ROUNDS):
            play(system, fault, rng, tally, may_fail)
    finally:
        record_property(TALLY, (name, *tally.row))
    assert (tally.lost, tally.stuck, tally.corrupt) == (0, 0, 0), tally.notes
    assert tally.finished + tally.failed == tally.accepted


@pytest.mark.parametrize("name", FAULTS_OF_TREE)
def test_a_tree(tree: System, name: str, record_property) -> None:
    play_rounds(tree, name, FAULTS_OF_TREE[name], record_property)


@pytest.mark.parametrize("name", FAULTS_OF_CLUSTER)
def test_a_cluster(cluster: System, name: str, record_property) -> None:
    play_rounds(cluster, name, FAULTS_OF_CLUSTER[name], record_property)


@pytest.mark.parametrize("name", FAULTS_OF_DISK)
def test_a_disk(small_disk: Settings, name: str, record_property) -> None:
    with running(Cluster(small_disk)) as system:
        play_rounds(system, name, FAULTS_OF_DISK[name], record_property, may_fail=("/problems/storage-full",))


def test_clock_jumps(tmp_path: Path, record_property) -> None:
    (tmp_path / "clock").write_text("0")
    with running(Cluster(settings_in(tmp_path), extra={clock.VARIABLE: str(tmp_path / "clock")})) as system:
        play_rounds(system, "clock jumps", jump, record_property)


def test_a_poison_job(cluster: System, record_property) -> None:
    """It kills its work-horse, then its worker; it fails after that, and the others are done."""
    tally, rng = Tally(), np.random.default_rng(0)
    client = Client(cluster.urls, rng)
    for _ in range(ROUNDS):
        poison, others = client.post("poison"), [client.post() for _ in range(3)]
        deadline = time.monotonic() + END_SECONDS
        while client.get(f"/jobs/{poison.job_id}").json()["status"] in ("accepted", "running"):
            assert time.monotonic() < deadline
            cluster.start()  # as whoever supervises the workers
            time.sleep(0.2)
        for job in (poison, *others):
            judge(client, job, tally, deadline, ("/problems/worker-lost",))
        tally.rounds, tally.accepted = tally.rounds + 1, tally.accepted + 4
        assert "died in 2 attempts" in client.get(f"/jobs/{poison.job_id}").json()["error"]["detail"]
        assert_no_leftovers(cluster)
    client.close()
    record_property(TALLY, ("poison job", *tally.row))
    assert (tally.failed, tally.finished, tally.lost, tally.stuck, tally.corrupt) == (ROUNDS, 3 * ROUNDS, 0, 0, 0)
