"""``results.zip``: all files of a result, made while it is sent."""

import io
import json
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest

from model_store.stores import Stores
from service.archives import CHUNK_BYTES, zipped
from tests.conftest import npy, small_scene
from tests.service.test_http import finish, post


def files_in(folder: Path, **contents: bytes) -> dict[str, Path]:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name.replace("_", "."): folder / name for name in contents}


def test_the_archive_holds_the_document_and_every_asset(service: httpx.Client, stores: Stores) -> None:
    job_id = post(service).json()["jobID"]
    finish(stores, job_id)
    links = service.get(f"/jobs/{job_id}").json()["links"]
    url = next(link["href"] for link in links if link["type"] == "application/zip")
    answer = service.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"] == f'attachment; filename="{job_id}.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["result.json", "maps.npy"]
        assert archive.read("maps.npy") == bytes(range(100))
        assert json.loads(archive.read("result.json"))["assets"]["maps.npy"]["href"] == "maps.npy"


def test_the_archive_knows_no_ranges_and_its_head_no_body(service: httpx.Client, stores: Stores) -> None:
    job_id = post(service).json()["jobID"]
    finish(stores, job_id)
    part = service.get(f"/jobs/{job_id}/results.zip", headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.headers["accept-ranges"]) == (200, "none")
    head = service.head(f"/jobs/{job_id}/results.zip")
    assert (head.status_code, head.content, head.headers["content-type"]) == (200, b"", "application/zip")


def test_there_is_no_archive_of_a_job_without_results(service: httpx.Client, stores: Stores) -> None:
    job_id = post(service).json()["jobID"]
    assert service.get(f"/jobs/{job_id}/results.zip").status_code == 404
    finish(stores, job_id)
    stores.results.remove(job_id)
    assert service.get(f"/jobs/{job_id}/results.zip").status_code == 404
    assert service.get("/jobs/nobody/results.zip").status_code == 404


def test_texts_are_compressed_and_maps_are_not(tmp_path: Path) -> None:
    files = files_in(tmp_path, table_csv=b"1,2,3\n" * 1000, maps_npy=npy(np.zeros((50, 50))))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(zipped(files))))
    kinds = {info.filename: info.compress_type for info in archive.infolist()}
    assert kinds == {"table.csv": zipfile.ZIP_DEFLATED, "maps.npy": zipfile.ZIP_STORED}


def test_files_beyond_the_limit_of_zip_get_the_larger_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if 4 GiB were 1000 bytes: files of the real size take half a minute.
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    content = b"".join(zipped(files_in(tmp_path, a_npy=bytes(3000), b_npy=b"short")))
    assert b"PK\x06\x06" in content  # the end of a ZIP64 directory
    monkeypatch.undo()
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    assert (archive.read("a.npy"), archive.read("b.npy")) == (bytes(3000), b"short")


def test_the_archive_comes_in_pieces_and_outlives_the_removal_of_its_files(tmp_path: Path) -> None:
    files = files_in(tmp_path, a_npy=bytes(3 * CHUNK_BYTES), b_npy=npy(small_scene()))
    pieces = zipped(files)
    first = next(pieces)
    for path in files.values():
        path.unlink()
    rest = list(pieces)
    assert max(len(piece) for piece in (first, *rest)) < 1.5 * CHUNK_BYTES
    assert zipfile.ZipFile(io.BytesIO(first + b"".join(rest))).testzip() is None
