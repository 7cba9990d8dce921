"""``unmix run``: from files to results in this very process, without service or queue."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options
from cli.errors import OUTPUT, CliError, one_line_errors
from cli.outputs import output_folder, require_free
from cli.progress import StageBar
from cli.report import print_summary
from cli.scene_files import scene_files, scene_name
from cli.settings import settings_with
from model_store.results import DOCUMENT, write_document
from unmixing.specs import UnmixSpec
from unmixing.types import Compute, Cube, Progress, SpectralLibrary, TrainedModel, Unmixing

if TYPE_CHECKING:
    from unmixing.io import SceneReader

ModelFile = Annotated[
    Path | None,
    typer.Option(
        "--model",
        metavar="MODEL.ONNX",
        help="Apply this model instead of training; its result.json or manifest.json must lie beside it.",
        show_default=False,
    ),
]


def run(
    scene: options.Scene,
    n_endmembers: options.NEndmembers = None,
    out: options.Out = None,
    method: options.Method = "lpalm",
    seed: options.Seed = 0,
    variable: options.Variable = None,
    model: ModelFile = None,
    library: options.Library = None,
    max_training_seconds: options.MaxTrainingSeconds = None,
    force: options.Force = False,
) -> None:
    """Unmix a scene here, without a service.

    Device and threads come from UNMIX_DEVICE and UNMIX_THREADS.

    Examples:

        unmix run samson.npz -p 3

        unmix run scene.hdr -p 5 -o results

        unmix run next-scene.npz --model results/model.onnx
    """
    with one_line_errors():
        files = scene_files(scene)
        spectra = None if library is None else read_spectra(library)
        target = out or Path(f"{scene_name(scene)}-unmixed")
        require_free(target, force=force)
        trained = None if model is None else load_model(model)
        spec = UnmixSpec(method=method, n_endmembers=n_endmembers, seed=seed, max_training_seconds=max_training_seconds)
        document = unmix_to(target, files, variable, spec, trained, spectra)
        print_summary(document)
        OUTPUT.print(f"results in {target.resolve()}", markup=False)


def unmix_to(
    target: Path,
    files: Sequence[Path],
    variable: str | None,
    spec: UnmixSpec,
    model: TrainedModel | None,
    library: SpectralLibrary | None = None,
) -> dict[str, Any]:
    """Write products and ``result.json`` into ``target``, all or nothing, and return the document."""
    from unmixing import unmix
    from unmixing.io import write_products
    from unmixing.io.streaming import can_stream
    from unmixing.naming import name_endmembers, require_match

    settings = settings_with()
    compute = Compute(device=settings.device, threads=settings.threads)
    with StageBar(files[0].name) as report:
        report(0.0, "reading the scene")
        if model is not None and can_stream(model):
            document = stream_to(target, files, variable, spec, model, library, compute, report)
            report(1.0, "done")
            return document
        with opened_scene(files, variable, spec.n_endmembers) as reader:
            cube = reader.read()
        if library is not None:
            require_match(library, cube.wavelengths_nm, cube.used_bands)
        unmixing = unmix(cube, **spec.model_dump(), model=model, compute=compute, progress=report)
        if library is not None:
            unmixing = name_endmembers(unmixing, cube, library)
        report(1.0, "writing the results")
        with output_folder(target) as folder:
            document = _described(folder, unmixing, cube, write_products(folder, unmixing, cube))
        report(1.0, "done")
    return document


def stream_to(
    target: Path,
    files: Sequence[Path],
    variable: str | None,
    spec: UnmixSpec,
    model: TrainedModel,
    library: SpectralLibrary | None,
    compute: Compute,
    report: Progress,
) -> dict[str, Any]:
    """``unmix_to`` for a stored model: the scene is read, unmixed and written block by block, whatever its size."""
    from unmixing.io.streaming import apply_to_scene

    count = spec.n_endmembers
    with opened_scene(files, variable, count) as reader, output_folder(target) as folder:
        return _described(
            folder,
            *apply_to_scene(
                reader, model, folder, n_endmembers=count, library=library, compute=compute, progress=report
            ),
        )


def _described(folder: Path, unmixing: Unmixing, cube: Cube, media_types: Mapping[str, str]) -> dict[str, Any]:
    """Write ``result.json`` beside the products."""
    from unmixing.results import result_document

    sizes = {name: (folder / name).stat().st_size for name in media_types}
    document = result_document(unmixing, cube, media_types=media_types, sizes=sizes)
    write_document(folder, document)
    return document


@contextmanager
def opened_scene(files: Sequence[Path], variable: str | None, n_endmembers: int | None) -> Iterator["SceneReader"]:
    """The scene that ``files`` make up, checked the way the service checks uploads."""
    from unmixing.io import check_scene, open_scene, unpack_upload

    with tempfile.TemporaryDirectory(prefix="unmix-") as scratch:
        if files[0].suffix.lower() == ".zip":
            shutil.copy(files[0], scratch)
            files = unpack_upload(Path(scratch))
        with open_scene(files, variable, scratch=Path(scratch)) as reader:
            check_scene(reader, n_endmembers)
            yield reader


def read_spectra(path: Path) -> SpectralLibrary:
    """The spectral library of ``path`` and, for ENVI, of the file beside it."""
    from unmixing.io import read_library

    return read_library(scene_files([path]))


def load_model(path: Path) -> TrainedModel:
    """A model as the other commands left it. Raises CliError when a part is missing."""
    if not path.is_file():
        raise CliError(f"{path}: no such file")
    manifest = _manifest(path.with_name("manifest.json"), path.with_name(DOCUMENT))
    if manifest is None:
        raise CliError(f"neither manifest.json nor {DOCUMENT} with a model lies beside {path}")
    return TrainedModel(path.read_bytes(), manifest)


def _manifest(manifest: Path, document: Path) -> Mapping[str, Any] | None:
    try:
        if manifest.is_file():
            found = json.loads(manifest.read_text("utf-8"))
        elif document.is_file():
            found = (json.loads(document.read_text("utf-8"))["model"] or {}).get("manifest")
        else:
            return None
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise CliError(f"the description beside the model cannot be read ({error})") from error
    return found if isinstance(found, dict) else None
