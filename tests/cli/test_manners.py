"""Quiet, JSON, exit statuses, the bar of 80 columns, and what a service has."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from cli import durations, errors, progress
from cli.errors import INPUT, JOB_FAILED, UNREACHABLE, USAGE, status_of
from cli.progress import StageBar
from tests.cli.conftest import Command
from tests.conftest import REPOSITORY
from tests.supervision.trees import Tree, serving
from unmixing_client import Job
from unmixing_client.errors import JobFailedError, RefusedError

VCA = ("--method", "vca_fcls", "-p", "3")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    with serving(tmp_path_factory.mktemp("service")) as tree:
        yield tree


def test_a_quiet_command_prints_nothing(unmix: Command, tiny: Path) -> None:
    result = unmix("run", tiny, *VCA, "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    loud = unmix("run", tiny, *VCA, "-o", "loud")
    assert "results in" in loud.stdout
    assert "writing the results" in loud.stderr


def test_json_is_all_there_is_on_stdout(unmix: Command, tiny: Path) -> None:
    document = json.loads(unmix("run", tiny, *VCA, "--json").stdout)
    folder = Path(document.pop("folder"))
    assert folder == Path("tiny-unmixed").resolve()
    assert document == json.loads((folder / "result.json").read_text())


def test_slow_methods_say_beforehand_how_long_they_take(unmix: Command, tiny: Path, service: Tree) -> None:
    slow = ("--method", "vca_fcls,almu", "-p", "3")
    for command in ("run", tiny, *slow, "-o", "no"), ("submit", tiny, *slow, "-o", "neither", "--url", service.url):
        told: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(durations, "note", told.append)
            patch.setattr(Job, "wait", _stopped)
            patch.setattr("unmixing.io.apply.run.run_task", _stopped)
            unmix(*command)
        assert told == [
            "vca_fcls, almu take 13 to 19 seconds on scenes of 2,500 to 10,000 pixels (one core); larger take longer"
        ]
    quick = unmix("run", tiny, *VCA)
    assert "seconds" not in quick.stderr


def _stopped(*_: object, **__: object) -> None:
    raise JobFailedError("stopped")


def test_the_version(unmix: Command) -> None:
    assert re.fullmatch(r"unmix \d+\.\d+\.\d+\n", unmix("--version").stdout)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("run", "missing.npz"), INPUT),
        (("run", "broken.npz"), INPUT),
        (("run", "tiny.npz", "--model", "missing.onnx"), INPUT),
        (("run", "tiny.npz", "--method", "nonsense"), USAGE),
        (("run", "tiny.npz", "-o", "broken.npz"), USAGE),
        (("submit", "tiny.npz", "--url", "http://127.0.0.1:9"), UNREACHABLE),
        (("jobs", "--url", "http://127.0.0.1:9"), UNREACHABLE),
    ],
)
def test_the_exit_status_says_whose_turn_it_is(
    unmix: Command, tiny: Path, arguments: tuple[str, ...], status: int
) -> None:
    Path("broken.npz").write_bytes(b"PK\x03\x04 and no more")
    assert unmix(*arguments).exit_code == status


def test_a_failed_job_has_a_status_of_its_own(
    unmix: Command, tiny: Path, service: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed(job: Job, progress: object) -> None:
        raise JobFailedError("the job failed: no memory")

    monkeypatch.setattr(Job, "wait", failed)
    assert unmix("submit", tiny, *VCA, "--url", service.url).exit_code == JOB_FAILED


@pytest.mark.parametrize(("http", "status"), [(422, INPUT), (413, INPUT), (401, UNREACHABLE), (503, UNREACHABLE)])
def test_what_a_service_refuses_is_the_input_or_a_matter_of_time(http: int, status: int) -> None:
    assert status_of(RefusedError("no", http, None)) == status


def test_every_status_and_every_command_stands_in_the_documentation(unmix: Command) -> None:
    text = (REPOSITORY / "docs" / "commands.md").read_text("utf-8")
    statuses = {0, 1, *errors.STATUSES.values(), errors.INTERRUPTED}
    assert {int(status) for status in re.findall(r"^\| (\d+) \|", text, re.M)} == statuses
    listed = re.findall(r"^│ (\w+) ", unmix("--help").stdout.partition("Commands")[2], re.M)
    assert [name for name in listed if f"`unmix {name}" not in text] == []
    assert len(listed) > 10


def test_the_bar_keeps_stage_percent_and_time_in_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    narrow = Console(file=written, width=80, force_terminal=True, color_system=None, soft_wrap=True)
    monkeypatch.setattr(progress, "ERRORS", narrow)
    with StageBar("a-scene-with-a-very-long-name-of-its-own.npz") as report:
        for epoch in range(20):
            report(0.38 + 0.01 * epoch, "training LPALM", f"epoch {epoch} of 200, held-out error 0.0123, best 0.0119")
            report._progress.refresh()
    lines = [line for line in re.split(r"[\r\n]+|\x1b\[[0-9;?]*[A-Za-z]", written.getvalue()) if line.strip()]
    assert max(map(len, lines)) <= 80
    last = lines[-1]
    assert "57%" in last
    assert "training LPALM: epoch 19" in last
    assert re.search(r"\d:\d\d", last)
    assert "━" in last


def test_jobs_and_models_of_a_service_are_listed_and_jobs_stopped(unmix: Command, tiny: Path, service: Tree) -> None:
    url = ("--url", service.url)
    assert unmix("submit", tiny, *VCA, "--label", "[north] field", *url, "-q").exit_code == 0
    (job,) = [each for each in json.loads(unmix("jobs", "--json", *url).stdout) if each["labels"]]
    shown = unmix("jobs", *url).stdout
    assert job["id"] in shown
    assert "[north] field, tiny.npz, vca_fcls" in shown
    assert json.loads(unmix("jobs", "--status", "failed", "--json", *url).stdout) == []
    kept = unmix("cancel", job["id"], *url)
    assert kept.exit_code == USAGE
    assert "--remove" in kept.stderr
    assert unmix("cancel", job["id"], "--remove", *url).stdout == f"{job['id']}: removed\n"
    assert job["id"] not in unmix("jobs", *url).stdout
    assert unmix("models", *url).exit_code == 0
