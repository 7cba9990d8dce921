"""The report that is printed at the end: the materials found, how well they explain the scene, the errors."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from cli.errors import ERRORS, OUTPUT
from cli.manners import print_json, wants_json

if TYPE_CHECKING:
    from unmixing.simulation.evaluation import Evaluation

SHOWN = {
    "reconstruction_relative": "reconstruction error, relative to the signal",
    "reconstruction_rmse": "reconstruction RMSE",
    "reconstruction_sam_radians": "reconstruction SAM (radians)",
}


def print_result(document: Mapping[str, Any], folder: Path) -> None:
    """The summary and where the files lie; as JSON the document among them, and ``folder`` beside it."""
    if wants_json():
        written = json.loads((folder / "result.json").read_text("utf-8"))
        print_json({**written, "folder": str(folder.resolve())})
        return
    print_summary(document)
    OUTPUT.print(f"results in {folder.resolve()}", markup=False)


def print_summary(document: Mapping[str, Any]) -> None:
    """The facts of a ``result.json`` that a person wants first, and why to doubt them."""
    if document["input"]["kind"] == "mixtures":
        _print_separation(document)
    else:
        _print_unmixing(document)
    comparison = document.get("comparison")
    for answer in [document] if comparison is None else comparison["answers"]:
        print_warnings(answer.get("warnings", []), answer.get("method", ""))


def print_warnings(warnings: Sequence[Mapping[str, str]], method: str = "") -> None:
    """One line each, on stderr. method: whose answer they are about, where there are several."""
    about = f"{method}: " if method else ""
    for warning in warnings:
        text = f"{about}{warning['message']}. {warning['action']} ({warning['code']})"
        ERRORS.print(f"[bold yellow]warning:[/] {escape(text)}")


def _print_unmixing(document: Mapping[str, Any]) -> None:
    scene = document["input"]
    endmembers = document["endmembers"]
    names = [
        f"{name} (given)" if given else name
        for name, given in zip(endmembers["names"], endmembers["given"], strict=True)
    ]
    OUTPUT.print(
        f"{len(names)} materials ({', '.join(names)}) in {scene['rows']} x {scene['columns']} pixels, "
        f"{scene['bands_used']} of {scene['bands']} bands used, {scene['pixels_masked']} pixels masked",
        markup=False,
    )
    OUTPUT.print(f"abundances are shares of {document['abundances_of']}")
    reason = document["metrics"].get("n_endmembers_reason")
    if reason is not None:
        hysime = document["metrics"]["n_endmembers_hysime"]
        beside = "" if hysime is None else f" (HySime, which counts variation too: {hysime})"
        OUTPUT.print(f"number of endmembers: {reason}{beside}", markup=False)
    for key, label in SHOWN.items():
        value = document["metrics"].get(key)
        if isinstance(value, int | float):
            unit = f" ({scene['unit']})" if key == "reconstruction_rmse" and scene.get("unit") else ""
            OUTPUT.print(f"{label}: {value:.4g}{unit}", markup=False)


def _print_separation(document: Mapping[str, Any]) -> None:
    read, metrics = document["input"], document["metrics"]
    signs = "nowhere negative" if metrics["nonnegative"] else "signed"
    OUTPUT.print(
        f"{len(document['mixing_matrix']['names'])} sources, {signs}, in {read['samples']} samples x "
        f"{read['channels']} channels",
        markup=False,
    )
    OUTPUT.print(f"reconstruction NMSE: {metrics['reconstruction_nmse']:.4g}", markup=False)


def print_evaluation(evaluation: "Evaluation", abundances_of: str) -> None:
    """Which endmember is which material, and how far off the answer is. abundances_of: what its shares are of."""
    for name, index in zip(evaluation.names, evaluation.matched, strict=True):
        OUTPUT.print(f"  endmember {index + 1} is {name}", markup=False)
    if evaluation.abundance_rmse is None:
        OUTPUT.print(f"spectra are off the truth by {evaluation.mean_sad_radians:.4f} rad (mean spectral angle)")
    else:
        error = f"{evaluation.abundance_rmse:.4f} (abundance RMSE, shares of {abundances_of})"
        OUTPUT.print(f"abundances are off the truth by {error}")
