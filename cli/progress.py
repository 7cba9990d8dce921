"""Progress for people: a bar on a terminal, one line for each stage elsewhere."""

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from cli.errors import ERRORS
from unmixing.progress import in_words


class StageBar:
    """Follows one piece of work. See ``unmixing.progress.Progress``."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._stage = ""
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[stage]}"),
            console=ERRORS,
            disable=not ERRORS.is_terminal,
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
            ERRORS.print(f"{self._title}: {share:4.0%} {stage}", markup=False)
        self._stage = stage
