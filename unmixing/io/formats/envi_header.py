"""The text of an ENVI header, as a mapping of lower-case keys to text."""

from collections.abc import Mapping
from pathlib import Path

from unmixing.errors import SceneFormatError

MAX_HEADER_BYTES = 16 * 2**20


def is_envi_header(start: bytes) -> bool:
    """Whether a file that starts like this is a header; some writers put a byte order mark or blanks first.

    >>> is_envi_header(b"ENVI lines = 5")
    True
    """
    return start.removeprefix(b"\xef\xbb\xbf").lstrip()[:4] == b"ENVI"


def read_envi_header(path: Path) -> dict[str, str]:
    """Every ``key = value``, the keys in lower case; a value in braces may span lines and comes without the braces.

    Raises SceneFormatError.
    """
    with path.open("rb") as file:
        content = file.read(MAX_HEADER_BYTES + 1)
    if len(content) > MAX_HEADER_BYTES or not is_envi_header(content):
        raise SceneFormatError(f"{path.name} is no ENVI header")
    lines = iter(content.decode("utf-8", errors="replace").splitlines()[1:])
    fields = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if not equals or line.lstrip().startswith(";"):
            continue
        parts = [value.strip()]
        if parts[0].startswith("{"):
            while "}" not in parts[-1]:
                following = next(lines, None)
                if following is None:
                    raise SceneFormatError(f"{path.name}: the list of {key.strip()!r} has no end: no closing brace")
                parts.append(following.strip())
        text = " ".join(parts)
        if text.startswith("{"):
            text = text[1:].partition("}")[0]
        fields[" ".join(key.lower().split())] = text.strip()
    return fields


def whole_number(fields: Mapping[str, str], key: str, name: str, default: int | None = None) -> int:
    """A count that is not negative; ``default`` when it is missing. name: of the file, for errors.

    Raises SceneFormatError for anything else, and for a missing one without a default.
    """
    text = fields.get(key)
    if text is None and default is not None:
        return default
    # isdecimal also keeps out what int() would take: signs, underscores, other scripts' digits are harmless
    if text is None or not text.isdecimal() or len(text) > 18:
        raise SceneFormatError(f"{name}: {key!r} must be a whole number, it is {text or 'missing'}")
    return int(text)


def number(fields: Mapping[str, str], key: str, name: str) -> float | None:
    """A number, None when it is missing. name: of the file, for errors. Raises SceneFormatError."""
    if key not in fields:
        return None
    return numbers(fields[key], key, name, 1)[0]


def numbers(text: str, key: str, name: str, count: int | None = None) -> list[float]:
    """The numbers of a list, separated by commas or blanks, as many as ``count`` says. name: of the file, for errors.

    Raises SceneFormatError.

    >>> numbers("400, 500.5", "wavelength", "scene.hdr", 2)
    [400.0, 500.5]
    """
    try:
        values = [float(part) for part in text.replace(",", " ").split()]
    except ValueError as error:
        raise SceneFormatError(f"{name}: {key!r} has an entry that is no number: {error}") from error
    if count is not None and len(values) != count:
        raise SceneFormatError(f"{name}: {key!r} has {len(values)} entries, {count} are needed")
    return values
