"""One picture of a result: the scene in false colour, a map for each endmember, and their spectra."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.offsetbox import AnchoredOffsetbox, DrawingArea, HPacker, TextArea

from unmixing.io.products.false_colour import false_colour_bands, stretched
from unmixing.io.products.palette import endmember_colour, line_style
from unmixing.io.products.pictures.figure import (
    GRID,
    HEADING_INCHES,
    INK,
    NAME_SIZE,
    NOTE_SIZE,
    POINTS_PER_INCH,
    draw_heading,
    fitted,
    new_figure,
    plain_map,
    points_wide,
    write_for_screens,
)
from unmixing.io.products.pictures.headings import (
    abundance_label,
    answer_facts,
    image_facts,
    joined,
    method_title,
    title_of,
)
from unmixing.io.products.pictures.scale_bar import draw_scale_bar, pixel_aspect
from unmixing.io.products.pictures.spectra import draw_spectra
from unmixing.io.products.result import ImageResult, mean_of_shown

WIDEST_PANEL, NARROWEST_PANEL, WIDEST_ROW = 3.2, 1.35, 11.0
"""Inches: of a map, and of all in a row."""

SPECTRA_INCHES, HIGHEST_BAR = 3.0, 2.6

SAMPLE_POINTS, NAME_GAP = 16.0, 4.0
"""Of the piece of an endmember's line before its name, and between the two."""

MOST_PER_LEGEND_COLUMN, LEGEND_POINTS = 12, 150


def write_quicklook(path: Path, result: ImageResult) -> None:
    """Draw the result and write it as PNG."""
    write_for_screens(path, drawn(result))


def drawn(result: ImageResult) -> Figure:
    """The result as a figure."""
    rows, columns, _ = result.info.shape
    n_panels, shape = len(result.unmixing.endmember_names) + 1, pixel_aspect(result.info)
    aspect = min(4.0, max(0.25, rows / columns * shape))
    n_columns = _panels_per_row(n_panels, aspect)
    n_rows = math.ceil(n_panels / n_columns)
    panel_width = min(WIDEST_PANEL, WIDEST_ROW / n_columns)
    width = max(6.0, n_columns * panel_width + 1.0)
    maps = n_rows * (panel_width * aspect + 0.5) + 0.3
    figure = new_figure(width, HEADING_INCHES + maps + SPECTRA_INCHES)
    places: Any = figure.subfigures(3, 1, height_ratios=[HEADING_INCHES, maps, SPECTRA_INCHES])
    unmixing, info = result.unmixing, result.info
    title = title_of(info.source, method_title(unmixing.provenance.get("method")))
    draw_heading(places[0], title, joined([*image_facts(info), *answer_facts(unmixing)]), width)
    _draw_maps(places[1], result, (n_rows, n_columns), panel_width, shape)
    _draw_spectra(places[2].subplots(), result)
    return figure


def _panels_per_row(n_panels: int, aspect: float) -> int:
    """So that the maps together are about half as high as wide, and none too narrow for its name."""
    best = math.sqrt(n_panels * aspect / 0.5)
    rows = max(1, round(n_panels / max(1.0, best)))
    return min(n_panels, math.floor(WIDEST_ROW / NARROWEST_PANEL), max(2, math.ceil(n_panels / rows)))


def _draw_maps(place: Any, result: ImageResult, grid: tuple[int, int], panel_width: float, shape: float) -> None:
    panels = place.subplots(*grid, squeeze=False).ravel()
    unmixing, step, points = result.unmixing, result.picture_step, panel_width * POINTS_PER_INCH - 6
    draw_image(panels[0], result, shape)
    image = None
    for index, name in enumerate(unmixing.endmember_names):
        panel = panels[index + 1]
        values = np.ma.masked_invalid(unmixing.abundances[::step, ::step, index])
        image = panel.imshow(values, vmin=0, vmax=1, cmap="viridis", interpolation="nearest", aspect=shape)
        name_map(panel, index, f"{name} (given)" if index < unmixing.n_given else name, points)
        panel.set_xlabel(_mean(result, index, points), fontsize=NOTE_SIZE, color=INK, loc="left", labelpad=3)
    for panel in panels:
        plain_map(panel)
    for panel in panels[len(unmixing.endmember_names) + 1 :]:
        panel.set_visible(False)
    # as high as one row of maps, at the top: a bar along many rows dominates the picture
    height = place.bbox.height / place.get_figure(root=True).dpi
    share = min(0.8 / grid[0], HIGHEST_BAR / height)
    bar = place.colorbar(
        image, ax=panels.tolist(), fraction=0.03, pad=0.015, shrink=share, anchor=(0.0, 0.96), aspect=20
    )
    bar.set_label(abundance_label(unmixing.abundances_of), fontsize=NAME_SIZE, color=INK)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=NOTE_SIZE)


