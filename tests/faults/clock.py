"""A clock that jumps, for a process of its own: all that asks Python for the time of day gets it shifted."""

import datetime
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

VARIABLE = "TEST_CLOCK"
"""Names the file that holds by how many seconds the clock is wrong."""

_time = time.time


def shifted() -> float:
    try:
        return _time() + float(Path(os.environ[VARIABLE]).read_text())
    except ValueError:  # just being written
        return _time()


def _now() -> datetime.datetime:
    return datetime.datetime.fromtimestamp(shifted(), datetime.UTC)


def install() -> None:
    """To be called after all imports: every module's own name for the time of day is replaced."""
    if VARIABLE not in os.environ:
        return
    from rq import utils

    from model_store import records

    replaced: dict[object, Callable[[], object]] = {_time: shifted, records.now: _now, utils.now: _now}
    for module in list(sys.modules.values()):
        for name, value in list(vars(module).items()):
            if name in ("now", "time") and callable(value) and value in replaced:
                setattr(module, name, replaced[value])
