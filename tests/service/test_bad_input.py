"""Each row of the list of bad input, through HTTP: its status, words that say what is wrong, nothing left."""

import io
import zipfile
from typing import Any

import httpx
import numpy as np
import pytest

from model_store.settings import Settings
from model_store.stores import Stores
from tests.conftest import npy, serving, small_scene, stored_model, wait_until

HEADER = (
    "ENVI\nsamples = {samples}\nlines = 20\nbands = 30\nheader offset = 0\ndata type = 4\n"
    "interleave = bip\nbyte order = 0\n"
)

CUBE = small_scene()
RAW = CUBE.tobytes()


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def pickled() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def envi(binary: bytes, samples: int = 20) -> list[tuple[str, bytes]]:
    return [("scene.hdr", HEADER.format(samples=samples).encode()), ("scene.img", binary)]


SCENES: dict[str, tuple[list[tuple[str, bytes]], list[str]]] = {
    "not a cube": ([("notes.npy", b"these are my notes")], ["notes.npy"]),
    "not a cube: two dimensions": ([("flat.npy", npy(CUBE[0]))], ["20", "30"]),
    "truncated .npy": ([("scene.npy", npy(CUBE)[:-100])], ["scene.npy"]),
    "truncated ENVI binary": (envi(RAW[:-100]), [str(len(RAW)), str(len(RAW) - 100)]),
    "header that lies about its size": (envi(RAW, samples=2000), [str(100 * len(RAW)), str(len(RAW))]),
    ".npy header that lies about its size": (
        [("scene.npy", npy(CUBE).replace(b"(20, 20, 30)", b"(90, 90, 90)"))],
        ["scene.npy"],
    ),
    "zip with ..": ([("scene.zip", zipped({"../evil.npy": npy(CUBE)}))], ["../evil.npy"]),
    "zip with an absolute path": ([("scene.zip", zipped({"/etc/evil.npy": npy(CUBE)}))], ["/etc/evil.npy"]),
    "zip with a ratio of 1000:1": ([("bomb.zip", zipped({"zeros.npy": bytes(50_000_000)}))], ["50000000"]),
    "pickled .npy": ([("objects.npy", pickled())], ["objects.npy"]),
    "all NaN": ([("nan.npy", npy(np.full_like(CUBE, np.nan)))], ["NaN"]),
    "constant": ([("constant.npy", npy(np.full_like(CUBE, 0.25)))], ["constant"]),
    "nowhere positive": ([("negative.npy", npy(-CUBE))], ["nowhere positive"]),
    "one band": ([("band.npy", npy(CUBE[:, :, :1]))], ["has 1"]),
    "several arrays": ([("scene.npz", npz(a=CUBE, b=CUBE))], ["a", "b", "variable"]),
}

FIELDS: dict[str, tuple[dict[str, str], int, list[str]]] = {
    "fewer pixels than endmembers": ({"n_endmembers": "5"}, 422, ["5", "4"]),
    "n_endmembers 0": ({"n_endmembers": "0"}, 422, ["n_endmembers", "'0'"]),
    "n_endmembers 1": ({"n_endmembers": "1"}, 422, ["n_endmembers", "'1'"]),
    "n_endmembers 300": ({"n_endmembers": "300"}, 422, ["n_endmembers", "'300'"]),
    "n_endmembers abc": ({"n_endmembers": "abc"}, 422, ["n_endmembers", "'abc'"]),
    "seed -1": ({"seed": "-1"}, 422, ["seed", "'-1'"]),
    "abundances of something else": (
        {"abundances_of": "volume"},
        422,
        ["abundances_of", "'area' or 'shape'", "volume"],
    ),
    "purity that is no truth": ({"pure_pixels": "maybe"}, 422, ["pure_pixels", "'maybe'"]),
    "no pure pixels for a method that needs them": (
        {"pure_pixels": "false", "method": "vca_fcls"},
        422,
        ["pure_pixels is false", "vca_fcls", "lpalm"],
    ),
    "no time to train": ({"max_training_seconds": "0"}, 422, ["max_training_seconds", "'0'"]),
    "unknown method": ({"method": "magic"}, 422, ["magic", "lpalm"]),
    "unknown model": ({"model": "00ff" * 8}, 404, ["00ff" * 8]),
    "model that is a path": ({"model": "../results"}, 404, ["../results"]),
    "unknown field": ({"endmember": "3"}, 422, ["'endmember'", "n_endmembers"]),
    "number where a file is wanted": ({"endmembers": "3"}, 422, ["'endmembers'", "file name", "n_endmembers"]),
    "unknown variable": ({"variable": "nope"}, 422, ["nope"]),
}


