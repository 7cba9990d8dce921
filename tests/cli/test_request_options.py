"""The options of a request's fields stand in every command and say what the specs say."""

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from cli.request_options import FIELD_OPTIONS, with_fields
from tests.cli.conftest import Command
from unmixing.io.inputs.requests import FIELDS
from unmixing.specs import UnmixSpec


def test_every_field_of_a_request_has_an_option() -> None:
    fields = [row.field for row in FIELD_OPTIONS]
    assert len(fields) == len(set(fields))
    # a stored model is an id to the service, and a file without one
    assert {*fields, "model"} == FIELDS


@pytest.mark.parametrize("command", ["run", "submit"])
def test_both_commands_show_all_options_with_the_words_of_the_specs(
    unmix: Command, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # in narrow columns a limit stands between the words beside it
    text = "".join(
        character for character in unmix(command, "--help").stdout if character.isalnum() or character in "-"
    )
    for row in FIELD_OPTIONS:
        assert f"--{row.field.replace('_', '-')}" in text
    assert "estimatedwhenmissing" in text
    assert (UnmixSpec.model_fields["seed"].description or "").replace(" ", "").rstrip(".") in text


def collected(*arguments: str) -> dict[str, str]:
    found: dict[str, str] = {}
    app = typer.Typer()

    @app.command()
    @with_fields("n_endmembers", "method", "sparse", "max_training_seconds")
    def command(fields: dict[str, str], name: Annotated[str, typer.Option()] = "x") -> None:
        found.update(fields, name=name)

    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return found


def test_methods_given_one_by_one_are_several() -> None:
    assert collected("--method", "nmf", "--method", "palm,ista")["method"] == "nmf,palm,ista"


def test_a_command_gets_what_was_given_as_texts_and_nothing_else() -> None:
    assert collected() == {"name": "x"}
    assert collected("-p", "3", "--dense", "--max-training-seconds", "2.5", "--name", "y") == {
        "n_endmembers": "3",
        "sparse": "False",
        "max_training_seconds": "2.5",
        "name": "y",
    }
