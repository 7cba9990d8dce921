"""Errors that a user of the command line can mend, printed in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from model_store.errors import ObjectStoreError, QueueUnavailableError, StoreError
from supervision.errors import SupervisionError
from unmixing.errors import MissingExtraError, OutputFolderError, SpecError, UnmixingError
from unmixing_client.errors import ClientError, JobFailedError, RefusedError, UnexpectedAnswerError, UnreachableError

USAGE, INPUT, UNREACHABLE, JOB_FAILED, INTERRUPTED = 2, 3, 4, 5, 130
"""Exit statuses, as docs/commands.md explains them; 1 is what was not foreseen."""

OUTPUT = Console(highlight=False, soft_wrap=True)
ERRORS = Console(stderr=True, highlight=False, soft_wrap=True)
"""Results go to stdout; progress and errors to stderr, so that a pipe carries results alone."""


class CliError(Exception):
    """Something is wrong with the arguments or around them; the text says what and what to do."""


class InputFileError(CliError):
    """A file that was named is not there."""


STATUSES: dict[type[Exception], int] = {
    InputFileError: INPUT,
    CliError: USAGE,
    SpecError: USAGE,
    OutputFolderError: USAGE,
    MissingExtraError: USAGE,
    UnmixingError: INPUT,
    UnreachableError: UNREACHABLE,
    UnexpectedAnswerError: UNREACHABLE,
    JobFailedError: JOB_FAILED,
    ClientError: INPUT,
    QueueUnavailableError: UNREACHABLE,
    ObjectStoreError: UNREACHABLE,
    StoreError: USAGE,
    SupervisionError: USAGE,
}
"""The exit status for every foreseen error; that of the nearest class above it counts."""


def status_of(error: Exception) -> int:
    """The exit status. What a service refuses is wrong with the input, but for who may not ask (401), or not now (429,
    5xx)."""
    if isinstance(error, RefusedError) and (error.status in (401, 429) or error.status >= 500):
        return UNREACHABLE
    return next(STATUSES[base] for base in type(error).__mro__ if base in STATUSES)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Every foreseen error becomes one line on stderr and an exit status of its own; others keep their traceback."""
    try:
        yield
    except (CliError, SupervisionError, UnmixingError, StoreError, ClientError) as error:
        _stop(str(error), status_of(error))
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"])
        _stop(f"{name}: {first['msg']} (got {first['input']!r})", USAGE)


def _stop(text: str, status: int) -> None:
    ERRORS.print(f"[bold red]error:[/] {escape(' '.join(text.split()))}")
    raise typer.Exit(status)
