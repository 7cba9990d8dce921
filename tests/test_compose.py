"""docker-compose.yml as far as it can be checked without an engine."""

import shlex
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from cli.main import app
from model_store.settings import Settings

COMPOSE = Path(__file__).parents[1] / "docker-compose.yml"


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load(COMPOSE.read_text("utf-8"))


def test_it_has_a_queue_that_persists_a_service_and_workers_on_one_volume(compose):
    services = compose["services"]
    assert "--appendonly yes" in services["redis"]["command"]
    ours = [service for name, service in services.items() if name != "redis"]
    assert len(ours) >= 2
    assert len({service["volumes"][0] for service in ours}) == 1
    assert {volume.split(":")[0] for s in services.values() for volume in s["volumes"]} == set(compose["volumes"])


def test_its_commands_are_commands_of_the_command_line(compose):
    for name, service in compose["services"].items():
        if name == "redis":
            continue
        program, subcommand, *options = shlex.split(service["command"])
        assert program == "unmix"
        help_text = CliRunner().invoke(app, [subcommand, "--help"], env={"COLUMNS": "200"}).output
        for option in options:
            assert not option.startswith("--") or option in help_text, (name, option)


def test_its_environment_is_made_of_settings(compose):
    known = {f"UNMIX_{name.upper()}" for name in Settings.model_fields}
    for name, service in compose["services"].items():
        assert name == "redis" or set(service["environment"]) <= known
