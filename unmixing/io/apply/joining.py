"""All parts of an image become one result, the same as that of a single run."""

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from unmixing.errors import SpecError
from unmixing.inference.reconstruction import ReconstructionMetrics
from unmixing.io.apply.fitted_files import ImageDocument
from unmixing.io.apply.parts import Part, Rows, read_part
from unmixing.io.apply.run import ModelId, TaskResult
from unmixing.io.products.document import assets_in, result_document
from unmixing.io.products.false_colour import shown
from unmixing.io.products.maps import MapFiles
from unmixing.io.products.result import ImageResult
from unmixing.io.products.table import Product, write_products
from unmixing.progress import Progress, silent
from unmixing.types import Compute

TOLERANCE = 1e-4
"""By how much endmembers of different machines may differ, relative to the largest number among them."""

COPIED_SHARE = 0.3
"""Share of the progress at which the maps lie in one file each."""


def join_parts(
    folders: Sequence[Path], folder: Path, compute: Compute, progress: Progress, model_id: ModelId
) -> TaskResult:
    """Write the products of the image whose parts lie in ``folders`` into an existing ``folder``: empty, or with some
    products made before.

    Whatever goes wrong leaves an incomplete folder: its owner throws it away. Raises PartFormatError for a folder that
    is no part, and SpecError for parts of different images or models, and for rows that are missing or there twice.
    """
    parts = _read_all(folders)
    result = _joined(parts, folder, compute, progress)
    assets = assets_in(folder, write_products(folder, result))
    first = parts[0]
    document = result_document(
        result, assets, kind_decided_by=first.document.kind_decided_by, model_id=model_id(first.stored.model)
    )
    document["provenance"]["inputs"] = first.document.inputs
    most = max(part.document.peak_memory_bytes for part in parts)
    document["provenance"]["peak_memory_bytes"] = max(most, document["provenance"]["peak_memory_bytes"])
    return TaskResult(document, (first.stored.model,))


def write_product(product: Product, folders: Sequence[Path], folder: Path, compute: Compute) -> None:
    """Write one product of the image whose parts lie in ``folders`` into an existing ``folder``, when its result has
    it. Raises as ``join_parts``."""
    with TemporaryDirectory(dir=folder, prefix=".") as maps:
        result = _joined(_read_all(folders), Path(maps), compute, silent)
        if product.wanted(result):
            product.write_whole(folder, result)


def _read_all(folders: Sequence[Path]) -> list[Part]:
    """The parts of one result, from the top of the image. Raises as ``join_parts``."""
    parts = sorted((read_part(part) for part in folders), key=lambda part: part.document.rows)
    _require_one_image(parts)
    _require_all_rows([part.document.rows for part in parts], parts[0].stored.document.image.shape[0])
    return parts


def _joined(parts: Sequence[Part], folder: Path, compute: Compute, progress: Progress) -> ImageResult:
    """The result of all parts, its maps written into ``folder``."""
    started, first = time.perf_counter(), parts[0]
    rows, columns, _ = first.stored.document.image.shape
    uncertainty = first.maps.uncertainty is not None
    maps = MapFiles(folder, (0, rows), columns, len(first.stored.endmembers), uncertainty=uncertainty)
    reconstruction = ReconstructionMetrics()
    for number, part in enumerate(parts):
        progress(COPIED_SHARE * number / len(parts), "joining the parts")
        maps.append(part.document.rows[0], part.folder)
        reconstruction.add_sums(np.array(part.document.reconstruction))
    progress(COPIED_SHARE, "writing the results")
    taken = time.perf_counter() - started + sum(part.document.total_seconds for part in parts)
    inference = sum(part.document.inference_seconds for part in parts)
    seconds = {"inference": round(inference, 4), "total": round(taken, 4)}
    fitted = first.stored.fitted(compute)
    unmixing = fitted.result(maps.read(), reconstruction, seconds)
    bands = np.concatenate([part.picture for part in parts if part.picture.size])
    return ImageResult(unmixing, fitted.info, shown(bands, unmixing.brightness))


def _require_one_image(parts: Sequence[Part]) -> None:
    """Raises SpecError unless all parts are of one image, unmixed with one model."""
    if not parts:
        raise SpecError("there are no parts to join; name their folders")
    first, *others = parts
    for other in others:
        for what, known, found in zip(FACTS, _facts(first), _facts(other), strict=True):
            if known != found:
                raise SpecError(
                    f"{first.folder} and {other.folder} are no parts of one result: {what} is {_short(known)} in the "
                    f"one and {_short(found)} in the other; join parts of one scene and one model"
                )
        known, found = first.stored.endmembers, other.stored.endmembers
        difference = float(np.abs(known - found).max())
        if not difference <= TOLERANCE * float(np.abs(known).max()):
            raise SpecError(
                f"{first.folder} and {other.folder} are no parts of one result: their endmembers differ by "
                f"{difference:g}; the scenes they were made from are not the same"
            )


FACTS = (
    "the model's SHA-256",
    "abundances_of",
    "the names of the endmembers",
    "the uncertainty's presence",
    "the wavelengths",
    *(name.replace("_", " ") for name in ImageDocument.model_fields),
)


def _facts(part: Part) -> tuple[object, ...]:
    """Facts that have to be equal in all parts, in the order of ``FACTS``."""
    document, wavelengths = part.stored.document, part.stored.wavelengths_nm
    image = document.image.model_dump(mode="json")
    return (
        document.model_sha256, document.abundances_of, document.endmember_names, part.maps.uncertainty is not None,
        None if wavelengths is None else str(wavelengths.tolist()), *(str(value) for value in image.values()),
    )  # fmt: skip


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _require_all_rows(ranges: Sequence[Rows], n_rows: int) -> None:
    """Raises SpecError that names the rows which are missing, or there twice. ranges: in order."""
    missing, twice, end = [], [], 0
    for first, last in ranges:
        if first > end:
            missing.append(f"{end}:{first}")
        elif first < end:
            twice.append(f"{first}:{min(end, last)}")
        end = max(end, last)
    if end < n_rows:
        missing.append(f"{end}:{n_rows}")
    wrong = [f"{', '.join(rows)} {how}" for rows, how in ((missing, "missing"), (twice, "there twice")) if rows]
    if wrong:
        raise SpecError(f"the parts do not make up the rows 0:{n_rows} of the scene: {'; '.join(wrong)}")
