"""The tables of a report, as rows of texts, from the document of a result."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from unmixing.io.products.maps import read_maps
from unmixing.io.products.result import mean_of_shown
from unmixing.io.products.schemas.metrics import ImageMetrics, SeparationMetrics

Row = tuple[str, ...]

MOST_NUMBERS = 8
"""Of a list that are shown; longer ones, as a training's curves, are in ``result.json``."""

MOST_BANDS = 12
"""That are listed for each reason, at most."""

ELSEWHERE = frozenset(("dropped_bands", "crs", "files", "passed_over", "fwhm_nm"))


def said(value: Any) -> str:
    """A value in words.

    >>> [said(value) for value in (None, True, 0.123456, [1, 2], 5, {"a": None})]
    ['not set', 'yes', '0.1235', '1, 2', '5', 'a: not set']
    """
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e6 else f"{value:.9g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {said(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(said, value)) or "none"
    return str(value)


def megabytes(size: int) -> str:
    """A size in words.

    >>> megabytes(781), megabytes(781_000_000)
    ('781 bytes', '781 MB')
    """
    return f"{size} bytes" if size < 10_000 else f"{size / 1e6:.3g} MB"


def flat(values: Mapping[str, Any]) -> list[Row]:
    """A row for every value, those in mappings too.

    >>> flat({"seed": 0, "network": {"n_layers": 8}})
    [('seed', '0'), ('network.n_layers', '8')]
    """
    rows: list[Row] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += [(f"{name}.{inner}", text) for inner, text in flat(value)]
        else:
            rows.append((name, said(value)))
    return rows


def materials(folder: Path, read: Mapping[str, Any], answer: Mapping[str, Any], prefix: str) -> tuple[Row, list[Row]]:
    """Titles, and a row for every endmember of an answer. read: the input. prefix: of the names of its files."""
    maps, shape = read_maps(folder, prefix), (read["rows"], read["columns"], read["bands"])
    names, metrics = answer["endmembers"]["names"], answer["metrics"]
    matches = metrics.get("library_matches") or [[]] * len(names)
    rows = []
    for index, name in enumerate(names):
        mean = f"{mean_of_shown(maps.abundances[..., index], shape):.3f}"
        if maps.uncertainty is not None:
            mean += f" ± {mean_of_shown(maps.uncertainty[..., index], shape):.3f}"
        found = ", ".join(f"{match['name']} ({match['angle_radians']:.3f} rad)" for match in matches[index])
        named = f"{name} (given)" if answer["endmembers"]["given"][index] else name
        presence = metrics["endmember_presence"][index]
        rows.append((named, mean, _percent(presence), said(answer["endmembers"]["norms"][index]), found))
    head: Row = ("material", "mean abundance", "pixels with more than 10 %", "norm of its spectrum", "most like")
    keep = 5 if any(row[4] for row in rows) else 4
    return head[:keep], [row[:keep] for row in rows]


def _percent(share: float | None) -> str:
    return "not known" if share is None else f"{100 * share:.1f} %"


def compared(answers: Iterable[Mapping[str, Any]], title: Callable[[str], str]) -> tuple[Row, list[Row]]:
    """Titles, and a row for every method."""
    rows: list[Row] = []
    for answer in answers:
        figures, seconds = answer["metrics"], answer["metrics"]["seconds"]["total"]
        own = (_percent(figures["reconstruction_relative"]), said(figures["reconstruction_sam_radians"]), said(seconds))
        to_first = (said(answer["sad_to_first_radians"]), said(answer["abundance_rmse_to_first"]))
        rows.append((title(answer["method"]), *own, *(to_first if rows else ("", ""))))
    head = ("method", "not explained", "angle to reconstruction (rad)", "seconds")
    return (*head, "endmembers: angle to first (rad)", "abundances: RMSE to first"), rows


def metrics(found: Mapping[str, Any]) -> list[Row]:
    """A row for every figure that is a number, a word or a short list, with what it means."""
    described = SeparationMetrics if "reconstruction_nmse" in found else ImageMetrics
    rows: list[Row] = []
    for name, value in found.items():
        field = described.model_fields.get(name)
        too_long = isinstance(value, list) and len(value) > MOST_NUMBERS
        if value is None or too_long or name in ("library_matches", "seconds"):
            continue
        meaning = "" if field is None else (field.description or "")
        rows.append((name, said(value), meaning.replace("`", "")))
    return rows


def read(found: Mapping[str, Any]) -> list[Row]:
    """A row for every fact about the input."""
    rows: list[Row] = [("files", said(found.get("files", [])))]
    rows += [(name, said(value)) for name, value in found.items() if name not in ELSEWHERE and _is_known(value)]
    if found.get("crs"):
        text = found["crs"]
        rows.append(("crs", text.split('"')[1] if '"' in text else text))
    reasons: dict[str, list[str]] = {}
    for band in found.get("dropped_bands", []):
        nm = band["wavelength_nm"]
        reasons.setdefault(band["reason"], []).append(
            str(band["index"]) + (f" ({nm:.0f} nm)" if nm is not None else "")
        )
    for reason, bands in reasons.items():
        rows.append(("bands left out", f"{len(bands)}, {reason}: {_listed(bands)}"))
    return rows


def _is_known(value: Any) -> bool:
    return value is not None and value != [] and not (isinstance(value, float) and math.isnan(value))


def _listed(bands: Sequence[str]) -> str:
    return ", ".join(bands[:MOST_BANDS]) + (", ..." if len(bands) > MOST_BANDS else "")
