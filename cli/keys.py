"""``unmix keys``: who may use the service."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli import options
from cli.errors import ERRORS, OUTPUT, one_line_errors
from cli.settings import settings_with

if TYPE_CHECKING:
    from model_store.api_keys import ApiKeys

keys = typer.Typer(
    no_args_is_help=True,
    help="API keys of the service on a data folder: with the first one it answers to nobody without a key.\n\n"
    "Jobs, results and models are private to the key that asked for them. A running service sees changes at once.",
)

Label = Annotated[str, typer.Option(metavar="TEXT", help="Whose key it is, for the list.", show_default=False)]
Rate = Annotated[
    float | None,
    typer.Option("--requests-per-second", min=0.001, help="In place of UNMIX_REQUESTS_PER_SECOND.", show_default=False),
]
UploadBytes = Annotated[
    int | None,
    typer.Option("--max-upload-bytes", min=1, help="In place of UNMIX_MAX_UPLOAD_BYTES.", show_default=False),
]
WaitingJobs = Annotated[
    int | None,
    typer.Option("--max-waiting-jobs", min=0, help="In place of UNMIX_MAX_WAITING_JOBS.", show_default=False),
]
KeyId = Annotated[str, typer.Argument(metavar="ID", help="As `unmix keys list` shows it.", show_default=False)]


@keys.command()
def create(
    data: options.Data = None,
    label: Label = "",
    requests_per_second: Rate = None,
    max_upload_bytes: UploadBytes = None,
    max_waiting_jobs: WaitingJobs = None,
) -> None:
    """Make a key and print it, once: only its hash is kept.

    Examples:

        unmix keys create --label "north lab"

        docker compose exec service unmix keys create
    """
    with one_line_errors():
        from model_store.api_keys import KeyLimits

        limits = KeyLimits(
            requests_per_second=requests_per_second,
            max_upload_bytes=max_upload_bytes,
            max_waiting_jobs=max_waiting_jobs,
        )
        key, text = _store(data).create(label, limits)
        ERRORS.print(f"key {key.id}; it cannot be shown again:", markup=False)
        OUTPUT.print(text, markup=False)


@keys.command("list")
def list_keys(data: options.Data = None) -> None:
    """Show all keys, revoked ones too."""
    with one_line_errors():
        table = Table("id", "created", "revoked", "label", "limits", box=None)
        store = _store(data)
        store.synchronize()
        for key in store.every():
            own = ", ".join(f"{name}={value}" for name, value in key.limits.model_dump(exclude_none=True).items())
            revoked = "" if key.revoked is None else f"{key.revoked:%Y-%m-%d %H:%M}"
            table.add_row(key.id, f"{key.created:%Y-%m-%d %H:%M}", revoked, key.label, own)
        OUTPUT.print(table, markup=False)


@keys.command()
def revoke(key_id: KeyId, data: options.Data = None) -> None:
    """Let a key open nothing any more; its jobs and models stay until they expire, and nobody sees them."""
    with one_line_errors():
        store = _store(data)
        store.synchronize()
        key = store.revoke(key_id)
        OUTPUT.print(f"key {key.id} is revoked", markup=False)


def _store(data: options.Data) -> "ApiKeys":
    from model_store.stores import keys_of

    return keys_of(settings_with(data=data))
