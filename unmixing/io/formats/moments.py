"""When an image was taken, as its file says it."""

from unmixing.specs import period

UNKNOWN_BEGIN = "1970-01-01T00:00:00Z"
"""STAC wants a begin, and no imaging spectrometer is older: of an unknown moment this much is true."""


def stated_period(begin: str | None, end: str | None = None) -> dict[str, str]:
    """``acquired`` for the facts of a scene; nothing where the file does not say it, or says it as nobody can read."""
    try:
        return {} if begin is None else {"acquired": period(begin if end is None else f"{begin}/{end}")}
    except ValueError:
        return {}
