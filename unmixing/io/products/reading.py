"""A finished result read back from its document and its maps."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from unmixing.errors import SpecError
from unmixing.inference.apply import Maps
from unmixing.io.products.notebook import UnmixingResult
from unmixing.types import (
    DroppedBand,
    FillValue,
    Float32,
    Georeference,
    ImageInfo,
    ResultWarning,
    Unmixing,
    WarningCode,
)

DESCRIBED = frozenset({"kind", "kind_decided_by", "rows", "columns", "bands", "bands_used", "wavelength_range_nm"}) | {
    "dropped_bands", "pixels_masked", "fill_values", "scale", "nodata", "crs", "transform", "grid",
}  # fmt: skip
"""Entries of a document's ``input`` that do not come from the reader of the file."""


def answer_of(document: Mapping[str, Any], method: str | None) -> tuple[Mapping[str, Any], str]:
    """The sections of a method's answer, and what its files' names begin with; without a ``method`` the first one's.

    Raises SpecError for a mixture matrix, and for a method that has no answer.
    """
    if document["input"]["kind"] != "image":
        raise SpecError("the job separated a mixture matrix; its files are there one by one")
    comparison = document.get("comparison")
    if comparison is None:
        own = document["provenance"]["method"]
        if method not in (None, own):
            raise SpecError(f"method is {method!r}; the result is of {own}")
        return document, ""
    answers = {answer["method"]: answer for answer in comparison["answers"]}
    chosen = next(iter(answers)) if method is None else method
    if chosen not in answers:
        raise SpecError(f"method is {chosen!r}; there are answers of {', '.join(answers)}")
    return answers[chosen], f"{chosen}-"


def read_result(
    document: Mapping[str, Any], answer: Mapping[str, Any], maps: Maps, picture: Float32 | None = None
) -> UnmixingResult:
    """The result that the document describes. answer: its own sections, see ``answer_of``. picture: of its image, see
    ``ImageResult``. The network stays where it is: ``model`` is None."""
    spectra = answer["endmembers"]
    unmixing = Unmixing(
        endmembers=np.array(spectra["values"], dtype=np.float32),
        abundances=maps.abundances,
        brightness=maps.brightness,
        endmember_names=tuple(spectra["names"]),
        metrics=answer["metrics"],
        model=None,
        abundances_of=answer["abundances_of"],
        endmember_norms=np.array(spectra["norms"], dtype=np.float64),
        uncertainty=maps.uncertainty,
        residual=maps.residual,
        quality=maps.quality,
        provenance=answer["provenance"],
        warnings=tuple(_warning(said) for said in answer["warnings"]),
        n_given=sum(spectra.get("given", [])),
    )
    return UnmixingResult.of(unmixing, _info(document["input"], spectra["wavelengths_nm"]), picture)


def _info(said: Mapping[str, Any], wavelengths_nm: list[float] | None) -> ImageInfo:
    """Description of the image, as ``input_report`` wrote it."""
    dropped = tuple(DroppedBand(band["index"], band["reason"]) for band in said["dropped_bands"])
    used = np.ones(said["bands"], dtype=bool)
    used[[band.index for band in dropped]] = False
    place = None if said["transform"] is None else Georeference(said["crs"], tuple(said["transform"]))
    return ImageInfo(
        shape=(said["rows"], said["columns"], said["bands"]), used_bands=used, dropped_bands=dropped,
        fill_values=tuple(
            FillValue(fill["value"] * said["scale"], fill["whole_spectrum"]) for fill in said["fill_values"]
        ),
        wavelengths_nm=None if wavelengths_nm is None else np.array(wavelengths_nm, dtype=np.float64),
        scale=said["scale"], nodata=said["nodata"], georeference=place,
        source={name: value for name, value in said.items() if name not in DESCRIBED},
    )  # fmt: skip


def _warning(said: Mapping[str, str]) -> ResultWarning:
    return ResultWarning(WarningCode(said["code"]), said["message"], said["action"])
