"""docker-compose.yml and deploy/kubernetes.yaml as far as they can be checked without an engine and a cluster."""

import re
import shlex
import warnings
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from cli.main import app
from model_store.settings import Settings

COMPOSE = Path(__file__).parents[1] / "docker-compose.yml"
KUBERNETES = Path(__file__).parents[1] / "deploy" / "kubernetes.yaml"

OF_OTHERS = ("redis", "objects")
"""Services whose images are not ours."""

CREDENTIALS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load(COMPOSE.read_text("utf-8"))


def test_it_has_a_queue_that_persists_a_service_and_workers_on_one_volume(compose):
    services = compose["services"]
    assert "--appendonly yes" in services["redis"]["command"]
    ours = [service for name, service in services.items() if name not in OF_OTHERS]
    assert len(ours) >= 2
    assert len({service["volumes"][0] for service in ours}) == 1
    assert {volume.split(":")[0] for s in services.values() for volume in s["volumes"]} == set(compose["volumes"])


def test_its_commands_are_commands_of_the_command_line(compose):
    for name, service in compose["services"].items():
        if name not in OF_OTHERS:
            check_command(shlex.split(service["command"]))


def check_command(arguments):
    """A command of the command line, with options that it has."""
    program, subcommand, *options = arguments
    assert program == "unmix"
    help_text = CliRunner().invoke(app, [subcommand, "--help"], env={"COLUMNS": "200"}).output
    for option in options:
        assert not option.startswith("--") or option in help_text, (arguments, option)


def test_its_environment_is_made_of_settings(compose):
    for name, service in compose["services"].items():
        assert name in OF_OTHERS or set(service["environment"]) <= known_settings() | CREDENTIALS


def known_settings():
    return {f"UNMIX_{name.upper()}" for name in Settings.model_fields}


def test_an_empty_variable_is_no_setting(monkeypatch):
    monkeypatch.setenv("UNMIX_OBJECT_STORE", "")
    assert Settings().object_store is None


def test_the_kubernetes_objects_follow_their_schemas_and_belong_together():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own imports
        import kubernetes_validate
    documents = list(yaml.safe_load_all(KUBERNETES.read_text("utf-8")))
    for document in documents:
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
    named = {(document["kind"], document["metadata"]["name"]) for document in documents}
    assert len(named) == len(documents)
    settings = next(document for document in documents if document["kind"] == "ConfigMap")["data"]
    assert set(settings) <= known_settings()
    Settings.model_validate({name.removeprefix("UNMIX_").lower(): value for name, value in settings.items()})
    pods = {d["metadata"]["name"]: d["spec"] for d in documents if d["kind"] in ("Deployment", "StatefulSet")}
    for name, spec in pods.items():
        labels = spec["template"]["metadata"]["labels"]
        assert spec["selector"]["matchLabels"] == labels == {"app": name}
        [container] = spec["template"]["spec"]["containers"]
        if container["args"][0] == "unmix":
            check_command(container["args"])
            assert {"configMapRef": {"name": "unmix"}} in container["envFrom"]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        claimed = {claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])}
        assert mounted == claimed | {volume["name"] for volume in spec["template"]["spec"].get("volumes", [])}
    selected = {d["spec"]["selector"]["app"] for d in documents if d["kind"] == "Service"}
    assert selected <= set(pods)


def test_the_probes_are_routes():
    from service.app import create_app

    paths = create_app(Settings()).openapi()["paths"]
    found = re.findall(r"path: (/\w+), port", KUBERNETES.read_text("utf-8"))
    assert len(found) == 2
    assert set(found) <= set(paths)
