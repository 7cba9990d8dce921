"""Which files a scene named on the command line consists of."""

from collections.abc import Sequence
from pathlib import Path

from cli.errors import InputFileError
from unmixing.io.formats.envi_pairs import with_partner
from unmixing.io.formats.folders import files_in


def scene_files(paths: Sequence[Path]) -> list[Path]:
    """The given files, without doubles, and those in the given folders; a single half of a pair with the other half
    that lies beside it.

    Raises InputFileError for a file that is not there, SceneFormatError for a folder without files.
    """
    for path in paths:
        if not (path.is_file() or path.is_dir()):
            raise InputFileError(f"{path}: no such file")
    return with_partner(files_in(dict.fromkeys(paths)))


def library_files(
    library: Sequence[Path] | None, endmembers: Sequence[Path] | None, mixing_library: Path | None
) -> dict[str, list[Path]]:
    """The files of the libraries given, by the name of their field."""
    paths = {"library": library, "endmembers": endmembers, "mixing_library": mixing_library and [mixing_library]}
    return {field: scene_files(given) for field, given in paths.items() if given}


def correction_files(mask: Path | None, fields: dict[str, str]) -> dict[str, list[Path]]:
    """The files that say how the input is to be read, by field. Wavelengths that are a file's name leave ``fields``.

    Raises InputFileError for a file that is not there.
    """
    found = {} if mask is None else {"mask": scene_files([mask])}
    wavelengths = fields.get("wavelengths", "")
    if any(character.isalpha() for character in wavelengths):
        found["wavelengths"] = scene_files([Path(fields.pop("wavelengths"))])
    return found


def scene_name(paths: Sequence[Path]) -> str:
    """A short name for the scene: its first file's, without the ending."""
    return paths[0].stem
