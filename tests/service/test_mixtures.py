"""Mixture matrices through HTTP: how they are read, what comes out, what is refused."""

import io
import json
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest

from model_store.settings import Settings
from model_store.stores import Stores
from tests.conftest import npy, small_scene, stored_model
from tests.service.test_bad_input import assert_nothing_left, assert_problem, npz
from unmixing.algorithms.endmembers import unit_norm
from unmixing.algorithms.metrics import nmse
from unmixing.methods import METHODS
from unmixing.mixtures.matching import match_sources
from unmixing.mixtures.methods import IMAGES_ONLY, SEPARATION_METHODS
from unmixing.mixtures.sources import SourceModel, mix
from worker.tasks import run_job

N_SAMPLES, N_CHANNELS, N_SOURCES = 300, 20, 3
QUICK = {"max_training_seconds": "0.5"}


def library(n_matrices: int = 40) -> np.ndarray[Any, Any]:
    """Gaussian peaks whose places vary: (n_matrices, N_SOURCES, N_CHANNELS)."""
    rng = np.random.default_rng(1)
    places = np.array([0.2, 0.45, 0.75]) + 0.03 * rng.standard_normal((n_matrices, N_SOURCES))
    return unit_norm(np.exp(-(((np.linspace(0, 1, N_CHANNELS) - places[..., None]) / 0.12) ** 2)))


