"""Hosts, proxies and headers: links never lead elsewhere, and browsers may do little with an answer."""

import logging

import httpx
import pytest

from model_store.settings import Settings
from tests.conftest import serving


@pytest.mark.parametrize(
    "host", ["evil.example", "203.0.113.7:80", "localhost.evil.example", "127.0.0.1.evil.example", ""]
)
def test_links_never_echo_a_foreign_host(service: httpx.Client, host: str) -> None:
    answer = service.get("/", headers={"Host": host})
    assert (answer.status_code, answer.headers["content-type"]) == (421, "application/problem+json")
    assert service.get("/livez", headers={"Host": host}).status_code == 200


def test_own_names_and_those_of_the_settings_are_echoed(settings: Settings) -> None:
    with serving(settings.model_copy(update={"trusted_hosts": "unmix.example.org, *.lab.example"})) as client:
        for host in ("localhost:1", "unmix.example.org", "a.lab.example:8000", "UNMIX.example.org"):
            answer = client.get("/", headers={"Host": host})
            assert answer.json()["links"][0]["href"].lower() == f"http://{host.lower()}/"


def test_links_start_with_the_public_url(settings: Settings) -> None:
    with serving(settings.model_copy(update={"public_url": "https://data.example/unmix/"})) as client:
        assert client.get("/").json()["links"][0]["href"] == "https://data.example/unmix/"
        assert client.get("/jobs").json()["links"][0]["href"].startswith("https://data.example/unmix/jobs?")
        assert client.get("/jobs", headers={"Host": "evil.example"}).status_code == 421


def test_forwarded_headers_are_believed_of_named_proxies_alone(settings: Settings) -> None:
    forged = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
    for proxies, scheme in (("", "http"), ("127.0.0.1", "https"), ("192.0.2.9", "http")):
        with serving(settings.model_copy(update={"trusted_proxies": proxies})) as client:
            assert client.get("/", headers=forged).json()["links"][0]["href"].startswith(f"{scheme}://")


@pytest.mark.parametrize("path", ["/", "/jobs", "/docs", "/nothing", "/openapi.json"])
def test_every_answer_has_the_headers(service: httpx.Client, path: str) -> None:
    headers = service.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert ("'unsafe-inline'" in policy) is (path == "/docs")


def test_other_origins_are_closed_out_unless_named(settings: Settings) -> None:
    asked = {"Origin": "https://lab.example", "Access-Control-Request-Method": "POST"}
    for origins, allowed in (("", None), ("https://lab.example", "https://lab.example"), ("https://x.example", None)):
        with serving(settings.model_copy(update={"cors_origins": origins, "allow_anonymous": False})) as client:
            for method in ("OPTIONS", "GET"):
                answer = client.request(method, "/jobs", headers=asked)
                assert answer.headers.get("access-control-allow-origin") == allowed


def test_settings_do_not_show_secrets(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(redis_url="redis://:hunter2@queue", webhook_secret="whsec_hunter2")
    logging.getLogger("test").warning("%s %r", settings, settings)
    assert "hunter2" not in caplog.text
