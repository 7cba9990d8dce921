"""The parts that all pictures share: their colours, their heading, their axes, and the files they are written to."""

import io
import re
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from unmixing.io.products.false_colour import NO_DATA_GREY

NO_DATA = to_hex((NO_DATA_GREY,) * 3)
INK, FAINT, GRID = "#222222", "#666666", "#eeeeee"

SCREEN_DPI, PRINT_DPI = 130, 300

NAME_SIZE, NOTE_SIZE = 9.0, 8.0
"""Points, of names of materials, and of what is said beside them."""

POINTS_PER_INCH = 72
HEADING_INCHES = 0.55

FONTS: Any = {"pdf.fonttype": 42, "svg.hashsalt": "unmixing"}
"""Fonts in PDF stay TrueType, which journals ask for; equal pictures are equal files."""

NO_DATE: dict[str, dict[str, None]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
"""By format, what takes the moment of drawing out of the file."""


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure, in inches, of no window system."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def written(figure: Figure, form: str, dpi: int) -> bytes:
    """The figure as a file. form: ``png``, ``pdf`` or ``svg``. dpi: of pixels, and of maps in the other two."""
    file = io.BytesIO()
    with rc_context(FONTS):
        figure.savefig(file, dpi=dpi, format=form, metadata=NO_DATE[form])
    return file.getvalue()


def write_for_screens(path: Path, figure: Figure) -> None:
    """Write a PNG."""
    path.write_bytes(written(figure, "png", SCREEN_DPI))


def draw_heading(place: Any, title: str, facts: str, width: float) -> None:
    """A bold line and a smaller one, shortened to the ``width`` of the picture in inches. place: a subfigure."""
    points = (width - 0.2) * POINTS_PER_INCH
    left = 0.06 / width
    for text, size, weight, colour, height in (
        (title, 12.0, "bold", INK, 0.9), (facts, NAME_SIZE, "normal", FAINT, 0.4),
    ):  # fmt: skip
        fitting = fitted(text, points / (1.12 if weight == "bold" else 1.0), size)
        place.text(left, height, fitting, size=size, weight=weight, color=colour, va="top", parse_math=False)


def plain_map(panel: Any) -> None:
    """Axes of a map: no ticks, no frame, grey where there is no data."""
    panel.set_facecolor(NO_DATA)
    panel.set_xticks([])
    panel.set_yticks([])
    panel.spines[:].set_visible(False)


def plain_plot(panel: Any, tick_size: float) -> None:
    """Axes of curves: faint ticks, no frame above and on the right."""
    panel.tick_params(labelsize=tick_size, color="#999999")
    panel.spines[["top", "right"]].set_visible(False)
    panel.spines[["left", "bottom"]].set_color("#999999")
    panel.margins(x=0.01)


def points_wide(text: str, size: float) -> float:
    """How wide a text is in a picture, in points."""
    width: float = text_to_path.get_text_width_height_descent(text, FontProperties(size=size), ismath=False)[0]
    return width


def fitted(text: str, points: float, size: float) -> str:
    """The text, cut short where it is wider than so many points. A number at its end, which tells it from its
    namesakes, stays.

    >>> fitted("water", 200, 9), fitted("grass (agricultural grassland) 2", 80, 9)
    ('water', 'grass (agricul… 2')
    """
    if points_wide(text, size) <= points:
        return text
    number = re.search(r" \d+$", text)
    end = "…" + (number.group() if number else "")
    head = text.removesuffix(number.group()) if number else text
    while head and points_wide(head + end, size) > points:
        head = head[:-1]
    return head.rstrip(" (,") + end