def name_map(panel: Any, index: int, name: str, points: float) -> None:
    """Write an endmember's name over its map, after a piece of its line; both take so many points at most."""
    look: dict[str, Any] = {"color": endmember_colour(index), "linestyle": line_style(index)}
    sample = DrawingArea(SAMPLE_POINTS, NAME_SIZE)
    sample.add_artist(Line2D([0, SAMPLE_POINTS], [NAME_SIZE / 3] * 2, linewidth=2.4, **look))
    words = fitted(name, points - SAMPLE_POINTS - NAME_GAP, NAME_SIZE)
    text = TextArea(words, textprops={"size": NAME_SIZE, "color": INK, "parse_math": False})
    heading = HPacker(children=[sample, text], pad=0, sep=NAME_GAP, align="baseline")
    panel.add_artist(
        AnchoredOffsetbox(
            "lower left", child=heading, pad=0, borderpad=0.3, frameon=False, bbox_to_anchor=(0, 1),
            bbox_transform=panel.transAxes,
        )
    )  # fmt: skip


def draw_image(panel: Axes, result: ImageResult, shape: float) -> None:
    """The image in false colour or, where it is not at hand, how bright its pixels are."""
    step, valid = result.picture_step, result.pictured_pixels()
    name, note = "false colour", false_colour_bands(result.info)[1]
    picture = result.picture
    if picture is None:
        name, note = "brightness", ""
        picture = stretched(np.repeat(result.unmixing.brightness[::step, ::step, None], 3, axis=2), valid)
    panel.imshow(picture, interpolation="nearest", aspect=shape)
    panel.set_title(name, fontsize=NAME_SIZE, color=INK, loc="left")
    panel.set_xlabel(note, fontsize=NOTE_SIZE, color=INK, loc="left", labelpad=3)
    draw_scale_bar(panel, result.info, step, 16.0 if note else 3.0)


def _mean(result: ImageResult, index: int, points: float) -> str:
    """Mean abundance and, where it is known, the mean standard deviation of a pixel's, over the pixels shown; in two
    lines where one would be wider than so many points."""
    unmixing, shape = result.unmixing, result.info.shape
    said = f"mean {mean_of_shown(unmixing.abundances[..., index], shape):.2f}"
    if unmixing.uncertainty is None:
        return said
    deviation = f"pixels ± {mean_of_shown(unmixing.uncertainty[..., index], shape):.2f}"
    line = f"{said}, {deviation}"
    return line if points_wide(line, NOTE_SIZE) <= points else f"{said}\n{deviation}"


def _draw_spectra(panel: Axes, result: ImageResult) -> None:
    unmixing, info = result.unmixing, result.info
    draw_spectra(panel, unmixing.spectra, info, unmixing.endmember_names, NAME_SIZE)
    unit = info.source.get("unit")
    label = f"endmember spectrum ({unit})" if unit else "endmember spectrum"
    panel.set_ylabel(label, fontsize=NAME_SIZE, color=INK)
    panel.grid(color=GRID, linewidth=0.8)
    panel.set_axisbelow(True)
    n_columns = math.ceil(len(unmixing.endmember_names) / MOST_PER_LEGEND_COLUMN)
    legend = panel.legend(
        frameon=False,
        fontsize=NOTE_SIZE,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        ncols=n_columns,
        handlelength=2.8,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
        text.set_text(fitted(text.get_text(), LEGEND_POINTS, NOTE_SIZE))
