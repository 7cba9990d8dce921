"""The two pictures of ``benchmarks.unrolling``: lines with their names beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator, StrMethodFormatter

from benchmarks.unrolling_images import LIBRARY, METHODS, Row, over_scenes
from benchmarks.unrolling_mixtures import BY_DEPTH, LAYER_BY_LAYER, PALM, PALM_STARTED, Point, Spread
from unmixing.io.products.palette import COLOURS
from unmixing.io.products.pictures.figure import INK
from unmixing.types import Float64

BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = COLOURS[:6]
MIXTURE_COLOURS: Mapping[str, str] = {PALM: VERMILION, PALM_STARTED: PURPLE, LAYER_BY_LAYER: BLUE}
IMAGE_COLOURS: Mapping[str, str] = dict(zip(METHODS, (BLUE, VERMILION, ORANGE, SKY, GREEN, PURPLE), strict=True))
MARKERS: Mapping[str, str] = dict(zip(METHODS, "osDv^X", strict=True))
LINE_POINTS = 11.0
"""Least distance between two names, one above the other."""


@dataclass(frozen=True)
class Name:
    """Label beside a line that ends at ``x`` and ``y``."""

    text: str
    x: float
    y: float
    colour: str


def draw_mixtures(points: Sequence[Point], path: Path) -> None:
    """NMSE of sources and of mixing matrices against layers or iterations: medians, 10th to 90th percentile shaded,
    networks of several depths as circles."""
    figure, panels = _two_panels()
    for axes, title, errors in zip(
        panels,
        ("NMSE of the sources", "NMSE of the mixing matrix"),
        ([point.sources for point in points], [point.mixing_matrix for point in points]),
        strict=True,
    ):
        pairs = list(zip(points, errors, strict=True))
        axes.set(xscale="log", yscale="log")
        names = [
            _curve(axes, [(point.n_steps, error) for point, error in pairs if point.method == method], method)
            for method in MIXTURE_COLOURS
        ]
        depths = [(point.n_steps, error.median) for point, error in pairs if point.method == BY_DEPTH]
        axes.plot(*zip(*depths, strict=True), "o", mfc="white", mec=BLUE, mew=1.5, markersize=6, zorder=4)
        _finish(axes, title, "layers (LPALM) or iterations (PALM)")
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        _write(axes, names)
    _save(figure, path)


def _curve(axes: Axes, found: Sequence[tuple[int, Spread]], method: str) -> Name:
    steps, colour = [n_steps for n_steps, _ in found], MIXTURE_COLOURS[method]
    medians = [error.median for _, error in found]
    axes.plot(steps, medians, color=colour, linewidth=1.8, zorder=3)
    low, high = [error.low for _, error in found], [error.high for _, error in found]
    axes.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
    circles = "\ncircles: trained at that depth" if method == LAYER_BY_LAYER else ""
    return Name(method + circles, steps[-1], medians[-1], colour)


def draw_images(rows: Sequence[Row], path: Path) -> None:
    """NMSE of abundances and of endmembers against layers, geometric means over the scenes."""
    figure, panels = _two_panels()
    layers = sorted({row.n_layers for row in rows if row.n_layers})
    for axes, quantity in zip(panels, ("abundances", "endmembers"), strict=True):
        axes.set(xscale="log", yscale="log")
        library: float = getattr(over_scenes(rows, LIBRARY, 0), quantity)
        axes.plot([layers[0], layers[-1]], [library] * 2, color=INK, linewidth=1.0, linestyle="--", zorder=1)
        names = [Name(LIBRARY, layers[-1], library, INK)]
        for method in METHODS:
            errors = [getattr(over_scenes(rows, method, n_layers), quantity) for n_layers in layers]
            colour = IMAGE_COLOURS[method]
            axes.plot(layers, errors, color=colour, linewidth=1.8, marker=MARKERS[method], markersize=5, zorder=3)
            names.append(Name(method, layers[-1], errors[-1], colour))
        _finish(axes, f"NMSE of the {quantity}", "layers")
        axes.set_xticks(layers, [str(n_layers) for n_layers in layers])
        axes.xaxis.set_minor_locator(NullLocator())
        # Less than a factor of ten high: powers of ten alone would leave nothing to read.
        axes.yaxis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
        for set_formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            set_formatter(StrMethodFormatter("{x:g}"))
        _write(axes, names)
    _save(figure, path)


def _two_panels() -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(10.5, 4.2), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(1, 2))


def _finish(axes: Axes, title: str, steps: str) -> None:
    axes.set_title(title, fontsize=10, color=INK, loc="left")
    axes.set_xlabel(steps, fontsize=9, color=INK)
    axes.tick_params(labelsize=8, color="#999999", which="both")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(color="#eeeeee", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#999999")


def _write(axes: Axes, names: Sequence[Name]) -> None:
    """Names to the right of the lines' ends; those that would overlap are moved apart."""
    ordered = sorted(names, key=lambda name: name.y)
    # The layout may still change the height of the panel a little, which moves the names as much as the lines.
    points_per_pixel = 72 / axes.figure.dpi
    heights = np.array([axes.transData.transform((name.x, name.y))[1] * points_per_pixel for name in ordered])
    for name, shift in zip(ordered, _apart(heights) - heights, strict=True):
        axes.annotate(
            name.text, (name.x, name.y), (7, shift), textcoords="offset points", fontsize=9, color=name.colour,
            verticalalignment="center", annotation_clip=False,
        )  # fmt: skip


def _apart(heights: Float64) -> Float64:
    """The nearest ascending heights that keep LINE_POINTS between neighbours: least squares by pooling, as in
    isotonic regression."""
    lines = LINE_POINTS * np.arange(len(heights))
    pooled: list[tuple[float, int]] = []
    for height in heights - lines:
        mean, weight = float(height), 1
        while pooled and pooled[-1][0] > mean:
            last, n_last = pooled.pop()
            mean, weight = (mean * weight + last * n_last) / (weight + n_last), weight + n_last
        pooled.append((mean, weight))
    means, weights = (np.array(column) for column in zip(*pooled, strict=True))
    apart: Float64 = np.repeat(means, weights) + lines
    return apart


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=110, format="png")
