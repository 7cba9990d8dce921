"""The options that several commands share, worded once; those of a request's fields are in ``request_options``."""

from pathlib import Path
from typing import Annotated

import typer

from unmixing.io.formats.table import IMAGE_FORMATS, MATRIX_FORMATS, MIXING_LIBRARY_FORMATS
from unmixing.specs import InputSpec

Scene = Annotated[
    list[Path],
    typer.Argument(
        metavar="SCENE...",
        help=f"An image: {IMAGE_FORMATS} (either half finds the other), a zip of it, or a folder with a STAC item. Or "
        f"a mixture matrix, samples x channels: {MATRIX_FORMATS}.",
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
Library = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Name the endmembers by this spectral library: CSV, either half of an ENVI library (.sli, .hdr), field "
        "spectra (ASD, SED, ECOSTRESS, USGS), several files or a zip of them.",
        show_default=False,
    ),
]
Endmembers = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Keep the spectra of this library as endmembers and find the rest of -p; formats as of --library, on the "
        "image's scale.",
        show_default=False,
    ),
]
Mask = Annotated[
    Path | None, typer.Option(metavar="FILE", help=InputSpec.model_fields["mask"].description, show_default=False)
]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="FOLDER", help="Where the results go; SCENE-unmixed when not given."),
]
Force = Annotated[
    bool, typer.Option("--force", help="Write into OUT although it is not empty; the result there is replaced.")
]
Data = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Data folder. Default: UNMIX_DATA, else ./unmix-data.", show_default=False),
]
Url = Annotated[str, typer.Option(envvar="UNMIX_URL", help="Where the service runs.")]
ApiKey = Annotated[
    str | None,
    typer.Option(
        "--api-key",
        metavar="KEY",
        envvar="UNMIX_API_KEY",
        help="API key of the service; better in UNMIX_API_KEY, for other users of this machine can see options.",
        show_default=False,
        show_envvar=False,
    ),
]
