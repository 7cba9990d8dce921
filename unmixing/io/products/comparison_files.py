"""The files of a comparison: those of every method, a table and a picture of all side by side."""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

from unmixing.comparison import Comparison
from unmixing.io.products.comparison_quicklook import write_comparison_quicklook
from unmixing.io.products.files import write_products
from unmixing.methods import METHODS
from unmixing.types import Cube

HEADER = (
    "method",
    "title",
    "reconstruction_rmse",
    "reconstruction_sam_radians",
    "seconds",
    "sad_to_first_radians",
    "abundance_rmse_to_first",
)


def write_comparison(folder: Path, comparison: Comparison, cube: Cube) -> dict[str, str]:
    """Write every product into an existing, empty ``folder``; returns name -> media type.

    Those of a method carry its name, as in ``lpalm-abundances.tif``. ``comparison.csv`` has a row per method: how well
    it explains the image, how long it took, and how far it is from the first method, which is no measure of truth.
    """
    media_types = {"comparison.csv": "text/csv", "comparison.png": "image/png"}
    for method, answer in comparison.answers.items():
        with TemporaryDirectory(dir=folder, prefix=".") as own:
            for name, media_type in write_products(Path(own), answer, cube).items():
                (Path(own) / name).replace(folder / f"{method}-{name}")
                media_types[f"{method}-{name}"] = media_type
    _write_table(folder / "comparison.csv", comparison, cube)
    write_comparison_quicklook(folder / "comparison.png", comparison, cube)
    return media_types


def _write_table(path: Path, comparison: Comparison, cube: Cube) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for method, answer in comparison.answers.items():
            metrics = answer.metrics
            numbers = (
                metrics["reconstruction_rmse"],
                metrics["reconstruction_sam_radians"],
                metrics["seconds"]["total"],
                *comparison.agreement(method, cube),
            )
            writer.writerow([method, METHODS[method].title, *(f"{number:.6g}" for number in numbers)])
