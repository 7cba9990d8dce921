"""One picture of a separation: the columns of the mixing matrix, and the sources."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from unmixing.io.products.palette import endmember_colour, line_style
from unmixing.io.products.quicklook import INK
from unmixing.mixtures.separation import Separation

MAX_SAMPLES = 600
"""Samples of a source that are drawn, the first ones; more cannot be told apart."""

PANEL_HEIGHT = 1.1
"""Inches per source."""


def write_separation_quicklook(path: Path, separation: Separation) -> None:
    """Draw the result and write it as PNG: a row per source, its column on the left, its samples on the right."""
    names = separation.source_names
    figure = Figure(figsize=(11.0, PANEL_HEIGHT * len(names) + 0.8), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    panels = np.atleast_2d(figure.subplots(len(names), 2, sharex="col", width_ratios=[1, 2], squeeze=False))
    shown = separation.sources[:MAX_SAMPLES]
    for index, (name, (left, right)) in enumerate(zip(names, panels, strict=True)):
        colour, style = endmember_colour(index), line_style(index)
        left.plot(separation.mixing_matrix[index], color=colour, linestyle=style, linewidth=1.3)
        right.vlines(np.arange(len(shown)), 0, shown[:, index], color=colour, linewidth=0.8)
        left.set_ylabel(name, fontsize=9, color=colour)
        for panel in (left, right):
            _plain(panel)
    panels[0, 0].set_title("columns of the mixing matrix", fontsize=9, color=INK, loc="left")
    n_samples = len(separation.sources)
    title = "sources" if n_samples <= MAX_SAMPLES else f"sources, the first {MAX_SAMPLES} of {n_samples} samples"
    panels[0, 1].set_title(title, fontsize=9, color=INK, loc="left")
    panels[-1, 0].set_xlabel("channel", fontsize=9, color=INK)
    panels[-1, 1].set_xlabel("sample", fontsize=9, color=INK)
    figure.savefig(path, dpi=130, format="png")


def _plain(panel: Any) -> None:
    panel.tick_params(labelsize=8, color="#999999")
    panel.spines[["top", "right"]].set_visible(False)
    panel.spines[["left", "bottom"]].set_color("#999999")
    panel.axhline(0, color="#dddddd", linewidth=0.8, zorder=0)
    panel.margins(x=0.01)
