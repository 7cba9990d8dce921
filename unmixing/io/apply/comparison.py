"""Several methods on one image, from its file to the products of all."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from threadpoolctl import threadpool_limits

from unmixing.comparison import Comparison, compare
from unmixing.inference.images import Image
from unmixing.io.apply.image import apply_fitted
from unmixing.io.products.comparison_files import write_comparison
from unmixing.io.products.result import ImageResult
from unmixing.io.products.table import compared_name
from unmixing.pipeline import FittedMethod
from unmixing.progress import Progress
from unmixing.specs import UnmixSpec
from unmixing.types import Compute, SpectralLibrary, Unmixing


def compare_to_files(
    image: Image, spec: UnmixSpec, folder: Path, compute: Compute, progress: Progress, *,
    library: SpectralLibrary | None = None, endmembers: SpectralLibrary | None = None,
) -> tuple[Comparison, ImageResult, dict[str, str]]:  # fmt: skip
    """Write the products of every method of ``spec`` into an existing, empty ``folder``, a table and a picture.

    Products of a method carry its name, as in ``lpalm-abundances.tif``. Returns the answers, the result of the first
    method, and name -> media type.
    """
    results: dict[str, ImageResult] = {}
    media_types: dict[str, str] = {}

    def finish(method: str, fitted: FittedMethod, report: Progress) -> Unmixing:
        own = Path(hidden) / method
        own.mkdir()
        named = fitted if library is None else fitted.named_by(library)
        began = time.perf_counter() - sum(fitted.seconds.values())
        results[method], found = apply_fitted(image, named, own, compute, report, began)
        media_types.update({compared_name(method, name): kind for name, kind in found.items()})
        return results[method].unmixing

    with TemporaryDirectory(dir=folder, prefix=".") as hidden, threadpool_limits(compute.threads):
        comparison = compare(image, spec, finish, compute, progress, endmembers)
        first = results[next(iter(comparison.answers))]
        tables = write_comparison(folder, comparison, first)
        # A file that is mapped stays so under another name.
        for method in comparison.answers:
            for path in (Path(hidden) / method).iterdir():
                path.replace(folder / compared_name(method, path.name))
    return comparison, first, {**tables, **media_types}
