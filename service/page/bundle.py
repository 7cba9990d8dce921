"""The bundled page: its files by name, each perhaps compressed beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DIST = Path(__file__).parent / "dist"
WHY_MISSING = "missing.txt"

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".npz": "application/octet-stream",
    ".txt": "text/plain; charset=utf-8",
}

ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""By the name in ``Accept-Encoding``, the ending of a file compressed that way; the better first."""


@dataclass(frozen=True)
class Bundle:
    """build: part of the address of every file but ``index.html``, another one whenever any of them changes."""

    build: str
    files: Mapping[str, Path]

    @property
    def index(self) -> Path:
        return self.files["index.html"]


def load_bundle(folder: Path = DIST) -> Bundle | None:
    """The bundle in a folder, None where none was built."""
    try:
        facts = json.loads((folder / "build.json").read_text("utf-8"))
    except FileNotFoundError:
        return None
    return Bundle(facts["build"], {name: folder / name for name in [*facts["names"], "index.html"]})


def why_missing(folder: Path = DIST) -> str:
    """Why there is no bundle, in one sentence without its full stop."""
    try:
        reason = (folder / WHY_MISSING).read_text("utf-8").strip()
    except FileNotFoundError:
        return "the package was not built; `pip install .` bundles it"
    return f"{reason} when the package was built; `pip install .` where npm reaches its registry bundles it"


def best_encoding(accepted: str, path: Path) -> tuple[Path, str | None]:
    """The file to send to whoever accepts these encodings, and the name of its own.

    accepted: the header ``Accept-Encoding``.
    """
    names = {part.partition(";")[0].strip() for part in accepted.lower().split(",") if "q=0" not in part}
    for name, ending in ENCODINGS.items():
        compressed = path.with_name(path.name + ending)
        if name in names and compressed.exists():
            return compressed, name
    return path, None
