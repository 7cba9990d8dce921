"""Which files a scene named on the command line consists of."""

from collections.abc import Sequence
from pathlib import Path

from cli.errors import CliError
from unmixing.io.formats.envi_pairs import with_partner


def scene_files(paths: Sequence[Path]) -> list[Path]:
    """The given files, without doubles; a single half of an ENVI pair with the other half that lies beside it; of a
    folder with a STAC catalog or item all files.

    Raises CliError for a file that is not there, SceneFormatError for another folder.
    """
    if len(paths) == 1 and paths[0].is_dir():
        from unmixing.io.inputs.stac_items import folder_files

        return folder_files(paths[0])
    for path in paths:
        if not path.is_file():
            raise CliError(f"{path}: no such file")
    return with_partner(list(dict.fromkeys(paths)))


def library_files(library: Path | None, endmembers: Path | None, mixing_library: Path | None) -> dict[str, list[Path]]:
    """The files of the libraries given, by the name of their field."""
    paths = {"library": library, "endmembers": endmembers, "mixing_library": mixing_library}
    return {field: scene_files([path]) for field, path in paths.items() if path is not None}


def correction_files(mask: Path | None, fields: dict[str, str]) -> dict[str, list[Path]]:
    """The files that say how the input is to be read, by field. Wavelengths that are a file's name leave ``fields``.

    Raises CliError for a file that is not there.
    """
    found = {} if mask is None else {"mask": scene_files([mask])}
    wavelengths = fields.get("wavelengths", "")
    if any(character.isalpha() for character in wavelengths):
        found["wavelengths"] = scene_files([Path(fields.pop("wavelengths"))])
    return found


def scene_name(paths: Sequence[Path]) -> str:
    """A short name for the scene: its first file's, without the ending."""
    return paths[0].stem
