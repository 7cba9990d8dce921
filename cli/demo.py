"""``unmix demo``: the whole service on a scene whose truth is known, in one command."""

import importlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import options
from cli.errors import ERRORS, INTERRUPTED, OUTPUT, CliError, one_line_errors
from cli.manners import note
from cli.outputs import require_writable
from cli.report import print_evaluation, print_result
from cli.request_options import with_fields
from cli.scene_files import correction_files, scene_files, scene_name
from cli.submit import JobInterrupted, unmix_over_http
from supervision.command import command
from unmixing.errors import needing
from unmixing.io.inputs.requests import INPUT_FIELDS

SCENE_SEED = 7
N_MATERIALS = 4
START_SECONDS = 60.0
STOP_SECONDS = 30.0
MAX_GENERATED = 6

Folder = Annotated[Path, typer.Option("-o", "--out", metavar="FOLDER", help="Keeps scene, service data and results.")]


@with_fields("n_endmembers", "abundances_of", "pure_pixels", "seed", "max_training_seconds", *INPUT_FIELDS)
def demo(
    fields: dict[str, str],
    scene: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[SCENE...]",
            help="Your own scene. When not given, one with known truth is made: leaves, soil and water.",
            show_default=False,
        ),
    ] = None,
    mask: options.Mask = None,
    out: Folder = Path("unmix-demo"),
) -> None:
    """Show the whole service: start it on a free port, unmix a scene over HTTP, print where the pictures lie.

    Errors against the truth are printed at the end when the scene has one; the service never uses it.
    Repeated on the same scene, the demo finds its work done.

    Examples:

        unmix demo

        unmix demo -p 3

        unmix demo samson.npz -p 3
    """
    with one_line_errors():
        require_writable(out)
        if not scene:
            fields.setdefault("n_endmembers", str(N_MATERIALS))
        files = scene_files(scene) if scene else [make_scene(out, int(fields["n_endmembers"]))]
        target, corrections = out / f"{scene_name(files)}-unmixed", correction_files(mask, fields)
        with running_service(out / "service") as url:
            note(f"the service runs on {url}")
            try:
                document = unmix_over_http(url, files, fields, target, corrections)
            except JobInterrupted:
                ERRORS.print("stopped; the same command takes it up again")
                raise typer.Exit(INTERRUPTED) from None
        _print_outcome(files[0], target, document)


def _print_outcome(scene: Path, target: Path, document: Mapping[str, Any]) -> None:
    """The summary, the error against the truth where the scene has one, with a picture, and where the files lie."""
    import numpy as np

    from unmixing.io.inputs.truth import read_truth
    from unmixing.io.products.pictures.truth import write_truth_picture
    from unmixing.simulation.evaluation import evaluate

    print_result(document, target)
    if (known := read_truth(scene)) is None:
        return
    endmembers = np.array(document["endmembers"]["values"], dtype=np.float64)
    abundances, abundances_of = np.load(target / "abundances.npy"), document["abundances_of"]
    truth = known.counting(abundances_of)
    if (evaluation := evaluate(truth, endmembers, abundances)) is None:
        return
    print_evaluation(evaluation, abundances_of)
    if evaluation.abundance_rmse is not None:
        picture = target.with_name(f"{target.name}-beside-truth.png")
        write_truth_picture(picture, truth, evaluation, endmembers, abundances)
        OUTPUT.print(f"the truth beside the answer: {picture.resolve()}", markup=False)


def make_scene(folder: Path, n_materials: int) -> Path:
    """Generate the demo's scene with its truth, laid out like the scenes people publish."""
    import numpy as np

    from unmixing.simulation.generated import generate_scene
    from unmixing.simulation.spectra import MATERIALS

    if n_materials > MAX_GENERATED:
        raise CliError(f"the generated scene has at most {MAX_GENERATED} materials; give a scene of your own")
    made = generate_scene(np.random.default_rng(SCENE_SEED), materials=list(MATERIALS)[:n_materials])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"generated-{n_materials}-materials.npz"
    np.savez(
        path,
        cube=made.cube,
        wavelengths_nm=made.wavelengths_nm,
        endmembers=made.endmembers,
        abundances=made.abundances,
        names=np.array(made.names),
        abundances_of="area",
    )
    OUTPUT.print(f"made a scene of {', '.join(made.names)}: {path.resolve()}", markup=False)
    return path


@contextmanager
def running_service(data: Path) -> Iterator[str]:
    """A service of its own, with queue and workers, on a free port; stopped when the block ends."""
    with needing("service"):
        importlib.import_module("supervision.supervisor")
    port = _free_port()
    data.mkdir(parents=True, exist_ok=True)
    log_path = data / "service.log"
    with log_path.open("w") as log:
        tree = subprocess.Popen(
            command("tree"),
            env=_environment(data, port),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(tree, url, log_path)
        yield url
    finally:
        _stop(tree)


def _environment(data: Path, port: int) -> Mapping[str, str]:
    # A Redis of the user's has nothing to do with the demo: it must leave nothing there.
    others = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "UNMIX_REDIS_URL")}
    own = {"UNMIX_HOST": "127.0.0.1", "UNMIX_PORT": str(port), "UNMIX_DATA": str(data.resolve())}
    return {**others, **own, "UNMIX_WORKERS": "1"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_until_ready(tree: subprocess.Popen[bytes], url: str, log: Path) -> None:
    from unmixing_client import UnmixClient

    deadline = time.monotonic() + START_SECONDS
    with UnmixClient(url) as client:
        while not client.ready():
            if tree.poll() is not None or time.monotonic() > deadline:
                last = log.read_text("utf-8", errors="replace").strip().splitlines()[-1:] or ["no message"]
                raise CliError(f"the service did not start: {last[0]} (more in {log.resolve()})")
            time.sleep(0.2)


def _stop(tree: subprocess.Popen[bytes]) -> None:
    tree.send_signal(signal.SIGTERM)
    try:
        tree.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        tree.kill()
