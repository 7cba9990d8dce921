"""``unmix run``: from files to results in this very process, without service or queue."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options
from cli.durations import announce
from cli.errors import InputFileError, one_line_errors
from cli.outputs import require_free
from cli.parts import part_name, part_rows, require_free_for_part, write_part_to
from cli.progress import StageBar
from cli.report import print_result
from cli.request_options import with_fields
from cli.scene_files import correction_files, library_files, scene_files, scene_name
from cli.settings import settings_with
from unmixing.io.products.folders import output_folder

if TYPE_CHECKING:
    from unmixing.io.inputs.tasks import UnmixingTask
    from unmixing.types import TrainedModel

ModelFile = Annotated[
    Path | None,
    typer.Option(
        "--model",
        metavar="MODEL.ONNX",
        help="Apply this model instead of training; the file alone is enough.",
        show_default=False,
    ),
]


@with_fields()
def run(
    scene: options.Scene,
    fields: dict[str, str],
    out: options.Out = None,
    model: ModelFile = None,
    library: options.Library = None,
    endmembers: options.Endmembers = None,
    mixing_library: options.MixingLibrary = None,
    mask: options.Mask = None,
    force: options.Force = False,
) -> None:
    """Unmix a scene, or separate a mixture matrix, here, without a service.

    Device and threads come from UNMIX_DEVICE and UNMIX_THREADS.

    Examples:

        unmix run samson.npz -p 3

        unmix run scene.hdr -p 5 -o results

        unmix run next-scene.npz --model results/model.onnx

        unmix run scene.hdr --model model.onnx --rows 0:1000 -o part-0

        unmix run spectra.csv -s 4
    """
    with one_line_errors(), tempfile.TemporaryDirectory(prefix="unmix-") as scratch:
        from unmixing.io.inputs.tasks import Request, checked_task

        rows = part_rows(fields, model)
        target = _free_target(out, scene, rows, force=force)
        request = Request(
            files=unpacked(scene_files(scene), Path(scratch)), fields=fields, scratch=Path(scratch),
            model=None if model is None else load_model(model),
            libraries=library_files(library, endmembers, mixing_library) | correction_files(mask, fields),
        )  # fmt: skip
        task = checked_task(request)
        deliver_to(target, task) if rows is None else write_part_to(target, task, rows)


def _free_target(out: Path | None, scene: Sequence[Path], rows: str | None, *, force: bool) -> Path:
    """Where the result, or the part of these rows, goes. Raises CliError when that place is taken or cannot be
    written."""
    target = out or Path(f"{scene_name(scene)}-{'unmixed' if rows is None else part_name(rows)}")
    (require_free if rows is None else require_free_for_part)(target, force=force)
    return target


def deliver_to(target: Path, task: "UnmixingTask") -> None:
    """Write products and ``result.json`` into ``target``, all or nothing, and say what was found."""
    from unmixing.io.apply.run import run_task
    from unmixing.io.products.document import write_descriptions
    from unmixing.specs import UnmixSpec
    from unmixing.types import Compute

    if isinstance(task.spec, UnmixSpec) and task.model is None:
        announce(task.spec.model_dump())
    settings = settings_with()
    compute = Compute(device=settings.device, threads=settings.threads)
    with StageBar(task.paths[0].name) as report, output_folder(target) as folder:
        document = run_task(task, folder, compute, report, lambda model: None).document
        write_descriptions(folder, document)
        report(1.0, "done")
    print_result(document, target)


def unpacked(files: Sequence[Path], scratch: Path) -> Sequence[Path]:
    """The files themselves, or what is in a zip file."""
    from unmixing.io.formats.table import ZIP, format_of
    from unmixing.io.inputs.uploads import unpack_files

    if format_of(files[0]) is not ZIP:
        return files
    shutil.copy(files[0], scratch)
    return unpack_files(scratch)


def load_model(path: Path) -> "TrainedModel":
    """The model in an ONNX file. Raises InputFileError without one, ModelFormatError when it is not one of ours."""
    from unmixing.inference.stored import read_model

    if not path.is_file():
        raise InputFileError(f"{path}: no such file")
    return read_model(path.read_bytes(), str(path))
