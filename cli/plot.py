"""``unmix plot``: the picture of a finished result, for the screen or for a paper."""

import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from cli import options
from cli.errors import OUTPUT, CliError, InputFileError, one_line_errors
from cli.manners import print_json, wants_json
from unmixing.errors import ResultFormatError, needing
from unmixing.io.products.folders import DOCUMENT

FORMATS = ("png", "pdf", "svg")

JOB_ID = re.compile(r"[0-9a-f]{32}")


Results = Annotated[
    str,
    typer.Argument(
        metavar="RESULTS", help="A folder of results, the zip of one, or the id of a job.", show_default=False
    ),
]
AsFormat = Annotated[
    str | None,
    typer.Option("--format", metavar="png|pdf|svg", help="Default: as -o ends, else png.", show_default=False),
]
Picture = Annotated[
    Path | None,
    typer.Option(
        "-o", "--out", metavar="FILE", help="Default: the name of RESULTS, in this folder.", show_default=False
    ),
]
OneMethod = Annotated[
    str | None,
    typer.Option("--method", metavar="NAME", help="Of several methods, draw this one alone.", show_default=False),
]


def plot(
    results: Results,
    form: AsFormat = None,
    out: Picture = None,
    method: OneMethod = None,
    url: options.Url = "http://127.0.0.1:8000",
    api_key: options.ApiKey = None,
) -> None:
    """Draw finished results: the scene, maps, spectra; of several methods side by side.

    Examples:

        unmix plot samson-unmixed

        unmix plot results.zip -o figure-3.pdf

        unmix plot comparison-unmixed --method lpalm --format svg

        unmix plot 6f0c7ad2a0e94d6fb4d0b6a8f3f0a111 --url https://unmix.example.org
    """
    with one_line_errors(), TemporaryDirectory(prefix="unmix-") as scratch:
        written_as = _format(form, out)
        with needing("plot"):
            from unmixing.io.products.pictures.figure import PRINT_DPI, written
            from unmixing.io.products.stored_pictures import figure_of

        with _opened(results, method, Path(scratch), url, api_key) as (document, folder):
            picture = written(figure_of(document, folder, method), written_as, PRINT_DPI)
        target = out or Path(f"{_name(Path(results).resolve())}.{written_as}")
        try:
            target.write_bytes(picture)
        except OSError as error:
            raise CliError(f"{target} cannot be written ({error.strerror}); choose another file with -o") from error
        if wants_json():
            print_json({"picture": str(target.resolve())})
        OUTPUT.print(f"picture in {target.resolve()}", markup=False)


def _name(results: Path) -> str:
    return results.name if results.is_dir() else results.name.removesuffix(".zip")


def _format(form: str | None, out: Path | None) -> str:
    """The format asked for, or that of the file's ending. Raises CliError for another one, and where the two
    disagree."""
    ending = "" if out is None else out.suffix.lower().removeprefix(".")
    if form is not None and form not in FORMATS:
        raise CliError(f"--format is {form!r}; pictures are written as {', '.join(FORMATS)}")
    if form is None and ending and ending not in FORMATS:
        raise CliError(f"{out} ends in .{ending}; pictures are written as {', '.join(FORMATS)}, or say --format")
    if form is not None and ending in FORMATS and ending != form:
        raise CliError(f"--format is {form} and {out} ends in .{ending}; leave one of them out")
    return form or ending or "png"


@contextmanager
def _opened(
    results: str, method: str | None, scratch: Path, url: str, api_key: str | None
) -> Iterator[tuple[Mapping[str, Any], Path]]:
    """The document of a result, and a folder with the files that its picture needs."""
    from unmixing.io.products.stored_pictures import files_to_draw, read_stored

    place = Path(results)
    if place.is_dir():
        if not (place / DOCUMENT).is_file():
            raise ResultFormatError(f"{place} holds no {DOCUMENT}; name the folder that `unmix run` or `submit` made")
        yield read_stored((place / DOCUMENT).read_bytes(), str(place / DOCUMENT)), place
    elif place.is_file():
        with zipfile.ZipFile(place) if zipfile.is_zipfile(place) else _no_zip(place) as archive:
            yield _unpacked(archive, method, scratch), scratch
    elif JOB_ID.fullmatch(results):
        from unmixing_client import UnmixClient

        with UnmixClient(url, api_key=api_key) as client:
            job = client.job(results)
            document = job.document()
            for name in files_to_draw(document, method):
                job.fetch(name, scratch / name)
        yield document, scratch
    else:
        raise InputFileError(f"{results}: no such folder or zip, and no id of a job")


def _no_zip(place: Path) -> zipfile.ZipFile:
    raise ResultFormatError(f"{place} is no zip; name a folder of results, the zip of one, or the id of a job")


def _unpacked(archive: zipfile.ZipFile, method: str | None, scratch: Path) -> Mapping[str, Any]:
    """The document in the archive, perhaps in a folder there; what its picture needs is written into ``scratch``."""
    from unmixing.io.products.stored_pictures import files_to_draw, read_stored

    documents = [name for name in archive.namelist() if Path(name).name == DOCUMENT]
    if not documents:
        raise ResultFormatError(f"{archive.filename} holds no {DOCUMENT}; name the zip of a result")
    inside = documents[0].removesuffix(DOCUMENT)
    document = read_stored(archive.read(documents[0]), f"{documents[0]} in {archive.filename}")
    there = set(archive.namelist())
    for name in files_to_draw(document, method):
        if f"{inside}{name}" in there:
            (scratch / name).write_bytes(archive.read(f"{inside}{name}"))
    return document
