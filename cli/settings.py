"""Settings on their way from the command line through the environment into the processes of the tree."""

from pathlib import Path
from typing import Any

from model_store.settings import Settings


def settings_with(**given: str | int | Path | None) -> Settings:
    """The settings from the environment, with what was given on the command line in their place."""
    arguments: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return Settings(**arguments)


def environment_of(settings: Settings) -> dict[str, str]:
    """What to add to a child's environment so that it reads these very settings, wherever it runs."""
    values = {**settings.model_dump(mode="json"), "data": str(settings.data.resolve())}
    return {f"UNMIX_{name.upper()}": str(value) for name, value in values.items() if value is not None}
