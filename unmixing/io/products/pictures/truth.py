"""One picture of an answer beside the truth: a column for each material, with both maps and both spectra."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unmixing.io.products.palette import endmember_colour
from unmixing.io.products.pictures.figure import (
    HEADING_INCHES,
    INK,
    NAME_SIZE,
    NOTE_SIZE,
    POINTS_PER_INCH,
    draw_heading,
    new_figure,
    plain_map,
    plain_plot,
    write_for_screens,
)
from unmixing.io.products.pictures.headings import abundance_label
from unmixing.io.products.pictures.quicklook import name_map
from unmixing.simulation.evaluation import Evaluation, Real, Truth

MAP_INCHES, LABEL_INCHES, LEAST_INCHES = 2.1, 1.1, 5.5
SPECTRA_INCHES = 1.6


def write_truth_picture(path: Path, truth: Truth, evaluation: Evaluation, endmembers: Real, abundances: Real) -> None:
    """Draw the answer beside a truth that has abundances of the same size, and write it as PNG. Spectra have norm 1:
    their shapes are compared.

    endmembers: (n_endmembers, bands), NaN in bands that were not used; abundances: (rows, columns, n_endmembers).
    """
    if truth.abundances is None or evaluation.abundance_rmse is None:
        raise ValueError("the truth has no abundances of this size to draw")
    count = len(truth.names)
    aspect = min(2.0, max(0.4, abundances.shape[0] / abundances.shape[1]))
    width, maps = max(LEAST_INCHES, count * MAP_INCHES + LABEL_INCHES), 2 * MAP_INCHES * aspect + 0.5
    figure = new_figure(width, HEADING_INCHES + maps + SPECTRA_INCHES)
    places: Any = figure.subfigures(3, 1, height_ratios=[HEADING_INCHES, maps, SPECTRA_INCHES])
    facts = f"abundances off by {evaluation.abundance_rmse:.3f} (root mean square)"
    draw_heading(places[0], "The truth beside the answer", facts, width)
    shown = {"truth": truth.abundances, "answer": abundances[:, :, list(evaluation.matched)]}
    panels = places[1].subplots(2, count, squeeze=False)
    image: Any = None
    for row, (title, shares) in zip(panels, shown.items(), strict=True):
        row[0].set_ylabel(title, fontsize=NAME_SIZE, color=INK)
        for index, panel in enumerate(row):
            image = panel.imshow(
                np.ma.masked_invalid(shares[:, :, index]), vmin=0, vmax=1, cmap="viridis", interpolation="nearest"
            )
            plain_map(panel)
    for index, name, (above, below) in zip(evaluation.matched, truth.names, panels.T, strict=True):
        name_map(above, index, name, MAP_INCHES * POINTS_PER_INCH - 6)
        below.set_xlabel(f"endmember {index + 1}", fontsize=NOTE_SIZE, color=INK, loc="left", labelpad=3)
    bar = places[1].colorbar(image, ax=panels.ravel().tolist(), shrink=0.6, aspect=25)
    bar.set_label(abundance_label(truth.abundances_of or "area"), fontsize=NOTE_SIZE, color=INK)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=NOTE_SIZE)
    _draw_spectra(places[2], truth.endmembers, endmembers, evaluation.matched)
    write_for_screens(path, figure)


def _draw_spectra(place: Any, true: Real, found: Real, matched: Sequence[int]) -> None:
    """A plot for each material: the truth dashed, the answer in the colour that it has in the quicklook."""
    panels = place.subplots(1, len(true), squeeze=False)[0]
    for panel, spectrum, index in zip(panels, true, matched, strict=True):
        used = np.isfinite(found[index])
        look = {"color": endmember_colour(index), "linewidth": 2.0, "label": "answer"}
        panel.plot(found[index] / np.linalg.norm(found[index][used]), **look)
        drawn = np.where(used, spectrum, np.nan)
        panel.plot(drawn / np.linalg.norm(drawn[used]), color=INK, linestyle="--", linewidth=1.0, label="truth")
        plain_plot(panel, NOTE_SIZE - 1)
        panel.set_yticks([])
        panel.set_xlabel("band", fontsize=NOTE_SIZE, color=INK)
        if panel is panels[0]:
            panel.set_ylabel("spectra, norm 1", fontsize=NOTE_SIZE, color=INK)
            panel.legend(frameon=False, fontsize=NOTE_SIZE)
