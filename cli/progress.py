"""Progress for people: a bar on a terminal, one line for each stage elsewhere."""

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column

from cli.errors import ERRORS
from cli.manners import is_quiet, note
from unmixing.progress import in_words

NAME_WIDTH, BAR_WIDTH = 16, 16
"""Columns of a terminal; with percent and time some 30 of 80 are left for the stage."""


class StageBar:
    """Follows one piece of work. See ``unmixing.progress.Progress``."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._stage = ""
        self._progress = Progress(
            TextColumn("{task.description}", table_column=Column(no_wrap=True, max_width=NAME_WIDTH)),
            BarColumn(bar_width=BAR_WIDTH, table_column=Column(min_width=BAR_WIDTH)),
            TaskProgressColumn(table_column=Column(min_width=4)),
            # Elapsed, and left: the longest stages report often enough for their speed to be known.
            TimeRemainingColumn(elapsed_when_finished=True, table_column=Column(min_width=7)),
            # The one column that gives way, at its end, and never by a second line.
            TextColumn("{task.fields[stage]}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
            console=ERRORS,
            expand=True,
            disable=not ERRORS.is_terminal or is_quiet(),
        )
        self._task = self._progress.add_task(title, total=1.0, stage="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, share: float, stage: str, detail: str = "") -> None:
        self._progress.update(self._task, completed=share, stage=in_words(stage, detail))
        # A log wants a stage once, without the figures that change within it.
        if stage != self._stage and not ERRORS.is_terminal:
            note(f"{self._title}: {share:4.0%} {stage}")
        self._stage = stage
