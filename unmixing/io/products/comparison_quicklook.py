"""One picture of a comparison: a row per method, a map per endmember, and their spectra."""

import math
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from unmixing.comparison import Comparison
from unmixing.io.products.palette import endmember_colour, line_style
from unmixing.io.products.quicklook import INK, NO_DATA, abundance_label, runs
from unmixing.methods import METHODS
from unmixing.types import ImageInfo, Unmixing

MAX_SIDE = 400
"""Pixels of a map that are drawn; larger ones are thinned out."""

MAP_WIDTH, SPECTRA_WIDTH = 1.7, 2.8
"""Inches."""


def write_comparison_quicklook(path: Path, comparison: Comparison, info: ImageInfo) -> None:
    """Draw all answers and write them as PNG. Spectra have norm 1 here: methods differ in what their length means."""
    count, n_methods = len(comparison.first.endmembers), len(comparison.answers)
    aspect = min(2.0, max(0.4, info.shape[0] / info.shape[1]))
    size = (count * MAP_WIDTH + SPECTRA_WIDTH + 0.9, n_methods * MAP_WIDTH * aspect + 0.9)
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    widths = [1.0] * count + [SPECTRA_WIDTH / MAP_WIDTH]
    panels = figure.subplots(n_methods, count + 1, squeeze=False, width_ratios=widths)
    image: Any = None
    for row, (method, answer) in zip(panels, comparison.answers.items(), strict=True):
        image = _draw_maps(row[:-1], answer, info)
        row[0].set_ylabel(textwrap.fill(METHODS[method].title, 18), fontsize=9, color=INK)
        _draw_spectra(row[-1], answer, info)
    for index, panel in enumerate(panels[0, :-1]):
        panel.set_title(f"■ endmember {index + 1}", fontsize=9, color=endmember_colour(index), loc="left")
    panels[0, -1].set_title("spectra, norm 1", fontsize=9, color=INK, loc="left")
    panels[-1, -1].set_xlabel("band" if info.wavelengths_nm is None else "wavelength (nm)", fontsize=8, color=INK)
    bar = figure.colorbar(image, ax=panels[-1, :-1].tolist(), location="bottom", fraction=0.05, aspect=40)
    bar.set_label(abundance_label(comparison.first.abundances_of), fontsize=8, color=INK)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=7)
    figure.savefig(path, dpi=110, format="png")


def _draw_maps(panels: Any, answer: Unmixing, info: ImageInfo) -> Any:
    step = max(1, math.ceil(max(info.shape[:2]) / MAX_SIDE))
    image = None
    for index, panel in enumerate(panels):
        values = np.ma.masked_invalid(answer.abundances[::step, ::step, index])
        image = panel.imshow(values, vmin=0, vmax=1, cmap="viridis", interpolation="nearest")
        panel.set_facecolor(NO_DATA)
        panel.set_xticks([])
        panel.set_yticks([])
        panel.spines[:].set_visible(False)
    return image


def _draw_spectra(panel: Any, answer: Unmixing, info: ImageInfo) -> None:
    positions = np.arange(info.shape[2], dtype=float) if info.wavelengths_nm is None else info.wavelengths_nm
    order, breaks = runs(positions)
    for index, spectrum in enumerate(answer.endmembers):
        unit = spectrum / max(float(np.linalg.norm(spectrum[info.used_bands])), 1e-30)
        panel.plot(
            np.insert(positions[order], breaks, np.nan),
            np.insert(unit[order], breaks, np.nan),
            color=endmember_colour(index),
            linestyle=line_style(index),
            linewidth=1.1,
        )
    panel.tick_params(labelsize=7, color="#999999")
    panel.spines[["top", "right"]].set_visible(False)
    panel.spines[["left", "bottom"]].set_color("#999999")
    panel.margins(x=0.01)
