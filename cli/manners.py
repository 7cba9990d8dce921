"""Options that every command has: to be quiet, and to answer in JSON."""

import functools
import inspect
import json
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cli.errors import ERRORS, OUTPUT

Command = Callable[..., None]

Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print no progress and no report: warnings and errors alone.")
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document in the place of the report, or JSON lines as log.")
]


@dataclass(frozen=True)
class Manners:
    """How a command speaks."""

    quiet: bool = False
    as_json: bool = False


_MANNERS: ContextVar[Manners] = ContextVar("manners", default=Manners())  # noqa: B039


def mannered(command: Command) -> Command:
    """The command with the options ``--quiet`` and ``--json``, which hold for all that it prints."""

    @functools.wraps(command)
    def expanded(**arguments: Any) -> None:
        manners = Manners(arguments.pop("quiet"), arguments.pop("as_json"))
        _MANNERS.set(manners)
        OUTPUT.quiet = manners.quiet or manners.as_json
        command(**arguments)

    signature = inspect.signature(command)
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)
        for name, annotation in (("quiet", Quiet), ("as_json", AsJson))
    ]
    given = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in signature.parameters.values()]
    expanded.__signature__ = signature.replace(parameters=[*given, *options])  # type: ignore[attr-defined]
    return expanded


def is_quiet() -> bool:
    return _MANNERS.get().quiet


def wants_json() -> bool:
    """Whether the answer is one JSON document, and nothing else goes to stdout."""
    return _MANNERS.get().as_json


def log_settings() -> dict[str, str]:
    """Settings of a log that follow from the manners."""
    return {**({"log_format": "json"} if wants_json() else {}), **({"log_level": "warning"} if is_quiet() else {})}


def print_json(document: Any) -> None:
    """The answer of a command that was asked for JSON, also of a quiet one."""
    typer.echo(json.dumps(document, indent=1))


def note(text: str) -> None:
    """A line about what goes on, for people: on stderr, and not of a quiet command."""
    if not is_quiet():
        ERRORS.print(text, markup=False)
