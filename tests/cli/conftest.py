"""A scene small enough to train on in seconds, and ``unmix serve`` as users start it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from tests.conftest import REPOSITORY, wait_until

N_BANDS = 24
TRAINING_SECONDS = "2"

Command = Callable[..., Result]


@pytest.fixture
def unmix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Runs the command line in this process, in a folder of its own, without settings from outside."""
    for name in [*os.environ]:
        if name.startswith("UNMIX_") or name == "REDIS_URL":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def make_tiny(path: Path, seed: int = 0, n_bands: int = N_BANDS) -> Path:
    """14 x 12 pixels of three smooth spectra with pure pixels, its truth inside."""
    rng = np.random.default_rng(seed)
    bands = np.linspace(0.0, 1.0, n_bands)
    endmembers = np.stack([0.2 + 0.6 * np.exp(-(((bands - peak) / 0.2) ** 2)) for peak in (0.1, 0.5, 0.9)])
    abundances = rng.dirichlet([0.5, 0.5, 0.5], size=(14, 12))
    abundances[0, :3] = np.eye(3)
    cube = (abundances @ endmembers + 0.003 * rng.standard_normal((14, 12, n_bands))).astype(np.float32)
    wavelengths_nm = 400.0 + 1000.0 * bands
    names = np.array(["left", "middle", "right"])
    np.savez(
        path,
        cube=cube,
        wavelengths_nm=wavelengths_nm,
        endmembers=endmembers,
        abundances=abundances,
        names=names,
    )
    return path


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return make_tiny(tmp_path / "tiny.npz")


@dataclass(frozen=True)
class Tree:
    """A running ``unmix serve``."""

    process: subprocess.Popen[str]
    url: str
    data: Path

    @property
    def children(self) -> list[int]:
        return descendants(self.process.pid)

    def finish(self, number: signal.Signals = signal.SIGTERM) -> str:
        """Signal the parent, wait for its end, and return its log."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=30)[0]


@contextmanager
def serving(data: Path, *arguments: str) -> Iterator[Tree]:
    """``unmix serve`` on a free port, ready for requests."""
    port = free_port()
    process = start_serve("--port", str(port), "--data", str(data), *arguments)
    tree = Tree(process, f"http://127.0.0.1:{port}", data)
    try:
        wait_until(lambda: process.poll() is not None or is_ready(tree.url), 30)
        yield tree
    finally:
        if process.poll() is None:
            tree.finish()


def start_serve(*arguments: str) -> subprocess.Popen[str]:
    return start("serve", *arguments)


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """``unmix`` as a process of its own, with these settings and none from outside."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("UNMIX_") and name != "REDIS_URL"
    }
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", *arguments],
        env={**inherited, "PYTHONPATH": str(REPOSITORY), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_ready(url: str) -> bool:
    try:
        answer = httpx.get(f"{url}/readyz", timeout=2.0)
    except httpx.TransportError:
        return False
    return answer.status_code == 200


def descendants(pid: int) -> list[int]:
    """Children and their children, from /proc."""
    parents: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found = [*parents.get(pid, [])]
    for child in found:
        found += parents.get(child, [])
    return found


def is_alive(pid: int) -> bool:
    """A zombie has ended; only nobody has asked yet how."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
