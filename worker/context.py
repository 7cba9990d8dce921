"""The settings of this worker process. Only ids cross the queue, so a task finds everything else here."""

from contextvars import ContextVar

from model_store.settings import Settings

SETTINGS: ContextVar[Settings] = ContextVar("settings")
"""Set by ``run_worker`` before the first fork; work-horses inherit it."""
