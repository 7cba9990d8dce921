"""One picture of a comparison: the scene, figures of all methods, and a row of maps and spectra for each."""

import math
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from unmixing.comparison import Comparison
from unmixing.io.products.pictures.figure import (
    HEADING_INCHES,
    INK,
    NAME_SIZE,
    NOTE_SIZE,
    POINTS_PER_INCH,
    draw_heading,
    fitted,
    new_figure,
    plain_map,
    write_for_screens,
)
from unmixing.io.products.pictures.headings import abundance_label, image_facts, joined, method_title, title_of
from unmixing.io.products.pictures.quicklook import draw_image, name_map
from unmixing.io.products.pictures.scale_bar import pixel_aspect
from unmixing.io.products.pictures.spectra import draw_spectra
from unmixing.io.products.result import ImageResult
from unmixing.types import Float32, ImageInfo, Unmixing

MAX_SIDE = 400
"""Pixels of a map that are drawn; larger ones are thinned out."""

WIDEST_MAP, NARROWEST_MAP, ALL_MAPS = 1.7, 0.8, 11.0
SPECTRA_WIDTH, IMAGE_WIDTH, LEAST_WIDTH = 2.8, 2.3, 8.0
LINE_HEIGHT = 0.19
"""Inches."""

COLUMNS = (
    ("method", 0.0), ("not\nexplained", 0.42), ("angle to\nreconstruction", 0.56), ("seconds", 0.68),
    ("endmembers:\nangle to first", 0.82), ("abundances:\nRMSE to first", 0.97),
)  # fmt: skip
"""Of the table: titles, and where they stand in its width; all but the first are flush right there."""

HEADER_LINES = 2.4


def write_comparison_quicklook(path: Path, comparison: Comparison, first: ImageResult) -> None:
    """Draw all answers and write them as PNG. first: the result of the first method."""
    write_for_screens(path, drawn_comparison(comparison, first))


def drawn_comparison(comparison: Comparison, first: ImageResult) -> Figure:
    """All answers as a figure. Spectra have norm 1 here: methods differ in what their length means."""
    info, answers = first.info, comparison.answers
    count, shape = len(comparison.first.endmembers), pixel_aspect(first.info)
    aspect = min(2.0, max(0.4, info.shape[0] / info.shape[1] * shape))
    map_width = min(WIDEST_MAP, max(NARROWEST_MAP, ALL_MAPS / count))
    width = max(LEAST_WIDTH, count * map_width + SPECTRA_WIDTH + 0.9)
    n_lines = len(answers) + len(comparison.failures) + HEADER_LINES
    above = max(IMAGE_WIDTH * aspect + 0.8, n_lines * LINE_HEIGHT)
    below = len(answers) * map_width * aspect + 0.9
    figure = new_figure(width, HEADING_INCHES + above + below)
    places: Any = figure.subfigures(3, 1, height_ratios=[HEADING_INCHES, above, below])
    title = title_of(info.source, f"{len(answers)} methods compared")
    draw_heading(places[0], title, joined([*image_facts(info), f"{count} endmembers"]), width)
    image, table = places[1].subplots(1, 2, width_ratios=[IMAGE_WIDTH, width - IMAGE_WIDTH])
    draw_image(image, first, shape)
    plain_map(image)
    _draw_table(table, comparison, above, (width - IMAGE_WIDTH - 0.5) * POINTS_PER_INCH)
    _draw_answers(places[2], comparison, info, map_width, shape)
    return figure


def _draw_table(panel: Any, comparison: Comparison, height: float, points: float) -> None:
    """Figures of every method, and why others have none. height: of the panel, in inches; points: its width."""
    panel.axis("off")
    line = LINE_HEIGHT / (height - 0.2)
    say = {"transform": panel.transAxes, "fontsize": NOTE_SIZE, "color": INK, "va": "top", "parse_math": False}
    for number, cells in enumerate(_table(comparison)):
        for (_, place), cell in zip(COLUMNS, cells, strict=True):
            row = 0.0 if number == 0 else HEADER_LINES + number - 1
            weight = "bold" if number == 0 else "normal"
            panel.text(place, 1 - row * line, cell, ha="right" if place else "left", weight=weight, **say)
    for number, (method, why) in enumerate(comparison.failures.items(), start=len(comparison.answers)):
        text = fitted(f"{method_title(method)}: {why}", points, NOTE_SIZE)
        panel.text(0, 1 - (HEADER_LINES + number) * line, text, **say)


def _table(comparison: Comparison) -> list[list[str]]:
    rows = [[title for title, _ in COLUMNS]]
    for number, (method, answer) in enumerate(comparison.answers.items()):
        metrics, (angle, difference) = answer.metrics, comparison.agreement(method)
        own = [
            f"{100 * metrics['reconstruction_relative']:.2f} %",
            f"{metrics['reconstruction_sam_radians']:.3f} rad",
            f"{metrics['seconds']['total']:.1f}",
        ]
        to_first = [f"{angle:.3f} rad", f"{difference:.3f}"] if number else ["", ""]
        rows.append([method_title(method), *own, *to_first])
    return rows


def _draw_answers(place: Any, comparison: Comparison, info: ImageInfo, map_width: float, shape: float) -> None:
    """A row of maps and spectra for every method."""
    names = comparison.first.endmember_names
    widths = [1.0] * len(names) + [SPECTRA_WIDTH / map_width]
    panels = place.subplots(len(comparison.answers), len(names) + 1, squeeze=False, width_ratios=widths)
    image: Any = None
    for row, (method, answer) in zip(panels, comparison.answers.items(), strict=True):
        image = _draw_maps(row[:-1], answer, info, shape)
        row[0].set_ylabel(textwrap.fill(method_title(method), 18), fontsize=NAME_SIZE, color=INK)
        draw_spectra(row[-1], _unit(answer.endmembers), info, names, NOTE_SIZE)
        if row is not panels[-1]:
            row[-1].set_xlabel("")
    for index, (name, panel) in enumerate(zip(names, panels[0, :-1], strict=True)):
        name_map(panel, index, name, map_width * POINTS_PER_INCH - 6)
    panels[0, -1].set_title("spectra, norm 1", fontsize=NAME_SIZE, color=INK, loc="left")
    bar = place.colorbar(image, ax=panels[-1, :-1].tolist(), location="bottom", fraction=0.05, aspect=40)
    bar.set_label(abundance_label(comparison.first.abundances_of), fontsize=NOTE_SIZE, color=INK)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=NOTE_SIZE - 1)


def _draw_maps(panels: Any, answer: Unmixing, info: ImageInfo, shape: float) -> Any:
    step = max(1, math.ceil(max(info.shape[:2]) / MAX_SIDE))
    image = None
    for index, panel in enumerate(panels):
        values = np.ma.masked_invalid(answer.abundances[::step, ::step, index])
        image = panel.imshow(values, vmin=0, vmax=1, cmap="viridis", interpolation="nearest", aspect=shape)
        plain_map(panel)
    return image


def _unit(endmembers: Float32) -> Float32:
    """Each divided by its norm over the bands that are used."""
    norms = np.sqrt(np.nansum(endmembers.astype(np.float64) ** 2, axis=1, keepdims=True))
    unit: Float32 = (endmembers / np.maximum(norms, 1e-30)).astype(np.float32)
    return unit
