"""From a folder of uploaded files to the files of one scene; zip files are unpacked with suspicion."""

import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from unmixing.errors import SceneFormatError
from unmixing.io.formats.archives import open_archive
from unmixing.io.formats.reader import MAX_EXPANSION
from unmixing.io.formats.table import ZIP, format_of

MAX_MEMBERS = 20_000
"""Zarr stores have one for each chunk."""
MAX_TOTAL_BYTES = 64 * 2**30
MAX_NAME_BYTES = 200
MAX_DEPTH = 16
UNPACKED = "unpacked"
IGNORED = ("__MACOSX", ".DS_Store", "Thumbs.db")


def unpack_files(
    folder: Path,
    *,
    max_total_bytes: int = MAX_TOTAL_BYTES,
    max_ratio: float = MAX_EXPANSION,
    max_members: int = MAX_MEMBERS,
) -> list[Path]:
    """All files uploaded into ``folder``.

    A zip file is unpacked into ``folder / "unpacked"`` first, but never one inside another. Refused are
    members with ``..``, absolute paths, links, passwords; archives with more than ``max_members``, more than
    ``max_total_bytes`` unpacked, or more than ``max_ratio`` times their own size.

    Raises SceneFormatError.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
    archives = [path for path in files if format_of(path) is ZIP]
    if len(archives) > 1:
        raise SceneFormatError(f"one zip file at a time: found {', '.join(path.name for path in archives)}")
    for archive in archives:
        files.remove(archive)
        files += _unpack(archive, folder / UNPACKED, max_total_bytes, max_ratio, max_members)
    return files


def _unpack(path: Path, target: Path, max_total_bytes: int, max_ratio: float, max_members: int) -> list[Path]:
    shutil.rmtree(target, ignore_errors=True)  # what an interrupted attempt has left
    with open_archive(path) as archive:
        members = [info for info in archive.infolist() if not info.is_dir()]
        if len(members) > max_members:
            raise SceneFormatError(f"{path.name} has {len(members)} members; {max_members} are allowed")
        places = {info.filename: _place(info, path.name) for info in members}
        if len(set(places.values())) != len(members):
            raise SceneFormatError(f"{path.name} has several members of one name")
        total, size = sum(info.file_size for info in members), path.stat().st_size
        if total > max_total_bytes:
            raise SceneFormatError(f"{path.name} unpacks to {total} bytes; {max_total_bytes} are allowed")
        if total > max_ratio * size:
            raise SceneFormatError(
                f"{path.name} unpacks to {total} bytes, {total / size:.0f} times its own {size}; "
                f"{max_ratio:g}:1 is allowed"
            )
        wanted = [info for info in members if not is_clutter(places[info.filename])]
        return [_write(archive, info, target.joinpath(*places[info.filename].parts)) for info in wanted]


def _place(info: zipfile.ZipInfo, archive_name: str) -> PurePosixPath:
    """Where a member goes, below the target folder. Raises SceneFormatError for whatever would not stay there."""
    name = info.filename
    place = PurePosixPath(name)
    mode = info.external_attr >> 16
    if place.is_absolute() or "\\" in name or ":" in name or ".." in place.parts or not place.parts:
        raise SceneFormatError(f"{archive_name}: the member {name!r} would be written outside its folder")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise SceneFormatError(f"{archive_name}: the member {name!r} is a link or another special file")
    if info.flag_bits & 0x1:
        raise SceneFormatError(f"{archive_name}: the member {name!r} needs a password")
    if len(place.parts) > MAX_DEPTH or any(len(part.encode()) > MAX_NAME_BYTES for part in place.parts):
        raise SceneFormatError(f"{archive_name}: the name of the member {name[:60]!r}... is too long")
    return place


def is_clutter(place: PurePosixPath) -> bool:
    """Files that macOS and Windows leave in every zip file."""
    return any(part in IGNORED for part in place.parts) or place.name.startswith("._")


def _write(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(info) as member, target.open("xb") as file:
            shutil.copyfileobj(member, file, 2**20)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise SceneFormatError(f"the member {info.filename!r} stands in another member's way") from error
    return target
