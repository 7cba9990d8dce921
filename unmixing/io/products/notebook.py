"""A result as a notebook wants it: labelled, drawn, saved, and shown by itself."""

from dataclasses import dataclass, fields
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from unmixing.errors import needing
from unmixing.io.products.document import assets_in, result_document, write_descriptions
from unmixing.io.products.folders import output_folder, require_empty
from unmixing.io.products.labelled import labelled_result
from unmixing.io.products.maps import DTYPES, NAMES
from unmixing.io.products.result import ImageResult
from unmixing.io.products.table import write_products
from unmixing.types import Float32, ImageInfo, Unmixing

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class UnmixingResult(Unmixing):
    """An ``Unmixing`` that knows its image.

    info: description of the image. picture: of the image in false colour, see ``ImageResult``.
    """

    info: ImageInfo
    picture: Float32 | None = None

    @classmethod
    def of(cls, unmixing: Unmixing, info: ImageInfo, picture: Float32 | None = None) -> "UnmixingResult":
        """The same unmixing with its image."""
        values = {field.name: getattr(unmixing, field.name) for field in fields(Unmixing)}
        return cls(**values, info=info, picture=picture)

    def to_xarray(self) -> "xarray.Dataset":
        """Maps and spectra with named axes, the pixels' coordinates and wavelengths; needs the extra ``xarray``."""
        return labelled_result(self, self.info)

    def plot(self) -> "Figure":
        """The image, a map for each endmember, and their spectra, as in ``quicklook.png``; needs the extra ``plot``."""
        with needing("plot"):
            from unmixing.io.products.pictures.quicklook import drawn

        return drawn(ImageResult(self, self.info, self.picture))

    def save(self, folder: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the files of a result, those of ``unmix run``, into ``folder``, all or nothing; returns it.

        overwrite: put them in the place of the result that is there. Raises OutputFolderError for a folder that holds
        something otherwise.
        """
        out = Path(folder)
        require_empty(out, overwrite=overwrite)
        result = ImageResult(self, self.info, self.picture)
        with output_folder(out) as hidden:
            for name in NAMES:
                values = getattr(self, name)
                if values is not None:
                    np.save(hidden / f"{name}.npy", np.asarray(values, dtype=DTYPES[name]), allow_pickle=False)
            media_types = write_products(hidden, result)
            write_descriptions(hidden, result_document(result, assets_in(hidden, media_types)))
        return out

    def __repr__(self) -> str:
        return "\n".join([f"<UnmixingResult: {self._summary()}>", *self._lines()])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{_in_words(share)}</td></tr>"
            for name, share in zip(self.endmember_names, self._mean_shares(), strict=True)
        )
        warned = "".join(f"<li>{escape(warning.message)}. {escape(warning.action)}</li>" for warning in self.warnings)
        return (
            f"<div><p>{escape(self._summary())}</p><table><thead><tr><th>endmember</th>"
            f"<th>mean share of {escape(self.abundances_of)}</th></tr></thead><tbody>{rows}</tbody></table>"
            + (f"<p>Warnings</p><ul>{warned}</ul>" if warned else "")
            + "</div>"
        )

    def _summary(self) -> str:
        rows, columns, bands = self.info.shape
        error = self.metrics.get("reconstruction_relative")
        said = f"{len(self.endmember_names)} endmembers in {rows} x {columns} pixels of {bands} bands"
        return said if error is None else f"{said}, reconstruction error {error:.4g} of the signal"

    def _lines(self) -> list[str]:
        lines = [
            f"  {name}: mean share of {self.abundances_of} {_in_words(share)}"
            for name, share in zip(self.endmember_names, self._mean_shares(), strict=True)
        ]
        return lines + [f"  warning: {warning.message}" for warning in self.warnings]

    def _mean_shares(self) -> list[float]:
        """Of each endmember over the pixels that have an answer; NaN without any."""
        flat: Any = self.abundances.reshape(-1, self.abundances.shape[-1])
        known = flat[np.isfinite(flat[:, 0])]
        means = known.mean(axis=0, dtype=np.float64) if len(known) else np.full(flat.shape[1], np.nan)
        return [float(mean) for mean in means]


def _in_words(share: float) -> str:
    return "unknown" if np.isnan(share) else f"{share:.3f}"
