"""One picture of a result: the scene in false colour, a map for each endmember, and their spectra."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray

from unmixing.io.products.false_colour import NO_DATA_GREY, false_colour_bands, stretched
from unmixing.io.products.palette import endmember_colour, line_style
from unmixing.io.products.result import ImageResult
from unmixing.specs import AbundancesOf
from unmixing.types import ImageInfo, Unmixing

LONG_STEP = 6.0
"""A line is broken where the next wavelength is this many times the usual step away, or lies behind."""

NO_DATA = to_hex((NO_DATA_GREY,) * 3)
INK = "#222222"


def write_quicklook(path: Path, result: ImageResult) -> None:
    """Draw the result and write it as PNG."""
    drawn(result).savefig(path, dpi=130, format="png")


def drawn(result: ImageResult) -> Figure:
    """The result as a figure."""
    rows, columns, _ = result.info.shape
    n_panels = len(result.unmixing.endmember_names) + 1
    aspect = min(4.0, max(0.25, rows / columns))
    n_columns = _panels_per_row(n_panels, aspect)
    n_rows = math.ceil(n_panels / n_columns)
    panel_width = min(3.2, 11.0 / n_columns)
    width = n_columns * panel_width + 1.0
    maps_height, spectra_height = n_rows * (panel_width * aspect + 0.35), 3.0
    figure = Figure(figsize=(width, maps_height + spectra_height + 0.5), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    panels: Any = figure.subfigures(2, 1, height_ratios=[maps_height + 0.2, spectra_height])
    _draw_maps(panels[0], result, n_rows, n_columns)
    _draw_spectra(panels[1].subplots(), result.unmixing, result.info)
    return figure


def _panels_per_row(n_panels: int, aspect: float) -> int:
    """So that the maps together are about half as high as wide."""
    best = math.sqrt(n_panels * aspect / 0.5)
    rows = max(1, round(n_panels / max(1.0, best)))
    return min(n_panels, max(2, math.ceil(n_panels / rows)))


def _draw_maps(figure: Any, result: ImageResult, n_rows: int, n_columns: int) -> None:
    axes = np.atleast_1d(figure.subplots(n_rows, n_columns, squeeze=False)).ravel()
    step, unmixing = result.picture_step, result.unmixing
    _draw_image(axes[0], result)
    image = None
    for index, name in enumerate(unmixing.endmember_names):
        panel = axes[index + 1]
        values = np.ma.masked_invalid(unmixing.abundances[::step, ::step, index])
        image = panel.imshow(values, vmin=0, vmax=1, cmap="viridis", interpolation="nearest")
        origin = " (given)" if index < unmixing.n_given else ""
        title = panel.set_title(f"■ {name}{origin}", fontsize=9, color=endmember_colour(index), loc="left")
        title.set_parse_math(False)
    for panel in axes:
        panel.set_facecolor(NO_DATA)
        panel.set_xticks([])
        panel.set_yticks([])
        panel.spines[:].set_visible(False)
    for panel in axes[len(unmixing.endmember_names) + 1 :]:
        panel.set_visible(False)
    # as high as one row of maps, at the top: a bar along many rows dominates the picture
    bar = figure.colorbar(
        image, ax=axes.tolist(), fraction=0.03, pad=0.015, shrink=0.8 / n_rows, anchor=(0.0, 0.96), aspect=20
    )
    bar.set_label(abundance_label(unmixing.abundances_of), fontsize=9, color=INK)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8)


def _draw_image(panel: Axes, result: ImageResult) -> None:
    """The image in false colour or, where it is not at hand, how bright its pixels are."""
    step, valid = result.picture_step, result.pictured_pixels()
    if result.picture is None:
        grey = np.repeat(result.unmixing.brightness[::step, ::step, None], 3, axis=2)
        panel.imshow(stretched(grey, valid), interpolation="nearest")
        panel.set_title("brightness", fontsize=9, color=INK, loc="left")
        return
    panel.imshow(stretched(result.picture, valid), interpolation="nearest")
    panel.set_title("false colour", fontsize=9, color=INK, loc="left")
    panel.set_xlabel(false_colour_bands(result.info)[1], fontsize=8, color=INK, loc="left")


def abundance_label(abundances_of: AbundancesOf) -> str:
    """Name of the maps in pictures.

    >>> abundance_label("area")
    'abundance (share of area)'
    """
    return f"abundance (share of {abundances_of})"


def _draw_spectra(axes: Axes, unmixing: Unmixing, info: ImageInfo) -> None:
    positions = np.arange(info.shape[2], dtype=float) if info.wavelengths_nm is None else info.wavelengths_nm
    order, breaks = runs(positions)
    for index, (name, spectrum) in enumerate(zip(unmixing.endmember_names, unmixing.spectra, strict=True)):
        axes.plot(
            np.insert(positions[order], breaks, np.nan),
            np.insert(spectrum[order], breaks, np.nan),
            color=endmember_colour(index),
            linestyle=line_style(index),
            linewidth=1.4,
            label=name,
        )
    axes.set_xlabel("band" if info.wavelengths_nm is None else "wavelength (nm)", fontsize=9, color=INK)
    axes.set_ylabel("endmember spectrum", fontsize=9, color=INK)
    axes.tick_params(labelsize=8, color="#999999")
    axes.grid(color="#eeeeee", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#999999")
    axes.margins(x=0.01)
    n_columns = math.ceil(len(unmixing.endmember_names) / 13)
    legend = axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0), ncols=n_columns)
    for text in legend.get_texts():
        text.set_parse_math(False)


def runs(positions: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """In which order to draw the bands, and before which of them to lift the pen.

    Spectrometers overlap: drawn in the order of the file, each gives its own line instead of a zigzag. Where
    bands have been cut out the line has a gap. Bands in no order at all are sorted.
    """
    order = np.arange(len(positions))
    steps = np.diff(positions)
    backward = steps * np.sign(np.median(steps)) <= 0
    if backward.sum() > len(positions) / 10:
        order = np.argsort(positions, kind="stable")
        steps = np.diff(positions[order])
        backward = np.zeros(len(steps), dtype=bool)
    long = np.abs(steps) > LONG_STEP * np.median(np.abs(steps))
    return order, np.flatnonzero(backward | long) + 1
