"""Parts of a large image: ``unmix run --rows`` makes one, ``unmix join`` a result of them all."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.errors import OUTPUT, CliError, one_line_errors
from cli.manners import print_json, wants_json
from cli.outputs import require_free, require_writable
from cli.progress import StageBar
from cli.report import print_result
from cli.settings import settings_with
from model_store.folders import remove_folder
from unmixing.io.products.folders import output_folder

if TYPE_CHECKING:
    from unmixing.io.inputs.tasks import UnmixingTask
    from unmixing.types import Compute

PART_DOCUMENT = "part.json"

PartFolders = Annotated[
    list[Path],
    typer.Argument(metavar="PART...", help="Folders that `unmix run --rows` made, in any order.", show_default=False),
]
JoinedOut = Annotated[Path, typer.Option("-o", "--out", metavar="FOLDER", help="Where the result goes.")]


def join(parts: PartFolders, out: JoinedOut, force: options.Force = False) -> None:
    """Make one result of the parts of an image.

    The parts come from `unmix run --rows`, on whatever machines: their rows must make up the image, each once. The
    result is the one of a single run; the parts stay as they are.

    Examples:

        unmix join part-0 part-1 part-2 -o results

        unmix join part-* -o results --force
    """
    with one_line_errors():
        from unmixing.io.apply.joining import join_parts
        from unmixing.io.products.document import write_descriptions

        require_free(out, force=force)
        with StageBar(out.name) as report, output_folder(out) as folder:
            document = join_parts(parts, folder, _compute(), report, lambda model: None).document
            write_descriptions(folder, document)
            report(1.0, "done")
        print_result(document, out)


def part_rows(fields: dict[str, str], model: Path | None) -> str | None:
    """The rows of a part, taken out of ``fields``; None when no part is meant.

    The rule: with a model, a range of rows alone is a part of the image, for `unmix join`. Without a model, or together
    with columns, it is a subset, an image of its own, as it always is over HTTP and in Python. A number without a colon
    is the size of a matrix.
    """
    part = model is not None and ":" in fields.get("rows", "") and "columns" not in fields
    return fields.pop("rows") if part else None


def part_name(rows: str) -> str:
    """Default name of the folder of a part, after the scene's name."""
    return f"rows-{rows.replace(':', '-')}"


def require_free_for_part(out: Path, *, force: bool) -> None:
    """Refuse a folder that holds something, for ``force`` something else than a part. Raises CliError."""
    require_writable(out)
    if not out.is_dir() or not any(out.iterdir()):
        return
    if not (out / PART_DOCUMENT).is_file():
        raise CliError(f"{out} is not empty and no part of an image; choose another folder with -o")
    if not force:
        raise CliError(f"{out} holds a part already; choose another folder with -o, or replace it with --force")


def write_part_to(target: Path, task: "UnmixingTask", rows: str) -> None:
    """Make ``target`` a part of the task's image, all or nothing."""
    from unmixing.io.apply.run import run_part

    with StageBar(task.paths[0].name) as report, _appearing(target) as folder:
        first, last = run_part(task, rows, folder, _compute(), report)
        report(1.0, "done")
    if wants_json():
        print_json({"folder": str(target.resolve()), "rows": [first, last]})
    OUTPUT.print(f"rows {first}:{last} in {target.resolve()}; `unmix join` makes the result of all parts", markup=False)


def _compute() -> "Compute":
    from unmixing.types import Compute

    settings = settings_with()
    return Compute(device=settings.device, threads=settings.threads)


@contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """A hidden folder beside ``out`` that takes its place when the block ends well."""
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    hidden = out.parent / f".unmix-{uuid.uuid4().hex}"
    hidden.mkdir()
    try:
        yield hidden
        remove_folder(out)
        hidden.replace(out)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
