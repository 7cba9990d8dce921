"""A word beforehand on how long slow methods take."""

from collections.abc import Mapping, Sequence
from typing import Any

from cli.manners import note

MEASURED_SECONDS: Mapping[str, tuple[float, float]] = {
    "lpalm": (8.5, 10.2),
    "lista_cp": (7.8, 9.7),
    "lista": (7.5, 8.7),
    "ista": (1.4, 1.9),
    "almu": (12.9, 19.1),
    "nalmu": (9.4, 14.2),
    "archetypal": (0.1, 0.4),
    "cnnaeu": (24.8, 60.5),
    "vca_fcls": (0.1, 0.2),
    "palm": (0.4, 6.5),
    "dnmf": (6.8, 7.2),
    "snmf": (1.1, 2.9),
    "nmf": (0.4, 2.1),
}
"""Least and most that each method took on the scenes of docs/methods.md (2,500 to 10,000 pixels), on one core."""

WORTH_SAYING = 15.0
"""Seconds that nobody minds waiting for."""


def announce(request: Mapping[str, Any]) -> None:
    """Say how long the methods of a request take, where that is long. request: its fields, as the spec or the service
    has them.

    Nothing is said of a stored model and of mixture matrices, nor with ``max_training_seconds``, which says it already.
    """
    from unmixing.methods import chosen_methods

    if request.get("model") or request.get("max_training_seconds") or request.get("kind", "image") != "image":
        return
    if (said := expected(chosen_methods(request["method"]))) is not None:
        note(said)


def expected(methods: Sequence[str]) -> str | None:
    """How long they take one after the other, in a sentence; None when that is no time to speak of.

    >>> expected(["vca_fcls", "nmf"])
    >>> expected(["lpalm", "cnnaeu"])
    'lpalm, cnnaeu take 33 to 71 seconds on scenes of 2,500 to 10,000 pixels (one core); larger take longer'
    """
    least, most = (sum(MEASURED_SECONDS[method][end] for method in methods) for end in (0, 1))
    if most < WORTH_SAYING:
        return None
    verb = "take" if len(methods) > 1 else "takes"
    scenes = "on scenes of 2,500 to 10,000 pixels (one core); larger take longer"
    return f"{', '.join(methods)} {verb} {least:.0f} to {most:.0f} seconds {scenes}"
