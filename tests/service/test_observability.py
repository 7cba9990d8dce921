"""Metrics, the log of a job, readiness in words, and logs as JSON."""

import json
import os
import subprocess
import sys
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from model_store.job_log import MAX_LINES
from model_store.measurements import Sum
from model_store.settings import Settings
from model_store.stores import Stores
from supervision.environment import environment_of
from tests.conftest import REPOSITORY, npy, small_scene, wait_until
from tests.service.test_http import post
from worker.tasks import run_job

Labels = tuple[tuple[str, str], ...]


def scrape(service: httpx.Client) -> dict[tuple[str, Labels], float]:
    """Every sample of /metrics by name and labels, read by Prometheus' own parser."""
    text = service.get("/metrics").raise_for_status().text
    families = text_string_to_metric_families(text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def sample(found: dict[tuple[str, Labels], float], name: str, **labels: str) -> float | None:
    return found.get((name, tuple(sorted(labels.items()))))


def test_a_job_is_counted_and_logged_from_its_upload_to_its_end(
    service: httpx.Client, worker: subprocess.Popen[bytes], stores: Stores
) -> None:
    scene = {"file": ("field.npy", npy(small_scene()))}
    job = service.post("/unmix", data={"method": "vca_fcls", "n_endmembers": "3"}, files=scene).json()["jobID"]
    wait_until(lambda: service.get(f"/jobs/{job}").json()["status"] == "successful")
    wait_until(lambda: sample(scrape(service), "unmix_jobs_ended_total", method="vca_fcls", status="successful"))
    found = scrape(service)
    assert sample(found, "unmix_queue_up") == 1
    assert sample(found, "unmix_jobs", status="successful") == 1
    assert sample(found, "unmix_pixels_total", method="vca_fcls") == 400
    assert sample(found, "unmix_stage_seconds_count", method="vca_fcls", stage="total") == 1
    assert (sample(found, "unmix_stage_seconds_sum", method="vca_fcls", stage="total") or 0) > 0
    assert sample(found, "unmix_workers", queue="train") == sample(found, "unmix_workers", queue="apply") == 1
    assert (sample(found, "unmix_store_bytes", kind="results") or 0) > 1000
    assert sample(found, "unmix_http_requests_total", method="POST", route="/unmix", status="202") == 1
    assert service.get("/readyz").json()["missing"] == []

    document = service.get(f"/jobs/{job}/logs").raise_for_status().json()
    messages = [line["message"] for line in document["logs"]]
    assert messages[:2] == ["accepted: vca_fcls, field.npy", "attempt 1 started"]
    assert messages[-1] == "successful"
    assert len(messages) > 3  # its stages
    assert [line["id"] for line in document["logs"]] == [str(number) for number in range(len(messages))]
    page = service.get(f"/jobs/{job}/logs", params={"limit": 1, "offset": 1}).json()
    assert [line["message"] for line in page["logs"]] == ["attempt 1 started"]
    assert {"next", "prev"} <= {link["rel"] for link in page["links"]}
    service.delete(f"/jobs/{job}").raise_for_status()
    assert stores.log.lines(job) == []
    assert service.get(f"/jobs/{job}/logs").status_code == 404


def test_the_log_says_why_a_job_failed_and_that_one_was_dismissed(
    service: httpx.Client, stores: Stores, settings: Settings
) -> None:
    failing, dismissed = (post(service, n_endmembers=number).json()["jobID"] for number in ("3", "4"))
    [path] = stores.inputs.of(failing).glob("*.npy")
    path.write_bytes(path.read_bytes()[:200])
    run_job(failing, settings, on_lost=lambda: None)
    detail = service.get(f"/jobs/{failing}").json()["error"]["detail"]
    last = service.get(f"/jobs/{failing}/logs").json()["logs"][-1]
    assert (last["level"], last["message"]) == ("error", f"failed: {detail}")
    service.delete(f"/jobs/{dismissed}").raise_for_status()
    assert service.get(f"/jobs/{dismissed}/logs").json()["logs"][-1]["message"] == "dismissed"
    found = scrape(service)
    assert sample(found, "unmix_jobs_ended_total", method="lpalm", status="failed") == 1
    assert sample(found, "unmix_jobs_ended_total", method="lpalm", status="dismissed") == 1


def test_waiting_jobs_show_by_queue_and_method(service: httpx.Client, stores: Stores) -> None:
    post(service)
    found = scrape(service)
    assert sample(found, "unmix_jobs_live", status="accepted", method="lpalm") == 1
    assert sample(found, "unmix_queue_length", queue="train") == 1
    assert (sample(found, "unmix_queue_oldest_seconds", queue="train") or 0) > 0
    assert sample(found, "unmix_workers", queue="train") == 0


def test_metrics_are_answered_while_redis_is_not_there(service: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Redis, "execute_command", _down)
    assert sample(scrape(service), "unmix_queue_up") == 0


def _down(*args: Any, **kwargs: Any) -> None:
    raise RedisConnectionError("down")


def test_paths_that_do_not_exist_are_one_route(service: httpx.Client) -> None:
    for number in range(5):
        service.get(f"/nothing/{number}")
    found = scrape(service)
    assert sample(found, "unmix_http_requests_total", method="GET", route="unknown", status="404") == 5


def test_a_log_keeps_its_last_lines_and_survives_a_redis_that_is_away(stores: Stores) -> None:
    for number in range(MAX_LINES + 5):
        stores.log.add("one", f"line {number} \udcff")
    lines = stores.log.lines("one")
    assert (len(lines), lines[0].message, lines[-1].level) == (MAX_LINES, "line 5 ?", "info")


def test_measurements_add_up(stores: Stores) -> None:
    stores.measurements.add(Sum("pixels", {"method": "nmf"}, 2), Sum("pixels", {"method": "lpalm"}, 1))
    stores.measurements.add(Sum("pixels", {"method": "nmf"}, 3.5))
    assert list(stores.measurements.read()) == [
        Sum("pixels", {"method": "lpalm"}, 1.0), Sum("pixels", {"method": "nmf"}, 5.5)
    ]  # fmt: skip


def test_json_logs_have_a_line_per_event_with_the_id_of_its_job(settings: Settings) -> None:
    code = (
        "from model_store.logs import set_up_logging; from model_store.settings import Settings; "
        "from model_store.stores import open_stores; s = Settings(); set_up_logging(s); "
        "open_stores(s).log.add('abc', 'two\\nlines', 'warning', exc_info=ValueError('why'))"
    )
    environment = os.environ | environment_of(settings) | {"PYTHONPATH": str(REPOSITORY), "UNMIX_LOG_FORMAT": "json"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    [line] = [json.loads(text) for text in done.stderr.splitlines()]
    assert (line["job_id"], line["level"], line["message"]) == ("abc", "WARNING", "job abc: two\nlines")
    assert "ValueError: why" in line["exc_info"]
    assert line["time"]
