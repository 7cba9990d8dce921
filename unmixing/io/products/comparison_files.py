"""The files of a comparison: those of every method, a table and a picture of all side by side."""

import csv
from pathlib import Path

from unmixing.comparison import Comparison
from unmixing.io.products.result import ImageResult, can_draw
from unmixing.methods import METHODS

HEADER = (
    "method",
    "title",
    "abundances_of",
    "reconstruction_relative",
    "reconstruction_rmse",
    "reconstruction_sam_radians",
    "seconds",
    "sad_to_first_radians",
    "abundance_rmse_to_first",
)


def write_comparison(folder: Path, comparison: Comparison, first: ImageResult) -> dict[str, str]:
    """Write table and picture into ``folder``; returns name -> media type. first: the result of the first method.

    ``comparison.csv`` has a row per method: how well it explains the image, how long it took, and how far it is from
    the first method, which is no measure of truth.
    """
    _write_table(folder / "comparison.csv", comparison)
    if not can_draw():
        return {"comparison.csv": "text/csv"}
    # Matplotlib takes a while to import, and is not everywhere.
    from unmixing.io.products.pictures.comparison import write_comparison_quicklook

    write_comparison_quicklook(folder / "comparison.png", comparison, first)
    return {"comparison.csv": "text/csv", "comparison.png": "image/png"}


def _write_table(path: Path, comparison: Comparison) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for method, answer in comparison.answers.items():
            metrics = answer.metrics
            numbers = (
                metrics["reconstruction_relative"],
                metrics["reconstruction_rmse"],
                metrics["reconstruction_sam_radians"],
                metrics["seconds"]["total"],
                *comparison.agreement(method),
            )
            words = (method, METHODS[method].title, answer.abundances_of)
            writer.writerow([*words, *(f"{number:.6g}" for number in numbers)])
