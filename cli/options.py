"""The options that several commands share, worded once."""

from pathlib import Path
from typing import Annotated

import typer

from unmixing.io.formats.table import IMAGE_FORMATS, MATRIX_FORMATS, MIXING_LIBRARY_FORMATS, VARIABLE_FORMATS
from unmixing.mixtures.specs import MAX_SOURCES
from unmixing.specs import MAX_ENDMEMBERS

Scene = Annotated[
    list[Path],
    typer.Argument(
        metavar="SCENE...",
        help=f"An image: {IMAGE_FORMATS} (either half finds the other), or a zip of it. Or a mixture matrix, samples "
        f"x channels: {MATRIX_FORMATS}.",
        show_default=False,
    ),
]
NEndmembers = Annotated[
    int | None,
    typer.Option(
        "-p",
        "--n-endmembers",
        min=2,
        max=MAX_ENDMEMBERS,
        help="How many materials to look for; estimated from the scene when not given.",
        show_default=False,
    ),
]
Kind = Annotated[
    str | None,
    typer.Option(
        help="image or mixtures, where a file could be read either way; decided from the file and the other options "
        "when not given.",
        show_default=False,
    ),
]
NSources = Annotated[
    int | None,
    typer.Option("-s", "--n-sources", min=2, max=MAX_SOURCES, help="How many sources were mixed.", show_default=False),
]
Nonnegative = Annotated[
    bool | None,
    typer.Option(
        "--nonnegative/--signed",
        help="Whether sources and mixing matrix are at least 0; decided from the mixtures when not given.",
        show_default=False,
    ),
]
Sparse = Annotated[
    bool | None,
    typer.Option(
        "--sparse/--dense",
        help="Whether most samples hold few sources; decided from the mixtures when not given.",
        show_default=False,
    ),
]
MixingLibrary = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help=f"Example mixing matrices, matrices x channels x sources ({MIXING_LIBRARY_FORMATS}), to train on.",
        show_default=False,
    ),
]
Method = Annotated[
    str | None,
    typer.Option(
        help="How to unmix: lpalm, or the model's method, when not given. Several with commas between them, or "
        "`compare` for all, are shown side by side. A wrong name lists the methods there are.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of every random choice.")]
Variable = Annotated[
    str | None,
    typer.Option(help=f"Which array of a {VARIABLE_FORMATS} file is meant.", show_default=False),
]
Library = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Name the endmembers by this spectral library: CSV, or either half of an ENVI library (.sli, .hdr).",
        show_default=False,
    ),
]
MaxTrainingSeconds = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Stop training at the first epoch after this time.", show_default=False),
]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="FOLDER", help="Where the results go; SCENE-unmixed when not given."),
]
Force = Annotated[bool, typer.Option("--force", help="Write into OUT although it is not empty.")]
Data = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Data folder. Default: UNMIX_DATA, else ./unmix-data.", show_default=False),
]
