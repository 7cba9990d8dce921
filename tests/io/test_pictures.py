"""Pictures of results: what they say, and that it can be told apart and read."""

import re
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from rasterio.crs import CRS

from tests.conftest import REPOSITORY
from tests.io.test_io_products import result_of, scene, unmixing_of
from unmixing.comparison import Comparison
from unmixing.io.products.palette import COLOURS, endmember_colour, line_style
from unmixing.io.products.pictures.comparison import drawn_comparison
from unmixing.io.products.pictures.figure import written
from unmixing.io.products.pictures.quicklook import drawn
from unmixing.io.products.pictures.scale_bar import bar_of, pixel_aspect
from unmixing.types import Georeference

LONG = tuple(f"grass (agricultural grassland, dry, of the second year) {number}" for number in range(1, 9))

MACHADO = {
    "protan": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deutan": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritan": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
"""What the colour-blind see of linear red, green and blue (Machado, Oliveira and Fernandes 2009)."""

TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.95, 1.0, 1.09])


def seen(colour: str, kind: str) -> Any:
    """CIELAB of a colour as the colour-blind see it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(np.array(MACHADO[kind]) @ linear, 0, 1) / WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def said(figure: Figure) -> list[str]:
    """All words of a picture."""
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.mark.parametrize("kind", MACHADO)
def test_lines_that_differ_in_colour_alone_are_told_apart_by_the_colour_blind(kind: str) -> None:
    for one, other in combinations(range(len(COLOURS)), 2):
        if line_style(one) == line_style(other):
            distance = np.linalg.norm(seen(endmember_colour(one), kind) - seen(endmember_colour(other), kind))
            assert distance > 15, (one, other)


def test_a_material_has_the_same_colour_on_the_page() -> None:
    page = (REPOSITORY / "service" / "page" / "src" / "paint.js").read_text("utf-8")
    colours = re.findall(r"#[0-9a-f]{6}", page.partition("COLOURS = [")[2].partition("]")[0])
    assert len(colours) == 8
    assert colours == list(COLOURS[:8])


@pytest.mark.parametrize(("crs", "transform", "length", "words", "aspect"), [
    (32633, (30.0, 0, 365055, 0, -30.0, 5807085), 16.7, "500 m", 1.0),
    (32633, (3.0, 4.0, 365055, 4.0, -3.0, 5807085), 10.0, "50 m", 1.0),
    (3857, (100.0, 0, 0, 0, -100.0, 8399738), 10.0, "500 m", 1.0),
    (4326, (0.001, 0, 13.0, 0, -0.001, 60.0), 17.9, "1 km", 2.0),
    (None, (30.0, 0, 0, 0, -30.0, 0), 10.0, "10 pixels", 1.0),
])  # fmt: skip
def test_the_bar_is_a_length_on_the_ground_where_the_place_is_known(
    crs: int | None, transform: tuple[float, ...], length: float, words: str, aspect: float
) -> None:
    wkt = None if crs is None else CRS.from_epsg(crs).to_wkt()
    cube = scene(40, 45, georeference=Georeference(wkt, tuple(transform)))  # type: ignore[arg-type]
    pixels, name = bar_of(cube)
    assert name == words
    assert pixels == pytest.approx(length, rel=0.02)
    assert pixel_aspect(cube) == pytest.approx(aspect, rel=0.02)


def test_the_picture_names_scene_method_size_means_and_uncertainty() -> None:
    cube = scene(source={"files": ["flight 7.hdr", "flight 7.img"], "unit": "reflectance"})
    shares = np.full((*cube.shape[:2], 3), [0.5, 0.3, 0.2], dtype=np.float32)
    shares[~cube.valid_pixels] = np.nan
    unmixing = replace(
        unmixing_of(cube), abundances=shares, uncertainty=np.float32(0.1) * shares,
        provenance={"method": "vca_fcls"}, metrics={"reconstruction_relative": 0.0312}, n_given=1,
    )  # fmt: skip
    words = said(drawn(result_of(unmixing, cube)))
    assert "flight 7, VCA + FCLS" in words
    facts = next(text for text in words if "pixels   ·" in text)
    for expected in ("30 x 40 pixels", "19 of 20 bands, 400-2400 nm", "3 endmembers", "3.1 % of the signal"):
        assert expected in facts
    assert {"mean 0.50, pixels ± 0.05", "mean 0.30, pixels ± 0.03", "mean 0.20, pixels ± 0.02"} <= set(words)
    assert {"soil, dry (given)", "Wasser", "10 pixels", "endmember spectrum (reflectance)"} <= set(words)


def test_no_line_is_drawn_through_bands_that_are_left_out() -> None:
    cube = scene()
    cube.used_bands[[3, 5]] = False
    unmixing = unmixing_of(cube)
    (panel,) = [axes for axes in drawn(result_of(unmixing, cube)).axes if axes.get_xlabel() == "wavelength (nm)"]
    lines = [line for line in panel.lines if line.get_linestyle() != "None"]
    assert len(lines) == 3
    for line in lines:
        assert np.flatnonzero(np.isnan(np.asarray(line.get_ydata(), dtype=float))).tolist() == [3, 5, 7]
    dots = [line for line in panel.lines if line.get_linestyle() == "None"]
    assert [np.round(np.asarray(line.get_xdata(), dtype=float)).tolist() for line in dots] == [[821, 1032]] * 3
    nm = np.asarray(cube.wavelengths_nm)
    grey = [patch.get_window_extent().transformed(panel.transData.inverted()) for patch in panel.patches]
    assert [box.x0 for box in grey] == pytest.approx(nm[[2, 4, 6]])
    assert [box.x1 for box in grey] == pytest.approx(nm[[4, 6, 8]])


@pytest.mark.parametrize("shape", [(60, 15), (15, 60)])
def test_long_names_do_not_overlap_and_keep_their_numbers(shape: tuple[int, int]) -> None:
    cube = scene(*shape)
    unmixing = unmixing_of(cube, 8)
    unmixing = replace(unmixing, endmember_names=LONG, uncertainty=(unmixing.abundances / 10).astype(np.float32))
    first = result_of(unmixing, cube)
    answers = {
        method: replace(unmixing, metrics={
            "reconstruction_relative": 0.1, "reconstruction_sam_radians": 0.2, "seconds": {"total": 3.0},
        }) for method in ("lpalm", "nmf")
    }  # fmt: skip
    comparison = Comparison(answers, {"cnnaeu": "too few pixels"})
    for figure in (drawn(first), drawn_comparison(comparison, first)):
        figure.draw_without_rendering()
        texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
        boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
        boxes = [(text, box) for text, box in boxes if not text.replace(".", "").isdigit()]  # ticks, in view or not
        assert {text[-2:] for text, _ in boxes if text.startswith("gr")} == {f" {number}" for number in range(1, 9)}
        for (one, box), (other, next_box) in combinations(boxes, 2):
            if one.startswith(("gr", "mean")) or other.startswith(("gr", "mean")):
                assert not box.overlaps(next_box), (one, other)
        assert all(box.x1 <= figure.bbox.x1 for text, box in boxes if text.startswith("gr"))


def test_a_comparison_shows_the_scene_its_figures_and_why_a_method_has_none() -> None:
    cube = scene()
    metrics = {"reconstruction_relative": 0.1234, "reconstruction_sam_radians": 0.2, "seconds": {"total": 3.04}}
    first = replace(unmixing_of(cube), metrics=metrics)
    other = replace(first, abundances=first.abundances[:, :, ::-1])
    comparison = Comparison({"lpalm": first, "nmf": other}, {"cnnaeu": "too few pixels"})
    figure = drawn_comparison(comparison, result_of(first, cube))
    words = said(figure)
    for expected in ("2 methods compared", "false colour", "12.34 %", "0.200 rad", "3.0", "CNNAEU: "):
        assert any(expected in text for text in words), expected
    assert any(text.endswith("too few pixels") for text in words)
    assert f"{comparison.agreement('nmf')[1]:.3f}" in words


@pytest.mark.parametrize(("form", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_equal_pictures_are_equal_files(form: str, start: bytes) -> None:
    cube = scene()
    first, again = (written(drawn(result_of(unmixing_of(cube), cube)), form, 100) for _ in range(2))
    assert first.startswith(start)
    assert first == again
    assert b"Type3" not in first
