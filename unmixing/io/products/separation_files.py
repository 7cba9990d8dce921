"""The files of a separated mixture matrix."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unmixing.io.products.result import can_draw
from unmixing.manifest import MODEL_MEDIA_TYPE
from unmixing.mixtures.separation import Separation

MEDIA_TYPES = {
    "mixing_matrix.csv": "text/csv",
    "sources.npy": "application/x-npy",
    "sources.csv": "text/csv",
    "model.onnx": MODEL_MEDIA_TYPE,
    "quicklook.png": "image/png",
}


def write_separation(folder: Path, separation: Separation, source: Mapping[str, Any]) -> dict[str, str]:
    """Write every product into an existing, empty ``folder``; returns name -> media type. source: how the
    mixtures were read.

    ``mixing_matrix.csv`` has a row per channel and a column per source, ``sources.csv`` a row per sample.
    ``model.onnx`` is there only when the method has one, ``quicklook.png`` only where it can be drawn.
    """
    names = separation.source_names
    _write_table(folder / "mixing_matrix.csv", "channel", names, separation.mixing_matrix.T)
    np.save(folder / "sources.npy", separation.sources, allow_pickle=False)
    _write_table(folder / "sources.csv", "sample", names, separation.sources)
    if separation.model is not None:
        (folder / "model.onnx").write_bytes(separation.model.onnx)
    if can_draw():
        # Matplotlib takes a while to import, and is not everywhere.
        from unmixing.io.products.pictures.separation import write_separation_quicklook

        write_separation_quicklook(folder / "quicklook.png", separation, source)
    return {name: kind for name, kind in MEDIA_TYPES.items() if (folder / name).exists()}


def _write_table(path: Path, counted: str, names: Sequence[str], rows: np.ndarray) -> None:
    """``counted``: what a row is, numbered from 0 in the first column."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([counted, *names])
        for number, row in enumerate(rows.tolist()):
            writer.writerow([number, *(f"{value:.9g}" for value in row)])
