"""Styles of QGIS: it takes the ``.qml`` that lies beside a layer's file and is called like it."""

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from unmixing.io.products.dominant import NO_DATA_CODE
from unmixing.io.products.palette import VIRIDIS, endmember_colour
from unmixing.io.products.result import ImageResult

QGIS_VERSION = "3.22"
"""The oldest version whose styles these are; newer ones read them."""


def write_dominant_style(path: Path, result: ImageResult) -> None:
    """Names and colours of the dominant endmembers, the colours those of the pictures."""
    renderer = _renderer("paletted")
    palette = ElementTree.SubElement(renderer, "colorPalette")
    for index, name in enumerate(result.unmixing.endmember_names):
        entry = {"value": str(NO_DATA_CODE + 1 + index), "color": endmember_colour(index), "label": name}
        ElementTree.SubElement(palette, "paletteEntry", {**entry, "alpha": "255"})
    _write(path, renderer)


def write_abundance_style(path: Path, result: ImageResult) -> None:
    """Shares from 0 to 1 in the colours of the pictures, of the first endmember; the style is that of every band."""
    renderer = _renderer("singlebandpseudocolor", classificationMin="0", classificationMax="1")
    shader = ElementTree.SubElement(
        ElementTree.SubElement(renderer, "rastershader"), "colorrampshader", colorRampType="INTERPOLATED",
        classificationMode="1", clip="0", minimumValue="0", maximumValue="1", labelPrecision="3",
    )  # fmt: skip
    for step, colour in enumerate(VIRIDIS):
        value = f"{step / (len(VIRIDIS) - 1):g}"
        ElementTree.SubElement(shader, "item", value=value, color=colour, label=value, alpha="255")
    _write(path, renderer)


def _renderer(kind: str, **attributes: str) -> ElementTree.Element:
    common: Mapping[str, str] = {"type": kind, "band": "1", "opacity": "1", "alphaBand": "-1", "nodataColor": ""}
    renderer = ElementTree.Element("rasterrenderer", {**common, **attributes})
    ElementTree.SubElement(renderer, "rasterTransparency")
    return renderer


def _write(path: Path, renderer: ElementTree.Element) -> None:
    root = ElementTree.Element("qgis", version=QGIS_VERSION, styleCategories="Symbology")
    ElementTree.SubElement(root, "pipe").append(renderer)
    ElementTree.SubElement(root, "blendMode").text = "0"
    ElementTree.indent(root)
    with path.open("wb") as file:
        file.write(b"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n")
        ElementTree.ElementTree(root).write(file, encoding="utf-8")
