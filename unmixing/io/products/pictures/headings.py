"""The words of pictures: the scene's name, the method, and the figures that tell results apart."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unmixing.methods import METHODS
from unmixing.specs import AbundancesOf
from unmixing.types import ImageInfo, Unmixing


def scene_name(source: Mapping[str, Any]) -> str:
    """Name of the scene, after its file; empty for one in memory. source: how it was read.

    >>> scene_name({"files": ["flight.hdr", "flight.img"]}), scene_name({})
    ('flight', '')
    """
    files = source.get("files", [])
    return Path(files[0]).stem if files else ""


def title_of(source: Mapping[str, Any], method: str) -> str:
    """Scene and method. method: what it is called in words, perhaps nothing."""
    return ", ".join(part for part in (scene_name(source), method) if part)


def method_title(name: str | None) -> str:
    """The name of a method in words."""
    return METHODS[name].title if name is not None and name in METHODS else (name or "")


def image_facts(info: ImageInfo) -> list[str]:
    """Size and bands."""
    rows, columns, bands = info.shape
    used = int(info.used_bands.sum())
    said = f"{bands} bands" if used == bands else f"{used} of {bands} bands"
    if info.wavelengths_nm is not None:
        known = info.wavelengths_nm[info.used_bands]
        said += f", {known.min():.0f}-{known.max():.0f} nm"
    return [f"{rows} x {columns} pixels", said]


def answer_facts(unmixing: Unmixing) -> list[str]:
    """How many endmembers, and how much of the image they do not explain."""
    facts = [f"{len(unmixing.endmember_names)} endmembers"]
    if (error := unmixing.metrics.get("reconstruction_relative")) is not None:
        facts.append(f"{100 * error:.2g} % of the signal not explained")
    return facts


def joined(facts: list[str]) -> str:
    """Facts in one line."""
    return "   ·   ".join(facts)


def abundance_label(abundances_of: AbundancesOf) -> str:
    """Name of the maps in pictures.

    >>> abundance_label("area")
    'abundance (share of area)'
    """
    return f"abundance (share of {abundances_of})"
