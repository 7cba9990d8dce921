"""Whether a folder can take what a command writes."""

import tempfile
from pathlib import Path

from cli.errors import CliError
from unmixing.io.products.folders import require_empty


def require_free(out: Path, *, force: bool) -> None:
    """Refuse a folder that holds something, or that cannot be made or written; asked before the work, not after.

    Nothing is left behind. Raises CliError and OutputFolderError.
    """
    require_writable(out)
    mend = "choose another folder with -o, or overwrite with --force"
    require_empty(out, overwrite=force, mend=mend)


def require_writable(out: Path) -> None:
    """Refuse a folder that is a file, lies below one, or cannot be made or written. Raises CliError."""
    try:
        if out.exists() and not out.is_dir():
            raise CliError(f"{out} is a file; choose another folder with -o")
        place = next(folder for folder in (out.resolve(), *out.resolve().parents) if folder.exists())
        if not place.is_dir():
            raise CliError(f"{out} lies below {place.name}, which is a file; choose another folder with -o")
        # Permissions say little: of the superuser, of read-only and of special file systems. Trying says all.
        with tempfile.TemporaryDirectory(prefix=".unmix-", dir=place):
            pass
    except OSError as error:
        raise CliError(f"{out} cannot be written ({error.strerror}); choose another folder with -o") from error
