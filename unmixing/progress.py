"""Progress of long work: how much is done, which stage it is in, and the figures of that stage."""

from typing import Protocol


class Progress(Protocol):
    """Called with the share done (0 to 1), the stage in words, and figures that change within the stage.

    It may raise ``Cancelled``, which stops the work at that step.
    """

    def __call__(self, share: float, stage: str, detail: str = "") -> None: ...


def silent(share: float, stage: str, detail: str = "") -> None:
    """The progress of whoever does not want to hear of it."""


def part_of(progress: Progress, first: float, last: float) -> Progress:
    """The progress of a piece of work that takes the whole's share from ``first`` to ``last``.

    >>> part_of(lambda share, stage, detail="": print(share, stage, detail), 0.5, 1.0)(0.5, "training", "epoch 3")
    0.75 training epoch 3
    """

    def report(share: float, stage: str, detail: str = "") -> None:
        progress(first + (last - first) * share, stage, detail)

    return report


def never_back(progress: Progress) -> Progress:
    """The same, but no share is less than one reported before, nor outside of 0 to 1.

    >>> forwards = never_back(lambda share, stage, detail="": print(share, stage))
    >>> forwards(0.4, "counting endmembers"); forwards(0.1, "training")
    0.4 counting endmembers
    0.4 training
    """
    highest = 0.0

    def report(share: float, stage: str, detail: str = "") -> None:
        nonlocal highest
        highest = max(highest, min(share, 1.0))
        progress(highest, stage, detail)

    return report


def in_words(stage: str, detail: str) -> str:
    """Stage and figures as one text, for people."""
    return f"{stage}: {detail}" if detail else stage
