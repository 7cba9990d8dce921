"""``--help`` teaches: what a command does, an example, every option with its default."""

import pytest

from tests.cli.conftest import Command

COMMANDS = ("demo", "run", "join", "plot", "serve", "submit", "jobs", "cancel", "models", "worker", "keys create")


def test_the_overview_names_every_command_and_the_environment(unmix: Command) -> None:
    text = unmix("--help").stdout
    for expected in (*(command.split()[0] for command in COMMANDS), "UNMIX_DATA", "REDIS_URL", "UNMIX_DEVICE"):
        assert expected in text


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_shows_an_example(unmix: Command, command: str) -> None:
    result = unmix(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.stdout
    assert f"unmix {command}" in result.stdout


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("serve", ("127.0.0.1", "8000", "UNMIX_PORT", "UNMIX_HOST", "UNMIX_DATA", "UNMIX_WORKERS")),
        ("run", ("--n-endmembers", "lpalm", "--seed", "--variable", "--model", "--rows", "SCENE-unmixed")),
        ("join", ("--out", "--force", "unmix run --rows")),
        ("submit", ("http://127.0.0.1:8000", "UNMIX_URL", "UNMIX_API_KEY", "SCENE-unmixed")),
        ("demo", ("unmix-demo", "--n-endmembers")),
        ("worker", ("--queue", "train, then apply")),
    ],
)
def test_options_are_shown_with_their_defaults(unmix: Command, command: str, expected: tuple[str, ...]) -> None:
    text = " ".join(unmix(command, "--help").stdout.split())
    for words in expected:
        assert words in text


def test_without_a_command_the_overview_is_shown(unmix: Command) -> None:
    assert "unmix demo" in unmix().output
