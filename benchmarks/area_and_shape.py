"""Draws what area and shape mean, on a generated scene: ``python -m benchmarks.area_and_shape PICTURE.png``.

The picture shows the truth of the scene, nothing that was estimated: a dark material that fills half a pixel gives
little of its light.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from unmixing.algorithms.conventions import shape_of_area
from unmixing.io.products.palette import COLOURS
from unmixing.io.products.pictures.figure import INK
from unmixing.io.products.pictures.headings import abundance_label
from unmixing.simulation.generated import GeneratedScene, generate_scene
from unmixing.specs import AbundancesOf
from unmixing.types import Float64

MATERIALS = ("clear water", "green leaves", "dry soil")
DARK = 0
SEED = 3


def draw(path: Path, scene: GeneratedScene) -> None:
    """Maps of the dark material and spectra, in both conventions, as PNG."""
    norms: Float64 = np.linalg.norm(scene.endmembers.astype(np.float64), axis=1)
    flat = scene.abundances.reshape(-1, len(norms)).astype(np.float64)
    columns: tuple[tuple[AbundancesOf, Float64, Float64], ...] = (
        ("area", flat, np.ones(len(norms))),
        ("shape", shape_of_area(flat, norms)[0], norms),
    )
    figure = Figure(figsize=(7.2, 4.6), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    panels: Any = figure.subplots(2, 3, width_ratios=[1.0, 1.0, 1.9])
    for row, (counted, abundances, divisor) in zip(panels, columns, strict=True):
        maps = abundances.reshape(scene.abundances.shape)
        for panel, material in zip(row[:2], (DARK, 1), strict=True):
            image = panel.imshow(maps[:, :, material], vmin=0, vmax=1, cmap="viridis", interpolation="nearest")
            panel.set_title(scene.names[material], fontsize=9, color=COLOURS[material], loc="left")
            panel.set_xticks([])
            panel.set_yticks([])
        bar = figure.colorbar(image, ax=row[:2].tolist(), location="bottom", fraction=0.06, aspect=30)
        bar.set_label(abundance_label(counted), fontsize=8, color=INK)
        bar.ax.tick_params(labelsize=7)
        _draw_spectra(row[2], scene, divisor, "reflectance" if counted == "area" else "reflectance / norm")
    panels[1, 2].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=100, format="png")


def _draw_spectra(panel: Any, scene: GeneratedScene, divisor: Float64, label: str) -> None:
    for index, spectrum in enumerate(scene.endmembers / divisor[:, None]):
        gaps = np.flatnonzero(np.diff(scene.wavelengths_nm) > 50) + 1
        panel.plot(
            np.insert(scene.wavelengths_nm, gaps, np.nan), np.insert(spectrum, gaps, np.nan),
            color=COLOURS[index], linewidth=1.3, label=scene.names[index],
        )  # fmt: skip
    panel.set_xlabel("wavelength (nm)", fontsize=8, color=INK)
    panel.set_ylabel(label, fontsize=8, color=INK)
    panel.set_ylim(bottom=0)
    panel.tick_params(labelsize=7)
    panel.spines[["top", "right"]].set_visible(False)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.area_and_shape", description="What area and shape mean."
    )
    parser.add_argument("picture", type=Path, help="PNG to write")
    made = generate_scene(np.random.default_rng(SEED), materials=MATERIALS, rows=50, columns=50)
    draw(parser.parse_args().picture, made)


if __name__ == "__main__":
    main()
