"""One picture of a separation: the columns of the mixing matrix, and the sources."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from unmixing.io.products.palette import endmember_colour, line_style
from unmixing.io.products.pictures.figure import (
    HEADING_INCHES,
    INK,
    NAME_SIZE,
    NOTE_SIZE,
    draw_heading,
    new_figure,
    plain_plot,
    write_for_screens,
)
from unmixing.io.products.pictures.headings import joined, method_title, title_of
from unmixing.mixtures.separation import Separation

MAX_SAMPLES = 600
"""Samples of a source that are drawn, the first ones; more cannot be told apart."""

PANEL_HEIGHT, WIDTH = 1.1, 11.0
"""Inches: of a source, and of the picture."""


def write_separation_quicklook(path: Path, separation: Separation, source: Mapping[str, Any]) -> None:
    """Draw the result and write it as PNG. source: how the mixtures were read."""
    write_for_screens(path, drawn_separation(separation, source))


def drawn_separation(separation: Separation, source: Mapping[str, Any]) -> Figure:
    """The result as a figure: a row per source, its column on the left, its samples on the right."""
    below = PANEL_HEIGHT * len(separation.source_names) + 0.8
    figure = new_figure(WIDTH, HEADING_INCHES + below)
    places: Any = figure.subfigures(2, 1, height_ratios=[HEADING_INCHES, below])
    draw_heading(
        places[0],
        title_of(source, method_title(separation.provenance.get("method"))),
        joined(_facts(separation)),
        WIDTH,
    )
    _draw_sources(places[1], separation)
    return figure


def _facts(separation: Separation) -> list[str]:
    metrics, (n_sources, n_channels) = separation.metrics, separation.mixing_matrix.shape
    return [
        f"{len(separation.sources)} samples x {n_channels} channels",
        f"{n_sources} sources, {'nowhere negative' if metrics.get('nonnegative') else 'signed'}",
        f"reconstruction NMSE {metrics['reconstruction_nmse']:.3g}",
    ]


def _draw_sources(place: Any, separation: Separation) -> None:
    names = separation.source_names
    panels = place.subplots(len(names), 2, sharex="col", width_ratios=[1, 2], squeeze=False)
    shown = separation.sources[:MAX_SAMPLES]
    for index, (name, (left, right)) in enumerate(zip(names, panels, strict=True)):
        colour, style = endmember_colour(index), line_style(index)
        left.plot(separation.mixing_matrix[index], color=colour, linestyle=style, linewidth=1.3)
        right.vlines(np.arange(len(shown)), 0, shown[:, index], color=colour, linewidth=0.8)
        left.set_ylabel(name, fontsize=NAME_SIZE, color=INK)
        for panel in (left, right):
            plain_plot(panel, NOTE_SIZE)
            panel.axhline(0, color="#dddddd", linewidth=0.8, zorder=0)
    panels[0, 0].set_title("columns of the mixing matrix", fontsize=NAME_SIZE, color=INK, loc="left")
    n_samples = len(separation.sources)
    title = "sources" if n_samples <= MAX_SAMPLES else f"sources, the first {MAX_SAMPLES} of {n_samples} samples"
    panels[0, 1].set_title(title, fontsize=NAME_SIZE, color=INK, loc="left")
    panels[-1, 0].set_xlabel("channel", fontsize=NAME_SIZE, color=INK)
    panels[-1, 1].set_xlabel("sample", fontsize=NAME_SIZE, color=INK)