def mixed(nonnegative: bool = False) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Mixtures, sources and mixing matrix."""
    model = SourceModel((0.4,) * N_SOURCES, 40.0, nonnegative=nonnegative)
    sets = mix(library(1), model, N_SAMPLES, np.random.default_rng(2))
    mixtures = np.maximum(sets.mixtures[0], 0) if nonnegative else sets.mixtures[0]
    return mixtures, sets.sources[0], sets.mixing_matrices[0]


MIXTURES, SOURCES, MATRIX = mixed()
MIXING_LIBRARY = ("mixing_library", ("library.npy", npy(library().transpose(0, 2, 1))))


def table(values: np.ndarray[Any, Any], header: str = "") -> bytes:
    text = io.StringIO()
    np.savetxt(text, values, delimiter=",", header=header, comments="")
    return text.getvalue().encode()


def post(service: httpx.Client, content: bytes, name: str = "x.npy", *parts: Any, **fields: str) -> httpx.Response:
    return service.post("/unmix", data=fields, files=[("file", (name, content)), *parts])


def results(service: httpx.Client, settings: Settings, response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 202, response.text
    job = response.json()
    run_job(job["jobID"], settings, on_lost=lambda: None)
    answer = service.get(f"/jobs/{job['jobID']}/results")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def asset(service: httpx.Client, document: dict[str, Any], name: str) -> bytes:
    return service.get(document["assets"][name]["href"]).content


def test_products_of_a_table(service: httpx.Client, settings: Settings) -> None:
    content = table(MIXTURES, header=",".join(f"channel {i}" for i in range(N_CHANNELS)))
    document = results(service, settings, post(service, content, "spectra.csv", n_sources="3", **QUICK))
    assert set(document["assets"]) == {
        "mixing_matrix.csv",
        "sources.csv",
        "sources.npy",
        "model.onnx",
        "quicklook.png",
        "report.html",
    }
    report = service.get(document["assets"]["report.html"]["href"])
    assert report.headers["content-type"].startswith("text/html")
    assert "sandbox" in report.headers["content-security-policy"], "names in it come from a stranger"
    read = {"kind": "mixtures", "format": "csv", "header": True, "samples": N_SAMPLES, "channels": N_CHANNELS}
    assert document["input"].items() >= read.items()
    sources = np.load(io.BytesIO(asset(service, document, "sources.npy")))
    lines = asset(service, document, "sources.csv").decode().splitlines()
    assert lines[0] == "sample,source 1,source 2,source 3"
    np.testing.assert_allclose([float(cell) for cell in lines[5].split(",")], [4, *sources[4]], rtol=1e-6)
    matrix = np.genfromtxt(io.BytesIO(asset(service, document, "mixing_matrix.csv")), delimiter=",", skip_header=1)
    np.testing.assert_allclose(matrix[:, 1:].T, document["mixing_matrix"]["values"], rtol=1e-6)
    assert document["metrics"]["reconstruction_nmse"] == pytest.approx(
        nmse(sources @ matrix[:, 1:].T, MIXTURES), rel=1e-3
    )
    order, signs = match_sources(matrix[:, 1:].T, MATRIX)
    assert nmse(sources[:, order] * signs, SOURCES) < 0.05
    assert asset(service, document, "quicklook.png").startswith(b"\x89PNG")


@pytest.mark.parametrize("method", SEPARATION_METHODS)
def test_every_method_that_applies(service: httpx.Client, settings: Settings, method: str) -> None:
    given = mixed(nonnegative=True)[0]
    response = post(service, npy(given), n_sources="3", method=method, **QUICK)
    assert response.json()["inputs"].items() >= {"kind": "mixtures", "method": method, "n_sources": 3}.items()
    document = results(service, settings, response)
    assert document["metrics"]["method"] == method
    assert document["metrics"]["nonnegative"]
    assert (np.load(io.BytesIO(asset(service, document, "sources.npy"))) >= 0).all()
    assert document["metrics"]["reconstruction_nmse"] < 0.2
    assert (document["model"] is not None) == SEPARATION_METHODS[method].trains


@pytest.mark.parametrize("method", IMAGES_ONLY)
def test_a_method_for_images_is_refused_with_the_reason(service: httpx.Client, settings: Settings, method: str) -> None:
    response = post(service, npy(MIXTURES), n_sources="3", method=method)
    assert_problem(response, 422, [method, IMAGES_ONLY[method], "lpalm"])
    assert_nothing_left(service, settings)


def test_every_method_is_in_one_of_the_tables() -> None:
    assert {*SEPARATION_METHODS, *IMAGES_ONLY} == set(METHODS)
    assert not {*SEPARATION_METHODS} & {*IMAGES_ONLY}


def test_a_library_names_the_number_and_the_model_is_used_again(
    service: httpx.Client, settings: Settings, stores: Stores
) -> None:
    response = post(service, npy(MIXTURES), "x.npy", MIXING_LIBRARY, **QUICK)
    assert response.json()["inputs"].items() >= {"n_sources": 3, "mixing_library": ["library.npy"]}.items()
    document = results(service, settings, response)
    sources = np.load(io.BytesIO(asset(service, document, "sources.npy")))
    assert nmse(sources, SOURCES) < 0.05
    assert document["metrics"]["library"] == "given"
    assert document["input"]["kind_decided_by"] == "mixing_library"
    again = post(service, npy(MIXTURES[::2]), model=document["model"]["id"])
    assert stores.redis.llen("rq:queue:apply") == 1
    second = results(service, settings, again)
    assert second["input"]["kind_decided_by"] == "model"
    assert "training" not in second["metrics"]["seconds"]


def test_json_and_a_bare_file_are_read_as_a_form_is(service: httpx.Client) -> None:
    fields = {"n_sources": 3, "nonnegative": False, "seed": 5}
    ids = [
        response.json()["jobID"]
        for response in (
            service.post("/unmix", json={"mixtures": MIXTURES.tolist(), **fields}),
            service.post("/unmix", json={"mixtures": MIXTURES.tolist(), **fields, "kind": "mixtures", "sparse": None}),
        )
    ]
    assert ids[0] == ids[1]
    query = {"n_sources": "3", "seed": "5"}
    form = post(service, table(MIXTURES), "spectra.csv", **query).json()
    bare = service.post("/unmix", params=query, content=table(MIXTURES), headers={"Content-Type": "text/csv"}).json()
    assert bare["jobID"] == form["jobID"]
    scene = npy(small_scene())
    headers = {"Content-Type": "application/octet-stream"}
    raw = service.post("/unmix", params={"n_endmembers": "3"}, content=scene, headers=headers)
    assert raw.json()["jobID"] == post(service, scene, "scene.npy", n_endmembers="3").json()["jobID"]
    named = service.post("/unmix", params={"filename": "s.npz"}, content=npz(cube=small_scene()), headers=headers)
    assert named.status_code == 202, named.text


def test_equal_numbers_of_other_shape_are_other_work(service: httpx.Client) -> None:
    def job(rows: int, columns: int) -> str:
        matrix = np.arange(24.0).reshape(rows, columns).tolist()
        response = service.post("/unmix", json={"mixtures": matrix, "n_sources": 2})
        assert response.status_code == 202, response.text
        return str(response.json()["jobID"])

    shapes = [(6, 4), (8, 3), (4, 6)]
    assert len({job(*shape) for shape in shapes}) == len(shapes)
    assert job(6, 4) == job(6, 4)


KINDS: dict[str, tuple[bytes, str, dict[str, str], tuple[str, str]]] = {
    "a table": (table(MIXTURES), "x.csv", {"n_sources": "3"}, ("mixtures", "n_sources")),
    "asked for": (npy(MIXTURES), "x.npy", {"kind": "mixtures", "n_sources": "3"}, ("mixtures", "request")),
    "by a field": (npz(mixtures=MIXTURES), "x.npz", {"n_sources": "3"}, ("mixtures", "n_sources")),
    "an image": (npy(small_scene()), "x.npy", {}, ("image", "default")),
}


@pytest.mark.parametrize("row", KINDS)
def test_how_an_upload_is_read(service: httpx.Client, stores: Stores, row: str) -> None:
    content, name, fields, (kind, decided_by) = KINDS[row]
    job = post(service, content, name, **fields).json()
    assert job["inputs"]["kind"] == kind
    record = stores.jobs.get(job["jobID"])
    assert record is not None
    assert record.kind_decided_by == decided_by


def ragged() -> bytes:
    return table(MIXTURES[:9]) + b"1,2,3\n"


BAD: dict[str, tuple[bytes, str, dict[str, str], list[Any], list[str]]] = {
    "ragged table": (ragged(), "x.csv", {"n_sources": "3"}, [], ["line 10 has 3 cells", "line 1 has 20"]),
    "text cell": (table(MIXTURES) + b"1," * 19 + b"n/a\n", "x.csv", {"n_sources": "3"}, [], ["'n/a'", "column 20"]),
    "empty cell": (b"1,2\n3,\n", "x.csv", {"n_sources": "2"}, [], ["line 2, column 2"]),
    "empty table": (b"a,b,c\n", "x.csv", {"n_sources": "2"}, [], ["no row of numbers"]),
    "one row": (table(MIXTURES[:1]), "x.csv", {"n_sources": "3"}, [], ["1 row", "at least 4"]),
    "more sources than channels": (npy(MIXTURES[:, :2]), "x.npy", {"n_sources": "3"}, [], ["is 3", "only 2 channels"]),
    "a library of other channels": (npy(MIXTURES[:, :15]), "x.npy", {}, [MIXING_LIBRARY], ["15 channels", "20"]),
    "a library of other sources": (npy(MIXTURES), "x.npy", {"n_sources": "4"}, [MIXING_LIBRARY], ["is 4", "3 sources"]),
    "a library that is no array": (npy(MIXTURES), "x.npy", {}, [("mixing_library", ("l.txt", b"no"))], ["l.txt"]),
    "a flat library": (npy(MIXTURES), "x.npy", {}, [("mixing_library", ("l.npy", npy(MATRIX)))], ["3-D", "(3, 20)"]),
    "no number of sources": (npy(MIXTURES), "x.npy", {"kind": "mixtures"}, [], ["n_sources is missing"]),
    "not finite": (npy(np.where(MIXTURES > 0.2, np.nan, MIXTURES)), "x.npy", {"n_sources": "3"}, [], ["not finite"]),
    "an image as mixtures": (npy(small_scene()), "x.npy", {"n_sources": "3"}, [], ["(20, 20, 30)", "2-D"]),
    "mixtures as an image": (npy(MIXTURES), "x.npy", {}, [], ["(300, 20)", "kind=mixtures"]),
    "a field of images": (npy(MIXTURES), "x.npy", {"n_sources": "3", "n_endmembers": "3"}, [], ["n_endmembers is '3'"]),
    "a field of mixtures": (npy(small_scene()), "x.npy", {"kind": "image", "n_sources": "3"}, [], ["n_sources is '3'"]),
    "a kind that is none": (npy(MIXTURES), "x.npy", {"kind": "spectra"}, [], ["'spectra'", "image, mixtures"]),
    "n_sources 99": (npy(MIXTURES), "x.npy", {"n_sources": "99"}, [], ["n_sources", "'99'"]),
    "negative for nmf": (npy(MIXTURES), "x.npy", {"n_sources": "3", "method": "nmf"}, [], ["'nmf'", "6000"]),
    "a spectral library": (npy(MIXTURES), "x.npy", {"n_sources": "3"}, [("library", ("l.csv", b"x"))], ["library"]),
    "two matrices": (
        npz(a=MIXTURES, b=MIXTURES), "x.npz", {"n_sources": "3"}, [], ["(300, 20)", "variable"]
    ),
    "two files": (npy(MIXTURES), "x.npy", {"n_sources": "3"}, [("file", ("y.npy", npy(MIXTURES)))], ["found 2"]),
    "no file for it": (b"II*\0" + bytes(99), "x.tif", {"n_sources": "3"}, [], ["x.tif", ".csv"]),
}  # fmt: skip


@pytest.mark.parametrize("row", BAD)
def test_bad_mixtures_are_refused(service: httpx.Client, settings: Settings, row: str) -> None:
    content, name, fields, parts, words = BAD[row]
    assert_problem(post(service, content, name, *parts, **fields), 422, words)
    assert_nothing_left(service, settings)


JSONS: dict[str, tuple[str, int, list[str]]] = {
    "not JSON": ('{"mixtures": [[1, 2]', 400, ["not valid JSON"]),
    "no mixtures": ("[1, 2]", 422, ["mixtures"]),
    "ragged": ('{"mixtures": [[1, 2], [3]], "n_sources": 2}', 422, ["row 1 has 1", "row 0 has 2"]),
    "text": ('{"mixtures": [[1, 2], [3, "x"]], "n_sources": 2}', 422, ["row 1, column 1", "'x'"]),
    "no row": ('{"mixtures": [], "n_sources": 2}', 422, ["none of them empty"]),
    "NaN": ('{"mixtures": [[1, 2], [3, NaN], [1, 0]], "n_sources": 2}', 422, ["row 1, channel 1"]),
    "too large": ('{"mixtures": [[1, 2], [3, 1e999], [1, 0]], "n_sources": 2}', 422, ["row 1, channel 1"]),
    "huge integer": ('{"mixtures": [[1, 2], [3, 1' + "0" * 400 + ']], "n_sources": 2}', 422, ["too large"]),
    "unknown field": ('{"mixtures": [[1, 2]], "sources": 2}', 422, ["'sources'", "n_sources"]),
    "a list as a field": ('{"mixtures": [[1, 2]], "n_sources": [2]}', 422, ["'n_sources'", "[2]"]),
}


@pytest.mark.parametrize("row", JSONS)
def test_bad_json_is_refused(service: httpx.Client, settings: Settings, row: str) -> None:
    text, status, words = JSONS[row]
    response = service.post("/unmix", content=text, headers={"Content-Type": "application/json"})
    assert_problem(response, status, words)
    assert_nothing_left(service, settings)


@pytest.mark.parametrize(
    ("query", "content", "words"),
    [
        ("n_endmembers=3&n_endmembers=4", npy(small_scene()), ["n_endmembers", "twice"]),
        ("members=3", npy(small_scene()), ["'members'", "n_endmembers"]),
        ("filename=..", npy(small_scene()), ["file name"]),
        ("", b"", ["empty"]),
        ("", b"these are my notes", ["no scene"]),
    ],
)
def test_a_bad_bare_file_is_refused(
    service: httpx.Client, settings: Settings, query: str, content: bytes, words: list[str]
) -> None:
    response = service.post(f"/unmix?{query}", content=content, headers={"Content-Type": "application/octet-stream"})
    assert_problem(response, 422, words)
    assert_nothing_left(service, settings)


@pytest.mark.parametrize(("kind", "field"), [("image", {}), ("mixtures", {"kind": "image"})])
def test_a_model_of_the_other_kind_is_refused(
    service: httpx.Client, settings: Settings, stores: Stores, kind: str, field: dict[str, str]
) -> None:
    model = stored_model(n_bands=N_CHANNELS)
    other = replace(model, manifest=model.manifest.model_copy(update={"kind": kind}))
    identifier = stores.models.register(other)
    asked = {"n_sources": "3", "kind": "mixtures"} if kind == "image" else field
    content = npy(MIXTURES) if kind == "image" else npy(small_scene(bands=N_CHANNELS))
    assert_problem(post(service, content, model=identifier, **asked), 422, ["the model was trained on"])
    assert_nothing_left(service, settings)


def test_a_large_json_is_refused_while_it_arrives(
    service: httpx.Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.bodies.MAX_JSON_BYTES", 1000)
    content = json.dumps({"mixtures": MIXTURES.tolist(), "n_sources": 3})
    response = service.post("/unmix", content=content, headers={"Content-Type": "application/json"})
    assert_problem(response, 413, ["1000"])
    assert_nothing_left(service, settings)
