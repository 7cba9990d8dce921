"""The colours of endmembers and of shares, the same in pictures, in the map of dominant materials and in styles."""

COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
    "#8c564b", "#6a51a3", "#7f7f7f", "#2f4b1f", "#b8b000", "#17202a",
)  # fmt: skip
"""Okabe and Ito's six, which the colour-blind can tell apart, then six more, which they can tell from each other."""

LINE_STYLES = ("-", "--", ":", "-.")

LIGHTER = (0.0, 0.3, 0.55)
"""How far the colours of the first, second and third dozen of endmembers are on their way to white."""

VIRIDIS = (
    "#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725",
)  # fmt: skip
"""Matplotlib's colour map of the pictures at equal steps, for programs that want it in numbers."""


def endmember_colour(index: int) -> str:
    """Colour of an endmember, counted from 0, as ``#rrggbb``; the same for lines and areas of up to a dozen.

    >>> endmember_colour(0), endmember_colour(12)
    ('#0072b2', '#4c9cc9')
    """
    red, green, blue = rgb(COLOURS[index % len(COLOURS)])
    lighter = LIGHTER[index // len(COLOURS) % len(LIGHTER)]
    return "#" + "".join(f"{round(part + (255 - part) * lighter):02x}" for part in (red, green, blue))


def line_style(index: int) -> str:
    """Line style of an endmember, counted from 0: of two dozen no more than six have the same, and these have colours
    that the colour-blind can tell apart.

    >>> line_style(5), line_style(6)
    ('-', '--')
    """
    return LINE_STYLES[index // (len(COLOURS) // 2) % len(LINE_STYLES)]


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue in 0 to 255 of ``#rrggbb``."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue
