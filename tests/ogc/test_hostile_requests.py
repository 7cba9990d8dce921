"""Execute requests that are no such thing: each is refused with a problem below 500."""

import json

import pytest

from model_store.settings import Settings
from model_store.stores import Stores
from tests.conftest import serving, stored_model
from tests.ogc.conftest import ASYNC, QUICK, SCENE, Ogc

BODIES = [
    b"", b"null", b"[]", b"{", b"[" * 100_000, b"\xff\xfe", b'{"inputs": null}', b'{"inputs": []}',
    b'{"inputs": {"message": "\\ud800"}}',
    b'{"inputs": {"\\ud800": 1}}', b'{"inputs": {"message": NaN}}', b'{"inputs": {"message": "hello"}, "outputs": []}',
    b'{"inputs": {"message": "hello"}, "outputs": {"echo": {"transmissionMode": "reference"}}}',
    b'{"inputs": {"message": "hello"}, "outputs": {"echo": {"transmissionMode": "shout"}}}',
    b'{"inputs": {"message": "hello"}, "response": "shouted"}', b'{"inputs": {"message": "hello"}, "subscriber": 7}',
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES)
def test_bodies_of_echo(ogc: Ogc, body: bytes) -> None:
    answer = ogc.client.post("/processes/echo/execution", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "changed",
    [
        {"label": "\ud800"}, {"method": ["vca_fcls", {}]}, {"wavelengths": [1e400]}, {"file": {"href": "x" * 5000}},
        {"file": {"value": [[1, "a"]]}}, {"file": {"value": [[True]]}}, {"mask": {"value": SCENE, "mediaType": 7}},
        {"file": [SCENE, SCENE]}, {"library": "AAAA"}, {"rows": "a"}, {"seed": True}, {"model": "none"},
    ],
)  # fmt: skip
def test_inputs_of_unmix(ogc: Ogc, changed: dict) -> None:
    body = json.dumps({"inputs": {**QUICK, **changed}})
    answer = ogc.client.post("/processes/unmix/execution", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_of_another_type(ogc: Ogc) -> None:
    answer = ogc.client.post("/processes/echo/execution", data={"inputs": "{}"})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("limits", "status", "said"),
    [({"sync_max_bytes": 100}, 413, "respond-async"), ({"sync_seconds": 0.3}, 504, "/jobs/")],
)
def test_limits_of_waiting(settings: Settings, stores: Stores, limits: dict, status: int, said: str) -> None:
    # No worker is there: what may be waited for takes for ever.
    body = {"inputs": {"file": SCENE, "model": stores.models.register(stored_model())}}
    with serving(settings.model_copy(update=limits)) as client:
        answer = client.post("/processes/apply-model/execution", json=body)
        assert (answer.status_code, said in answer.json()["detail"]) == (status, True)
        assert client.post("/processes/apply-model/execution", json=body, headers=ASYNC).status_code == 201
