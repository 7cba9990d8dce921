"""The settings of a command."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_store.settings import Settings


def settings_with(**values: str | int | bool | Path | None) -> "Settings":
    """The settings from the environment, with what was given on the command line in their place."""
    # Not before a command needs them: `unmix --help` should not wait.
    from model_store.settings import Settings

    arguments: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    return Settings(**arguments)