def assert_problem(response: httpx.Response, status: int, words: list[str]) -> dict[str, Any]:
    """It is a problem, exactly; its text names the values."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail"} <= set(problem)
    assert problem["status"] == status
    for word in words:
        assert word in problem["detail"], problem["detail"]
    return problem


def assert_nothing_left(service: httpx.Client, settings: Settings) -> None:
    assert service.get("/jobs").json()["jobs"] == []
    assert list((settings.data / "inputs").glob("*")) == []
    assert not (settings.data / "results").exists()


@pytest.mark.parametrize("row", SCENES)
def test_scene(service: httpx.Client, settings: Settings, row: str) -> None:
    files, words = SCENES[row]
    response = service.post("/unmix", files=[("file", part) for part in files])
    problem = assert_problem(response, 422, words)
    assert problem["type"] != "about:blank"
    assert_nothing_left(service, settings)


@pytest.mark.parametrize("row", FIELDS)
def test_field(service: httpx.Client, settings: Settings, row: str) -> None:
    fields, status, words = FIELDS[row]
    cube = CUBE[:2, :2] if row == "fewer pixels than endmembers" else CUBE
    scene = npz(cube=cube) if "variable" in fields else npy(cube)
    name = "scene.npz" if "variable" in fields else "scene.npy"
    response = service.post("/unmix", data=fields, files={"file": (name, scene)})
    assert_problem(response, status, words)
    assert_nothing_left(service, settings)


def test_model_for_other_bands(service: httpx.Client, settings: Settings, stores: Stores) -> None:
    model = stores.models.register(stored_model(n_bands=224))
    response = service.post("/unmix", data={"model": model}, files={"file": ("scene.npy", npy(CUBE))})
    problem = assert_problem(response, 422, ["30", "224"])
    assert problem["type"] == "/problems/band-mismatch"
    assert_nothing_left(service, settings)


def test_model_for_another_number_of_endmembers(service: httpx.Client, settings: Settings, stores: Stores) -> None:
    model = stores.models.register(stored_model(n_bands=30))
    fields = {"model": model, "n_endmembers": "5"}
    response = service.post("/unmix", data=fields, files={"file": ("scene.npy", npy(CUBE))})
    assert_problem(response, 422, ["n_endmembers", "5", "3"])
    assert_nothing_left(service, settings)


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
def test_file_over_the_limit(settings: Settings, announced: bool) -> None:
    limit = 100_000
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.npy"\r\n\r\n' + bytes(300_000)
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    with serving(settings.model_copy(update={"max_upload_bytes": limit})) as service:
        pieces = (body[start : start + 50_000] for start in range(0, len(body), 50_000))
        content = body if announced else pieces
        response = service.post("/unmix", content=content, headers=headers)
        assert_problem(response, 413, [str(limit)])
        assert_nothing_left(service, settings)


@pytest.mark.parametrize("kind", ["application/xml", "application/x-www-form-urlencoded", None])
def test_wrong_content_type(service: httpx.Client, settings: Settings, kind: str | None) -> None:
    response = service.post("/unmix", content=b"{}", headers={"Content-Type": kind} if kind else {})
    assert_problem(response, 415, [kind or "multipart/form-data"])
    assert_nothing_left(service, settings)


PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.npy"\r\n\r\n'

BODIES: dict[str, tuple[bytes, int, str]] = {
    "empty": (b"", 400, "closing boundary"),
    "ends early": (PART + b"some bytes", 400, "closing boundary"),
    "another boundary": (b"--y\r\n", 400, "not valid"),
    "no name": (b"--x\r\nContent-Disposition: form-data\r\n\r\nv\r\n--x--\r\n", 400, "name"),
    "no file": (b'--x\r\nContent-Disposition: form-data; name="seed"\r\n\r\n1\r\n--x--\r\n', 422, "'file'"),
    "file without a name": (
        b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nv\r\n--x--\r\n',
        422,
        "needs a file name",
    ),
    "file named ..": (PART.replace(b"a.npy", b"../..") + b"v\r\n--x--\r\n", 422, "../.."),
    "two of one name": (PART + b"v\r\n" + PART + b"w\r\n--x--\r\n", 422, "a.npy"),
    "a field twice": (
        b'--x\r\nContent-Disposition: form-data; name="seed"\r\n\r\n1\r\n' * 2 + b"--x--\r\n",
        422,
        "'seed'",
    ),
    "a huge field": (
        b'--x\r\nContent-Disposition: form-data; name="seed"\r\n\r\n' + b"1" * 20_000 + b"\r\n--x--\r\n",
        422,
        "'seed'",
    ),
    "a name that is no text": (PART.replace(b"a.npy", b"\xff\xfe") + b"v\r\n--x--\r\n", 422, "UTF-8"),
}


@pytest.mark.parametrize("row", BODIES)
def test_body(service: httpx.Client, settings: Settings, row: str) -> None:
    body, status, word = BODIES[row]
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert_problem(service.post("/unmix", content=body, headers=headers), status, [word])
    assert_nothing_left(service, settings)


def test_no_boundary(service: httpx.Client) -> None:
    response = service.post("/unmix", content=b"", headers={"Content-Type": "multipart/form-data"})
    assert_problem(response, 400, ["boundary"])


def test_client_that_goes_away_leaves_nothing(service: httpx.Client, settings: Settings) -> None:
    def half() -> Any:
        yield PART + bytes(2_000_000)
        wait_until(lambda: list((settings.data / "inputs").glob("*/a.npy")), 10)
        raise ConnectionAbortedError("gone")

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    with pytest.raises(ConnectionAbortedError):
        service.post("/unmix", content=half(), headers=headers)
    assert_nothing_left_soon(service, settings)


def assert_nothing_left_soon(service: httpx.Client, settings: Settings) -> None:
    wait_until(lambda: not list((settings.data / "inputs").glob("*")), 10)
    assert_nothing_left(service, settings)


def test_nan_and_infinite_pixels_are_no_error(service: httpx.Client) -> None:
    cube = CUBE.copy()
    cube[0, 0], cube[1, 1, 3] = np.nan, np.inf
    assert service.post("/unmix", files={"file": ("scene.npy", npy(cube))}).status_code == 202


@pytest.mark.parametrize("path", ["/jobs/unknown", "/jobs/unknown/results", "/jobs/unknown/results/a.npy"])
def test_unknown_job(service: httpx.Client, path: str) -> None:
    problem = assert_problem(service.get(path), 404, ["unknown"])
    assert problem["type"].endswith("/no-such-job")


def test_results_before_the_end(service: httpx.Client) -> None:
    job = service.post("/unmix", files={"file": ("scene.npy", npy(CUBE))}).json()
    for path in ("results", "results/abundances.tif"):
        problem = assert_problem(service.get(f"/jobs/{job['jobID']}/{path}"), 404, [job["jobID"], "accepted"])
        assert problem["type"].endswith("/result-not-ready")


def test_uploads_keep_to_their_folder(service: httpx.Client, settings: Settings) -> None:
    response = service.post("/unmix", files={"file": ("..\\../up/scene.npy", npy(CUBE))})
    assert response.status_code == 202
    folder = settings.data / "inputs" / response.json()["jobID"]
    assert list(settings.data.rglob("*.npy")) == [folder / "scene.npy"]
