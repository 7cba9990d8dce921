"""The process that reads an upload is confined: besides computing it reads its own folder and writes there."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from service.reading.confinement import why_not_confined
from tests.conftest import REPOSITORY, wait_until
from tests.service import bombs
from tests.service.test_hostile_uploads import children_of, fork_server, post

pytestmark = pytest.mark.skipif(why_not_confined() is not None, reason=f"not here: {why_not_confined()}")

TRIAL = """
import os, socket, subprocess, sys
import unmixing
from pathlib import Path
from service.reading.confinement import confine
own, other = Path(sys.argv[1]), Path(sys.argv[2])
confine([own])
try:
    {action}
except PermissionError:
    print("refused")
else:
    print("done")
"""

REFUSED = {
    "write elsewhere": "(other / 'new').write_text('x')",
    "read another upload": "(other / 'upload').read_text()",
    "list another upload": "os.listdir(other)",
    "remove": "(other / 'upload').unlink()",
    "cut": "os.truncate(other / 'upload', 0)",
    "move away": "(own / 'file').rename(other / 'file')",
    "move in": "(other / 'upload').rename(own / 'upload')",
    "a connection": "socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
    "a datagram": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "the queue's socket": "socket.socket(socket.AF_UNIX)",
    "a program": "subprocess.run(['/bin/true'])",
    "a signal to the parent": "os.kill(os.getppid(), 0)",
    "the environment of the parent": "Path(f'/proc/{os.getppid()}/environ').read_bytes()",
}
DONE = {
    "write": "(own / 'new').write_text('x')",
    "make a folder": "(own / 'folder').mkdir()",
    "move": "(own / 'file').rename(own / 'moved')",
    "remove": "(own / 'file').unlink()",
    "import": "import unmixing.io.formats.geotiff, zoneinfo, h5py",
    "how much memory there is": "Path('/proc/self/status').read_text()",
}


@pytest.mark.parametrize(
    ("action", "answer"),
    [(REFUSED[name], "refused") for name in REFUSED] + [(DONE[name], "done") for name in DONE],
    ids=[*REFUSED, *(f"{name} in its own" for name in DONE)],
)
def test_what_it_may_do(tmp_path: Path, action: str, answer: str) -> None:
    for name in ("own", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "own" / "file").touch()
    (tmp_path / "other" / "upload").write_text("a secret")
    code = TRIAL.format(action=action)
    command = [sys.executable, "-c", code, str(tmp_path / "own"), str(tmp_path / "other")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.stdout.strip() == answer, done.stderr


def test_readers_are_confined(service: httpx.Client) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(post, service, "slow.csv", bombs.short_lines(500_000), n_sources="2")
        wait_until(lambda: [pid for pid in children_of(fork_server()) if "Seccomp:\t2" in status_of(pid)], 20)
        assert answer.result().status_code == 202


def status_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/status").read_text()
    except OSError:
        return ""
