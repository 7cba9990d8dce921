"""Nothing that is secret is told: not in logs, in lists of processes, in answers, nor in what is kept."""

import base64
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from model_store.api_keys import ApiKeys
from model_store.settings import Settings
from tests.conftest import npy, small_scene, wait_until
from tests.service.web import Page, Web, web
from tests.supervision.trees import Tree, free_port, serving, start_serve

TOKEN, SIGNATURE, PASSWORD = "t0ken-of-a-hook", "s1gnature-of-a-store", "passw0rd-of-a-queue"
SIGNING = base64.b64encode(b"the signing key of all webhooks.").decode()
ENVIRONMENT = {
    "UNMIX_WEBHOOK_SECRET": f"whsec_{SIGNING}",
    "UNMIX_OUTBOUND_ALLOW": "127.0.0.1",
    "UNMIX_WEBHOOK_RETRY_SECONDS": "0.1",
    "UNMIX_SWEEP_SECONDS": "0.1",
    "AWS_SECRET_ACCESS_KEY": SIGNATURE,
}
SCENE = npy(small_scene())
FIELDS = {"method": "vca_fcls", "n_endmembers": "3"}


@pytest.fixture
def site() -> Iterator[Web]:
    """Takes no message, and has a file."""
    with web() as served:
        served.pages[f"/hook?token={TOKEN}"] = Page(b"no", 500)
        served.pages[f"/scene.npy?X-Amz-Signature={SIGNATURE}"] = Page(SCENE)
        yield served


def command_lines(tree: Tree) -> str:
    """The processes of the service as everybody on the machine sees them."""
    pids = ",".join(str(pid) for pid in (tree.process.pid, *tree.children))
    return subprocess.run(["ps", "-o", "args=", "-ww", "-p", pids], capture_output=True, text=True, check=False).stdout


def told(answer: httpx.Response) -> str:
    return f"{answer.headers}{answer.text}"


def kept(data: Path) -> str:
    """Everything in the data folder but the messages that are still to be sent: they need their addresses."""
    files = [path for path in data.rglob("*") if path.is_file() and "webhooks" not in path.parts]
    return "\n".join(path.read_bytes().decode(errors="replace") for path in files)


def end_of(client: httpx.Client, job: httpx.Response) -> str:
    path = f"/jobs/{job.json()['jobID']}"
    wait_until(lambda: client.get(path).json()["status"] in ("successful", "failed"))
    return path


@pytest.mark.parametrize("fails", [False, True])
def test_no_secret_is_told(tmp_path: Path, site: Web, fails: bool) -> None:
    key, text = ApiKeys(Settings(data=tmp_path / "data").keys_folder).create("lab")
    environment = ENVIRONMENT | ({"UNMIX_JOB_MEMORY_BYTES": "1"} if fails else {})
    wrong = f"{text[:-1]}{'A' if text[-1] != 'A' else 'B'}"
    seen, lines = [], []
    with serving(tmp_path / "data", **environment) as tree:
        with httpx.Client(base_url=tree.url, headers={"X-API-Key": text}, timeout=60) as client:
            hook = f"http://127.0.0.1:{free_port()}/{TOKEN}" if fails else site.url(f"/hook?token={TOKEN}")
            posted = client.post("/unmix", data={**FIELDS, "webhook": hook}, files={"file": ("scene.npy", SCENE)})
            by_reference = {"href": site.url(f"/scene.npy?X-Amz-Signature={SIGNATURE}"), **FIELDS, "seed": 1}
            referred = client.post("/unmix", json=by_reference)
            lines.append(command_lines(tree))
            paths = [end_of(client, posted), end_of(client, referred)]
            assert client.get(paths[0]).json()["status"] == ("failed" if fails else "successful")
            wait_until(lambda: "attempt 2" in client.get(f"{paths[0]}/logs").text, 20)
            lines.append(command_lines(tree))
            asked = [path + end for path in paths for end in ("", "/results", "/logs")]
            seen += [client.get(path) for path in (*asked, "/jobs", "/models", "/readyz", "/metrics", "/openapi.json")]
            absent = {"href": f"http://127.0.0.1:{free_port()}/scene.npy?X-Amz-Signature={SIGNATURE}"}
            seen += [
                posted,
                referred,
                client.post("/unmix", json=absent),
                client.post("/unmix", files={"file": ("scene.npy", b"none")}),
            ]
            seen.append(httpx.get(f"{tree.url}/jobs", headers={"Authorization": f"Bearer {wrong}"}))
        log = tree.finish()
    assert seen[-1].status_code == 401
    places = {"log": log, "processes": "".join(lines), "answers": "".join(map(told, seen)), "files": kept(tree.data)}
    secrets = {
        "API key": text.rpartition("_")[2],
        "wrong key": wrong.rpartition("_")[2],
        "signing key": SIGNING,
        "token": TOKEN,
        "signature": SIGNATURE,
    }
    assert key.id in places["files"]
    found = [(name, place) for name, secret in secrets.items() for place, said in places.items() if secret in said]
    assert found == []


def test_the_password_of_a_queue_that_does_not_answer_is_not_told(tmp_path: Path) -> None:
    port = free_port()
    address = f"redis://:{PASSWORD}@127.0.0.1:{free_port()}/0"
    process = start_serve("--port", str(port), "--data", str(tmp_path / "data"), REDIS_URL=address)
    tree, said = Tree(process, f"http://127.0.0.1:{port}", tmp_path / "data"), ""
    try:
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline and "503" not in said:
            said += command_lines(tree)
            for path in ("/readyz", "/jobs", "/metrics"):
                try:
                    answer = httpx.get(tree.url + path, timeout=20)
                    said += f"{answer.status_code}{told(answer)}"
                except httpx.TransportError:
                    time.sleep(0.2)
    finally:
        said += tree.finish() if process.poll() is None else process.communicate()[0]
    assert "redis" in said.lower()
    assert PASSWORD not in said
    assert PASSWORD not in kept(tree.data)
