"""Errors that a user of the command line can mend, printed in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from model_store.errors import StoreError
from supervision.errors import SupervisionError
from unmixing.errors import UnmixingError
from unmixing_client.errors import ClientError

USAGE_ERROR = 2

OUTPUT = Console(highlight=False, soft_wrap=True)
ERRORS = Console(stderr=True, highlight=False, soft_wrap=True)
"""Results go to stdout; progress and errors to stderr, so that a pipe carries results alone."""


class CliError(Exception):
    """Something is wrong with the arguments or around them; the text says what and what to do."""


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Every foreseen error becomes one line on stderr and exit status 2; others keep their traceback."""
    try:
        yield
    except (CliError, SupervisionError, UnmixingError, StoreError, ClientError) as error:
        _stop(str(error))
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"])
        _stop(f"{name}: {first['msg']} (got {first['input']!r})")


def _stop(text: str) -> None:
    ERRORS.print(f"[bold red]error:[/] {escape(' '.join(text.split()))}")
    raise typer.Exit(USAGE_ERROR)
