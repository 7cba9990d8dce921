"""When an image was taken, and what can be said where its file does not say it."""

from typing import Any

from unmixing.io.formats.moments import UNKNOWN_BEGIN

Interval = tuple[str | None, str | None]


def interval_of(acquired: str | None, made: str) -> Interval:
    """Begin and end of an image, None for an open begin: it was taken before its result was ``made``.

    acquired: see ``InputSpec.acquired``.
    """
    if acquired is None:
        return None, made
    begin, _, end = acquired.partition("/")
    return begin, end or begin


def times_of(acquired: str | None, made: str) -> dict[str, Any]:
    """The same as properties of an item: ``datetime`` where one moment is known, else begin and end."""
    begin, end = interval_of(acquired, made)
    if begin is not None and begin == end:
        return {"datetime": begin}
    return {"datetime": None, "start_datetime": begin or UNKNOWN_BEGIN, "end_datetime": end}
