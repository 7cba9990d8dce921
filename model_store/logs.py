"""The log of a process, as lines for people or as JSON for machines."""

import logging

from pythonjsonlogger.json import JsonFormatter

from model_store.settings import Settings

LINE = "%(asctime)s %(name)s: %(message)s"

FIELDS = {"asctime": "time", "levelname": "level", "name": "logger", "process": "process", "message": "message"}
"""Attributes of a record, and the keys of the JSON object; ``job_id`` is there where a line belongs to a job."""


def set_up_logging(settings: Settings) -> None:
    """Send what this process logs to standard error, in the format that ``settings`` name."""
    handler = logging.StreamHandler()
    if settings.log_format == "json":
        formatter: logging.Formatter = JsonFormatter(list(FIELDS), rename_fields=FIELDS)
    else:
        formatter = logging.Formatter(LINE)
    handler.setFormatter(formatter)
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
