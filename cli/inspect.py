"""``unmix inspect``: how an input would be read, without computing."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cli import options
from cli.errors import OUTPUT, CliError, one_line_errors
from cli.manners import print_json, wants_json
from cli.report import print_warnings
from cli.request_options import with_fields
from cli.run import unpacked
from cli.scene_files import correction_files, scene_files

PictureFile = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="PICTURE.PNG", help="Write the image in false colour.", show_default=False),
]

MOST_LISTED = 8
"""Bands left out that are listed for each reason, at most."""


@with_fields(
    "kind",
    "variable",
    "axes",
    "rows",
    "columns",
    "wavelengths",
    "bad_bands",
    "keep_bands",
    "nodata",
    "scale",
    "acquired",
    "derived_from",
)
def inspect(
    scene: options.Scene,
    fields: dict[str, str],
    mask: options.Mask = None,
    out: PictureFile = None,
) -> None:
    """Say how a scene or a mixture matrix would be read, without computing.

    Format and array, shape, wavelengths, bands and pixels that are left out and why, the range of the numbers, and
    warnings about them.

    Examples:

        unmix inspect samson.npz

        unmix inspect scene.hdr -o scene.png

        unmix inspect scene.mat --variable Y --rows 95 --columns 95 --json
    """
    with one_line_errors(), tempfile.TemporaryDirectory(prefix="unmix-") as scratch:
        from unmixing.io.apply.inspecting import inspect_input
        from unmixing.io.inputs.tasks import Request

        found = inspect_input(
            Request(
                files=unpacked(scene_files(scene), Path(scratch)),
                fields=fields,
                libraries=correction_files(mask, fields),
                scratch=Path(scratch),
            )
        )
        if out is not None:
            _write_picture(out, found.picture)
    if wants_json():
        print_json(found.document)
    else:
        OUTPUT.print(_table(found.document["input"]))
        print_warnings(found.document["warnings"])


def _write_picture(path: Path, picture: bytes | None) -> None:
    if picture is None:
        raise CliError("a mixture matrix has no picture; leave out -o")
    try:
        path.write_bytes(picture)
    except OSError as error:
        raise CliError(f"{path} cannot be written ({error.strerror}); choose another file with -o") from error


def _table(read: Mapping[str, Any]) -> Table:
    """A line per fact; bands that are left out by reason."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in read.items():
        if name == "crs" and value is not None:
            table.add_row(name, value.split('"')[1] if '"' in value else value)  # its name; all of it is in the JSON
        elif name not in ("dropped_bands", "masked_pixels"):
            table.add_row(name.replace("_", " "), _plain(value))
    for reason, bands in _by_reason(read.get("dropped_bands", [])).items():
        more = ", ..." if len(bands) > MOST_LISTED else ""
        listed = ", ".join(map(str, bands[:MOST_LISTED])) + more
        table.add_row("bands left out", f"{len(bands)}: {reason} ({listed})")
    for masked in read.get("masked_pixels", []):
        table.add_row("pixels masked", f"{masked['pixels']}: {masked['reason']}")
    return table


def _plain(value: Any) -> str:
    if value is None:
        return "not stated"
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_plain(item)}" for name, item in value.items())
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _by_reason(bands: list[Mapping[str, Any]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for band in bands:
        found.setdefault(band["reason"], []).append(band["index"])
    return found
