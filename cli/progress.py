"""Progress for people: a bar on a terminal, one line for each stage elsewhere."""

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from cli.errors import ERRORS


class StageBar:
    """Follows one piece of work. Call it with the fraction done (0 to 1) and the stage in words."""

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

    def __call__(self, fraction: float, stage: str) -> None:
        self._progress.update(self._task, completed=fraction, stage=stage)
        # Stages count within themselves ("epoch 3 of 40"); a log wants the stage once.
        kind = stage.rstrip("0123456789 /.%").split(" ")[0]
        if kind != self._stage and not ERRORS.is_terminal:
            ERRORS.print(f"{self._title}: {fraction:4.0%} {stage}", markup=False)
        self._stage = kind
