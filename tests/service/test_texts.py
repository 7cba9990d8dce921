"""Text that is no valid Unicode is refused wherever it comes in, before anything is stored."""

import json

import httpx
import pytest

from model_store.settings import Settings
from tests.conftest import npy, small_scene
from tests.service.test_bad_input import assert_nothing_left, assert_problem

MIXTURES = [[1, 2, 3], [3, 4, 1], [2, 2, 9], [1, 5, 6], [7, 1, 2]]
NO_TEXTS = ["\ud800", "a\udfffb", "\0", "cube\0"]
FIELDS = ["variable", "model", "method", "kind", "seed"]


def post_json(service: httpx.Client, **fields: object) -> httpx.Response:
    body = json.dumps({"mixtures": MIXTURES, "n_sources": 2} | fields)
    return service.post("/unmix", content=body, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("text", NO_TEXTS)
@pytest.mark.parametrize("field", FIELDS)
def test_in_a_field_of_json(service: httpx.Client, settings: Settings, field: str, text: str) -> None:
    assert_problem(post_json(service, **{field: text}), 422, [field, "Unicode"])
    assert_nothing_left(service, settings)


@pytest.mark.parametrize("text", NO_TEXTS)
def test_in_a_key_of_json(service: httpx.Client, settings: Settings, text: str) -> None:
    assert_problem(post_json(service, **{text: "1"}), 422, ["unknown field"])
    assert_nothing_left(service, settings)


@pytest.mark.parametrize("value", [["\ud800"], {"\ud800": 1}])
def test_deep_in_json(service: httpx.Client, settings: Settings, value: object) -> None:
    assert_problem(post_json(service, variable=value), 422, ["variable"])
    assert_problem(post_json(service, mixtures=[[1, "\ud800"]]), 422, ["column 1"])
    assert_nothing_left(service, settings)


@pytest.mark.parametrize("escaped", ["%ED%A0%80", "%FF", "%00"])
@pytest.mark.parametrize("field", ["variable", "filename", "model", "new"])
def test_in_the_query(service: httpx.Client, settings: Settings, field: str, escaped: str) -> None:
    names = f"{field}={escaped}" if field != "new" else f"{escaped}=1"
    headers = {"Content-Type": "application/octet-stream"}
    response = service.post(f"/unmix?{names}", content=npy(small_scene()), headers=headers)
    assert_problem(response, 422, [])
    assert_nothing_left(service, settings)


@pytest.mark.parametrize("raw", [b"\xed\xa0\x80", b"\xff", b"\0"])
@pytest.mark.parametrize("place", ["name", "filename", "value"])
def test_in_a_form(service: httpx.Client, settings: Settings, place: str, raw: bytes) -> None:
    texts = {"name": b"variable", "filename": b"scene.npy", "value": b"cube"} | {place: raw}
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="' + texts["filename"] + b'"\r\n\r\n'
        b"" + npy(small_scene()) + b'\r\n--x\r\nContent-Disposition: form-data; name="' + texts["name"] + b'"\r\n\r\n'
        b"" + texts["value"] + b"\r\n--x--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    response = service.post("/unmix", content=body, headers=headers)
    assert response.status_code in (400, 422), response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert_nothing_left(service, settings)


def test_all_of_unicode_else_is_text(service: httpx.Client) -> None:
    response = post_json(service, variable="Würfel 立方体 🧊")
    assert response.status_code == 202, response.text
    assert response.json()["inputs"]["variable"] == "Würfel 立方体 🧊"
