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
KeyId = Annotated[str, typer.Argument(metavar="ID", help="As `unmix keys list` shows it.", show_default=False)]


@keys.command()
def create(data: options.Data = None, label: Label = "") -> None:
    """Make a key and print it, once: only its hash is kept.

    Examples:

        unmix keys create --label "north lab"

        docker compose exec service unmix keys create
    """
    with one_line_errors():
        key, text = _store(data).create(label)
        ERRORS.print(f"key {key.id}; it cannot be shown again:", markup=False)
        OUTPUT.print(text, markup=False)


@keys.command("list")
def list_keys(data: options.Data = None) -> None:
    """Show all keys, revoked ones too."""
    with one_line_errors():
        table = Table("id", "created", "revoked", "label", "limits", box=None)
        for key in _store(data).every():
            own = ", ".join(f"{name}={value}" for name, value in key.limits.model_dump(exclude_none=True).items())
            revoked = "" if key.revoked is None else f"{key.revoked:%Y-%m-%d %H:%M}"
            table.add_row(key.id, f"{key.created:%Y-%m-%d %H:%M}", revoked, key.label, own)
        OUTPUT.print(table, markup=False)


@keys.command()
def revoke(key_id: KeyId, data: options.Data = None) -> None:
    """Let a key open nothing any more; its jobs and models stay until they expire, and nobody sees them."""
    with one_line_errors():
        key = _store(data).revoke(key_id)
        OUTPUT.print(f"key {key.id} is revoked", markup=False)


def _store(data: options.Data) -> "ApiKeys":
    from model_store.api_keys import ApiKeys

    return ApiKeys(settings_with(data=data).keys_folder)
