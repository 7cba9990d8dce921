"""How large what a map shows is: a bar of round length, in metres where the place on Earth is known."""

import math
from typing import Any

import pyproj
from matplotlib.transforms import ScaledTranslation
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar
from pyproj.exceptions import ProjError

from unmixing.io.products.pictures.figure import INK, NOTE_SIZE, POINTS_PER_INCH
from unmixing.types import ImageInfo

LONGEST_SHARE = 0.4
"""Of the width of a map that the bar takes at most."""

WGS84 = pyproj.Geod(ellps="WGS84")


def pixel_metres(info: ImageInfo) -> tuple[float, float] | None:
    """Width and height of the pixel in the middle of the image, on the ground; None where its place is not known."""
    place, (rows, columns, _) = info.georeference, info.shape
    if place is None or place.crs_wkt is None:
        return None
    a, b, c, d, e, f = place.transform
    points = [(columns / 2, rows / 2), (columns / 2 + 1, rows / 2), (columns / 2, rows / 2 + 1)]
    xs, ys = zip(*((a * x + b * y + c, d * x + e * y + f) for x, y in points), strict=True)
    try:
        found = pyproj.Transformer.from_crs(place.crs_wkt, "OGC:CRS84", always_xy=True).transform(xs, ys)
    except ProjError:
        return None
    (longitude, *longitudes), (latitude, *latitudes) = found
    if not all(map(math.isfinite, (longitude, latitude, *longitudes, *latitudes))):
        return None
    width, height = WGS84.inv([longitude] * 2, [latitude] * 2, longitudes, latitudes)[2]
    return (width, height) if min(width, height) > 0 else None


def pixel_aspect(info: ImageInfo) -> float:
    """Height of a pixel over its width; 1 where nothing is known of its size."""
    size = pixel_metres(info)
    return 1.0 if size is None else size[1] / size[0]


def round_length(longest: float) -> float:
    """The largest of 1, 2, 5, 10, 20 ... and 0.1, 0.2, 0.5 ... that is no longer.

    >>> [round_length(longest) for longest in (38, 1234, 0.7)]
    [20.0, 1000.0, 0.5]
    """
    power = 10.0 ** math.floor(math.log10(longest))
    return next(step for factor in (5, 2, 1) if (step := factor * power) <= longest)


def bar_of(info: ImageInfo) -> tuple[float, str]:
    """Length of the bar in pixels, and what it is called: a length on the ground, or a number of pixels."""
    longest, size = max(1.0, LONGEST_SHARE * info.shape[1]), pixel_metres(info)
    if size is None:
        pixels = round_length(longest)
        return pixels, "1 pixel" if pixels == 1 else f"{pixels:g} pixels"
    metres = round_length(longest * size[0])
    return metres / size[0], f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"


def draw_scale_bar(panel: Any, info: ImageInfo, step: int, below: float) -> None:
    """Draw the bar under the map on ``panel``, ``below`` points under its edge. step: pixels from one that is shown to
    the next."""
    pixels, said = bar_of(info)
    lower = ScaledTranslation(0, -below / POINTS_PER_INCH, panel.get_figure(root=True).dpi_scale_trans)
    bar = AnchoredSizeBar(
        panel.transData, pixels / step, said, "upper left", bbox_to_anchor=(0, 0),
        bbox_transform=panel.transAxes + lower, frameon=False, pad=0, borderpad=0.2, sep=2, color=INK,
        fontproperties={"size": NOTE_SIZE}, size_vertical=0, label_top=False,
    )  # fmt: skip
    bar.set_clip_on(False)
    panel.add_artist(bar)
