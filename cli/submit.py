"""``unmix submit``: give a scene or a mixture matrix to a running service and fetch the results."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from cli import options
from cli.durations import announce
from cli.errors import ERRORS, INTERRUPTED, one_line_errors
from cli.outputs import require_free
from cli.progress import StageBar
from cli.report import print_result
from cli.request_options import with_fields
from cli.scene_files import correction_files, library_files, scene_files, scene_name

ModelId = Annotated[
    str | None,
    typer.Option("--model", metavar="ID", help="Apply this stored model instead of training.", show_default=False),
]
Label = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="One line to find the job by; no part of the work.", show_default=False),
]
Webhook = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Is sent the job when it ends, signed by the service.", show_default=False),
]


@with_fields()
def submit(
    scene: options.Scene,
    fields: dict[str, str],
    url: options.Url = "http://127.0.0.1:8000",
    api_key: options.ApiKey = None,
    out: options.Out = None,
    model: ModelId = None,
    library: options.Library = None,
    endmembers: options.Endmembers = None,
    mixing_library: options.MixingLibrary = None,
    mask: options.Mask = None,
    label: Label = None,
    webhook: Webhook = None,
    force: options.Force = False,
) -> None:
    """Unmix a scene, or separate a mixture matrix, on a running service and download the results.

    Work that the service has done before comes back at once.

    Examples:

        unmix submit samson.npz -p 3

        unmix submit scene.img --url https://unmix.example.org -o results

        unmix submit field.tif --label "north field" --webhook https://me.example.org/hook
    """
    with one_line_errors():
        files, fields = _without_stac(scene_files(scene), fields)
        libraries = library_files(library, endmembers, mixing_library) | correction_files(mask, fields)
        require_free(target := out or Path(f"{scene_name(scene)}-unmixed"), force=force)
        try:
            said = fields | {"model": model, "label": label, "webhook": webhook}
            request = {name: value for name, value in said.items() if value is not None}
            document = unmix_over_http(url, files, request, target, libraries, api_key)
        except JobInterrupted as interrupted:
            _say_where(interrupted.url)
            raise typer.Exit(INTERRUPTED) from None
        print_result(document, target)


def _without_stac(files: list[Path], fields: dict[str, str]) -> tuple[Sequence[Path], dict[str, str]]:
    """The scene's own files of a folder with a STAC item, and what the item says and the fields do not."""
    from unmixing.io.inputs.stac_items import stac_scene

    found = stac_scene(files)
    return (files, fields) if found is None else (found.files, {**found.facts, **fields})


class JobInterrupted(Exception):
    """Ctrl-C while the job at ``url`` was under way."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


def unmix_over_http(
    url: str,
    files: Sequence[Path],
    fields: Mapping[str, str],
    target: Path,
    libraries: Mapping[str, Sequence[Path]] = MappingProxyType({}),
    api_key: str | None = None,
) -> Mapping[str, Any]:
    """Upload, wait, download into ``target``, all or nothing; returns ``result.json``.

    Raises JobInterrupted for Ctrl-C while the job runs: the service goes on with it.
    """
    # What talks HTTP takes a while to import; `unmix --help` does without.
    from unmixing_client import UnmixClient

    with UnmixClient(url, api_key=api_key) as client:
        with StageBar("upload") as follow:
            job = client.submit(files, fields, files=libraries, progress=follow)
        if not job.info.has_ended:
            announce(job.info.inputs)
        try:
            with StageBar("job") as follow:
                job.wait(follow)
        except KeyboardInterrupt:
            raise JobInterrupted(job.url) from None
        return job.download(target, overwrite=True)


def _say_where(url: str) -> None:
    for line in (
        f"the job goes on as {url.rpartition('/')[2]}",
        f"  its state:   curl {url}",
        f"  stop it:     curl -X DELETE {url}",
        "  its result:  repeat this command; equal work is not done twice",
    ):
        ERRORS.print(line, markup=False)
