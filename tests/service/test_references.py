"""Files by reference: fetched as they are, and from then on the same as an upload."""

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from model_store.settings import Settings
from model_store.stores import Stores
from tests.conftest import npy, serving, small_scene
from tests.service.test_bad_input import assert_nothing_left, assert_problem
from tests.service.web import Page, Web, web

SCENE = npy(small_scene())
FIELDS = {"method": "vca_fcls", "n_endmembers": 3}
LIMIT = 2 * len(SCENE)


@pytest.fixture
def site() -> Iterator[Web]:
    with web() as served:
        served.pages["/scenes/scene.npy"] = Page(SCENE)
        yield served


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that the operator opens to `file:`, with a scene in it and a secret beside it."""
    folder = tmp_path / "open"
    folder.mkdir()
    (folder / "scene.npy").write_bytes(SCENE)
    (tmp_path / "secret.npy").write_bytes(SCENE)
    return folder


@pytest.fixture
def near(settings: Settings, site: Web, folder: Path) -> Iterator[httpx.Client]:
    """A service whose operator names this machine, an object store and a folder."""
    named = {"outbound_allow": "127.0.0.0/8", "s3_endpoint": site.url("/store"), "file_folder": folder}
    with serving(settings.model_copy(update=named | {"max_upload_bytes": LIMIT})) as client:
        yield client


def post(service: httpx.Client, href: Any, **fields: Any) -> httpx.Response:
    return service.post("/unmix", json={"href": href, **FIELDS, **fields})


def test_a_scene_by_reference_is_the_job_of_its_upload(near: httpx.Client, site: Web) -> None:
    uploaded = near.post("/unmix", files={"file": ("scene.npy", SCENE)}, data=FIELDS)
    site.pages["/scene.npy?signature=1"] = Page(SCENE)
    referred = post(near, site.url("/scene.npy?signature=1"))
    assert referred.status_code == 202, referred.text
    assert referred.json()["jobID"] == uploaded.json()["jobID"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", True),
        ("?X-Amz-Signature=secret&X-Amz-Expires=60", True),
        ("?sv=2024-11-04&sr=b&sig=secret", True),
        ("?token=secret", False),
    ],
)
def test_the_results_lead_to_the_address_and_tell_no_secret(
    near: httpx.Client, site: Web, stores: Stores, query: str, told: bool
) -> None:
    site.pages[f"/scene.npy{query}"] = Page(SCENE)
    answer = post(near, site.url(f"/scene.npy{query}"))
    assert answer.status_code == 202, answer.text
    record = stores.jobs.get(answer.json()["jobID"])
    assert record.input.derived_from == (site.url("/scene.npy") if told else None)
    assert "secret" not in record.model_dump_json()


def test_where_it_comes_from_may_be_said(near: httpx.Client, site: Web, stores: Stores) -> None:
    own = "https://data.example/items/7"
    answer = post(near, site.url("/scenes/scene.npy"), derived_from=own)
    assert stores.jobs.get(answer.json()["jobID"]).input.derived_from == own


def test_nothing_is_sent_with_a_request_but_what_it_needs(
    near: httpx.Client, site: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    site.pages["/a.npy"] = Page(status=302, headers={"Location": "/scenes/scene.npy", "Set-Cookie": "who=me"})
    assert post(near, site.url("/a.npy")).status_code == 202
    for asked in site.asked:
        assert {name.lower() for name in asked.headers} == {
            "host",
            "user-agent",
            "accept",
            "accept-encoding",
            "connection",
        }
        assert asked.headers["Accept-Encoding"] == "identity"


def test_a_header_and_its_binary_come_by_two_addresses(near: httpx.Client, site: Web) -> None:
    cube = small_scene()
    header = "ENVI\nsamples = 20\nlines = 20\nbands = 30\ndata type = 4\ninterleave = bip\nbyte order = 0\n"
    site.pages |= {"/scene.hdr": Page(header.encode()), "/scene.img": Page(cube.tobytes())}
    answer = near.post("/inspect", json={"href": [site.url("/scene.hdr"), site.url("/scene.img")]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["input"]["files"] == ["scene.hdr", "scene.img"]


def test_library_and_mask_come_by_reference_too(near: httpx.Client, site: Web) -> None:
    rows = [["name", *map(str, range(30))], *([f"m{number}"] + ["0.3"] * 30 for number in range(3))]
    site.pages |= {
        "/lib.csv": Page("\n".join(map(",".join, rows)).encode()),
        "/mask.npy": Page(npy(np.ones((20, 20), dtype=np.uint8))),
    }
    answer = near.post(
        "/unmix",
        json={
            "file": {"href": site.url("/scenes/scene.npy"), "type": "application/octet-stream"},
            "library": [{"href": site.url("/lib.csv")}],
            "mask": {"href": site.url("/mask.npy"), "filename": "used.npy"},
            **FIELDS,
        },
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["inputs"]["library"] == ["lib.csv"]
    assert answer.json()["inputs"]["mask"] == "used.npy"


def test_an_address_without_a_file_name_takes_one_beside_it(near: httpx.Client, site: Web) -> None:
    site.pages["/download?id=7"] = Page(SCENE)
    answer = near.post("/inspect", json={"href": site.url("/download?id=7"), "filename": "mine.npy"})
    assert answer.json()["input"]["files"] == ["mine.npy"]


def test_an_object_is_read_from_the_store_that_is_set(near: httpx.Client, site: Web) -> None:
    site.pages["/store/bucket/a%20scene.npy"] = Page(SCENE)
    answer = near.post("/inspect", json={"href": "s3://bucket/a scene.npy"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["input"]["files"] == ["a scene.npy"]
    for href in ("s3://bucket", "s3://bucket/../other/x.npy", "s3:///x.npy"):
        assert_problem(post(near, href), 422, ["s3://bucket/key"])


def test_a_file_below_the_open_folder_is_read_and_no_other(
    near: httpx.Client, settings: Settings, folder: Path, tmp_path: Path
) -> None:
    assert near.post("/inspect", json={"href": f"file://{folder}/scene.npy"}).status_code == 200
    (folder / "link.npy").symlink_to(tmp_path / "secret.npy")
    os.mkfifo(folder / "pipe.npy")
    inside = [f"file://{folder}/link.npy", f"file://{folder}/../secret.npy", f"file://{folder}/%2e%2e/secret.npy"]
    for href in [
        *inside,
        f"file://{folder}",
        f"file://{folder}/pipe.npy",
        f"file://host{folder}/scene.npy",
        f"file://{folder}/not%00here.npy",
    ]:
        assert_problem(post(near, href, filename="a.npy"), 422, [href[:40], "no file in the folder"])
    assert_nothing_left(near, settings)


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_above_the_limit_of_uploads_is_refused(
    near: httpx.Client, site: Web, settings: Settings, *, announced: bool
) -> None:
    page = Page(SCENE * 3) if announced else Page(SCENE * 3, headers={"Content-Length": ""})
    site.pages["/large.npy"] = page
    href = site.url("/large.npy")
    assert_problem(post(near, href), 413, [href, str(LIMIT)])
    site.pages["/two.npy"] = Page(SCENE + b"more")
    assert_problem(post(near, [site.url("/scenes/scene.npy"), site.url("/two.npy")]), 413, ["/two.npy"])
    assert_nothing_left(near, settings)


ANSWERS: dict[str, tuple[Page, list[str]]] = {
    "not there": (Page(b"inner secret", 404), ["status 404"]),
    "forbidden": (Page(b"inner secret", 403), ["status 403"]),
    "empty": (Page(), ["empty"]),
    "packed on its way": (Page(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}), ["Content-Encoding", "gzip"]),
    "shorter than announced": (Page(b"abc", headers={"Content-Length": "9"}), ["no complete HTTP"]),
    "redirected in a circle": (Page(status=302, headers={"Location": "/x.npy"}), ["more than 5"]),
    "redirected to nowhere": (Page(status=302), ["redirect"]),
}


@pytest.mark.parametrize("row", ANSWERS)
def test_an_answer_that_is_no_file_is_told_with_its_address(
    near: httpx.Client, site: Web, settings: Settings, row: str
) -> None:
    site.pages["/x.npy"], words = ANSWERS[row]
    problem = assert_problem(post(near, site.url("/x.npy")), 422, [site.url("/x.npy"), *words])
    assert "secret" not in problem["detail"]
    assert_nothing_left(near, settings)


def test_bodies_that_name_no_file_are_told_so(near: httpx.Client, site: Web, settings: Settings) -> None:
    href = site.url("/scenes/scene.npy")
    for body, words in (
        ({"href": 7}, ["href"]),
        ({"href": []}, ["href"]),
        ({"href": href, "file": {"href": href}}, ["not both"]),
        ({"library": {"href": href}}, ["the scene"]),
        ({"href": href, "no_such_field": 1}, ["no_such_field"]),
        ({"href": href, "n_endmembers": [3]}, ["n_endmembers"]),
        ({"href": [href, href]}, ["two files", "scene.npy"]),
        ({"href": [href] * 17}, ["17 files", "16"]),
        ({"href": href, "filename": ".."}, ["file name"]),
        ({"file": {"link": href}}, ["href"]),
    ):
        assert_problem(near.post("/unmix", json=body), 422, words)
    assert_nothing_left(near, settings)


def test_a_zip_by_reference_is_read_as_an_uploaded_one(near: httpx.Client, site: Web) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inside/scene.npy", SCENE)
    site.pages["/scene.zip"] = Page(packed.getvalue())
    assert near.post("/inspect", json={"href": site.url("/scene.zip")}).status_code == 200
