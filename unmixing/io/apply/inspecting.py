"""An input looked at without computing: how it is read, and the bands and pixels that are left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unmixing.cubes import usable
from unmixing.errors import SpecError
from unmixing.inference.counting import endmembers_to_find
from unmixing.inference.images import Block, blanked
from unmixing.inference.training_images import training_image
from unmixing.io.formats.detection import choose_scene
from unmixing.io.inputs.input_kind import InputKind
from unmixing.io.inputs.mixtures import choose_mixtures, read_mixtures
from unmixing.io.inputs.scenes import open_scene
from unmixing.io.inputs.tasks import LIBRARIES, Request, asked_input, without_stac
from unmixing.io.products.document import input_report, json_ready, warning_list
from unmixing.io.products.false_colour import PictureRows, png, stretched
from unmixing.io.products.result import picture_step
from unmixing.progress import silent
from unmixing.specs import InputSpec, UnmixSpec
from unmixing.types import ImageInfo, ResultWarning

OUTSIDE_MASK, NO_DATA = "outside the mask", "no data in any used band"
ZEROS, GAPS = "zero in all used bands", "no data in some used bands"
"""Why a pixel is masked."""


@dataclass(frozen=True)
class Inspection:
    """document: ``warnings`` and ``input`` as in a result, JSON-able. picture: of an image in false colour, PNG."""

    document: dict[str, Any]
    picture: bytes | None


@dataclass(frozen=True)
class EndmemberCount:
    """How many endmembers an image holds. evidence: what speaks for that number, JSON-able."""

    n_endmembers: int
    evidence: dict[str, Any]
    warnings: Sequence[ResultWarning]


def count_in_input(request: Request) -> EndmemberCount:
    """The number of endmembers that unmixing the image would look for. Raises UnmixingError as that would."""
    request = without_stac(request)
    kind, _, asked = asked_input(request)
    if kind is InputKind.MIXTURES:
        raise SpecError("endmembers are counted in an image; this upload is read as mixtures")
    with open_scene(choose_scene(request.files), asked, scratch=request.scratch) as reader:
        seen = training_image(reader, silent)
        n_endmembers, evidence = endmembers_to_find(seen, UnmixSpec(), silent)
    return EndmemberCount(n_endmembers, json_ready(evidence), seen.info.warnings)


def inspect_input(request: Request) -> Inspection:
    """The report on an input that its unmixing, or separation, would give. Raises UnmixingError as that would."""
    for field in LIBRARIES:
        if request.libraries.get(field):
            raise SpecError(f"{field} is for unmixing; an inspection takes the input alone")
    request = without_stac(request)
    kind, decided_by, asked = asked_input(request)
    if kind is InputKind.MIXTURES:
        return _mixtures(request, asked, decided_by)
    with open_scene(choose_scene(request.files), asked, scratch=request.scratch) as reader:
        info = training_image(reader, silent).info
        pixels = _Pixels(info)
        for block in blanked(reader, info.fill_values).scaled_blocks():
            pixels.add(block)
    seen = {"kind": kind, "kind_decided_by": decided_by, **input_report(info, pixels.n_masked), **pixels.report()}
    document = json_ready({"warnings": warning_list(info.warnings), "input": seen})
    return Inspection(document, pixels.picture())


def _mixtures(request: Request, asked: InputSpec, decided_by: str) -> Inspection:
    mixtures, source = read_mixtures(choose_mixtures(request.files), asked.variable)
    seen = {
        "kind": InputKind.MIXTURES, "kind_decided_by": decided_by, **source, "samples": len(mixtures),
        "channels": mixtures.shape[1], "lowest": np.nanmin(mixtures), "highest": np.nanmax(mixtures),
    }  # fmt: skip
    return Inspection(json_ready({"warnings": [], "input": seen}), None)


class _Pixels:
    """Which pixels are masked and why, the range of the others, and the picture, gathered block by block."""

    def __init__(self, info: ImageInfo) -> None:
        self._used, self._step = np.flatnonzero(info.used_bands), picture_step(info.shape)
        self._picture, self._valid = PictureRows(info), [np.empty((0, 0), dtype=bool)]
        outside = info.source.get("pixels_outside_mask", 0)
        self._masked = {OUTSIDE_MASK: outside, NO_DATA: -outside, ZEROS: 0, GAPS: 0}  # those outside read as no data
        self._lowest, self._highest = np.inf, -np.inf

    @property
    def n_masked(self) -> int:
        return sum(self._masked.values())

    def add(self, block: Block) -> None:
        rows, columns, n_bands = block.values.shape
        flat = block.values.reshape(-1, n_bands)
        valid = usable(flat, self._used)
        masked = flat[~valid][:, self._used]
        finite = np.isfinite(masked)
        empty, whole = ~finite.any(axis=1), finite.all(axis=1)
        self._masked[NO_DATA] += int(empty.sum())
        self._masked[ZEROS] += int(whole.sum())
        self._masked[GAPS] += int((~empty & ~whole).sum())
        for band in self._used:  # band by band: all of them at once would copy the block
            numbers = flat[valid, band]
            self._lowest = min(self._lowest, float(numbers.min(initial=np.inf)))
            self._highest = max(self._highest, float(numbers.max(initial=-np.inf)))
        self._picture.add(block)
        self._valid.append(valid.reshape(rows, columns)[-block.start % self._step :: self._step, :: self._step])

    def report(self) -> dict[str, Any]:
        """JSON-able. lowest, highest: of the valid pixels over the used bands, scaled."""
        masked = [{"reason": reason, "pixels": count} for reason, count in self._masked.items() if count]
        return {"masked_pixels": masked, "lowest": self._lowest, "highest": self._highest}

    def picture(self) -> bytes:
        """In false colour, masked pixels grey, as PNG."""
        valid = np.concatenate([rows for rows in self._valid if rows.size])
        return png(stretched(self._picture.picture(), valid))
