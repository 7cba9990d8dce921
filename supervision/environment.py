"""Settings on their way through the environment into the processes of the tree."""

from model_store.settings import Settings


def environment_of(settings: Settings) -> dict[str, str]:
    """Variables to add to a child's environment so that it reads these very settings, wherever it runs."""
    values = {**settings.model_dump(mode="json"), "data": str(settings.data.resolve())}
    return {f"UNMIX_{name.upper()}": str(value) for name, value in values.items() if value is not None}
