"""A result as labelled arrays, named by the CF conventions: an ``xarray.Dataset``, or what a NetCDF file holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from unmixing.errors import needing
from unmixing.inference.quality import MEANING
from unmixing.io.products.abundance_maps import SHARES
from unmixing.io.products.fit_maps import brightness_unit, image_unit
from unmixing.specs import AbundancesOf
from unmixing.types import ImageInfo, Unmixing

if TYPE_CHECKING:
    import xarray

ROW, COLUMN, ENDMEMBER, BAND = "y", "x", "endmember", "band"
"""Names of the axes."""

ABUNDANCES_UNIT = "1"


@dataclass(frozen=True, eq=False)
class Labelled:
    """An array with named axes. values: perhaps mapped from a file, and in whatever order of axes it lies there."""

    axes: tuple[str, ...]
    values: Any
    attributes: Mapping[str, Any] = field(default_factory=dict)


def labelled_result(unmixing: Unmixing, info: ImageInfo) -> "xarray.Dataset":
    """abundances, uncertainty, brightness, residual and quality as maps, endmembers as spectra.

    x and y are the centres of the pixels where the grid is not rotated; the place itself lies in ``spatial_ref``, as
    rioxarray reads and writes it.
    """
    with needing("xarray"):
        import xarray

    variables, coordinates = (
        {name: (found.axes, np.asarray(found.values), found.attributes) for name, found in described.items()}
        for described in (labelled_variables(unmixing, info), labelled_coordinates(unmixing, info))
    )
    return xarray.Dataset(variables, coordinates, result_attributes(unmixing.abundances_of, unmixing.provenance))


def labelled_variables(unmixing: Unmixing, info: ImageInfo) -> dict[str, Labelled]:
    """Maps and spectra by name, those that there are."""
    share = SHARES[unmixing.abundances_of]
    by_endmember, by_pixel = (ENDMEMBER, ROW, COLUMN), (ROW, COLUMN)
    found = {
        "abundances": Labelled(by_endmember, _endmember_first(unmixing.abundances), {
            "units": ABUNDANCES_UNIT, "long_name": f"abundance: {share}", "abundances_of": unmixing.abundances_of,
        }),
        "uncertainty": Labelled(by_endmember, _endmember_first(unmixing.uncertainty), {
            "units": ABUNDANCES_UNIT, "long_name": f"standard deviation of the abundance ({share})",
        }),
        "brightness": Labelled(by_pixel, unmixing.brightness, {
            **brightness_attributes(unmixing.abundances_of, info),
            "long_name": "factor by which abundances @ endmembers comes nearest to the pixel",
        }),
        "residual": Labelled(by_pixel, unmixing.residual, {
            **unit_attributes(image_unit(info)),
            "long_name": "root mean square of pixel minus brightness x abundances @ endmembers",
        }),
        "quality": Labelled(by_pixel, unmixing.quality, quality_attributes()),
        "endmembers": Labelled((ENDMEMBER, BAND), unmixing.endmembers, {
            **({"units": "1"} if unmixing.abundances_of == "shape" else unit_attributes(image_unit(info))),
            "long_name": "spectra of the endmembers",
        }),
    }  # fmt: skip
    there = {name: labelled for name, labelled in found.items() if labelled.values is not None}
    others = " ".join(name for name in ("uncertainty", "quality") if name in there)
    if others:
        there["abundances"] = _with(there["abundances"], ancillary_variables=others)
    if info.georeference is None:
        return there
    return {
        name: _with(labelled, grid_mapping="spatial_ref") if ROW in labelled.axes else labelled
        for name, labelled in there.items()
    }


def labelled_coordinates(unmixing: Unmixing, info: ImageInfo) -> dict[str, Labelled]:
    """Coordinates by name; those of the pixels where it is known where they lie."""
    found = {
        ENDMEMBER: Labelled((ENDMEMBER,), list(unmixing.endmember_names), {"long_name": "name of the endmember"}),
        "endmember_norm": Labelled((ENDMEMBER,), unmixing.endmember_norms, {
            **unit_attributes(image_unit(info)), "long_name": "norm of the endmember over the used bands",
        }),
        "used": Labelled((BAND,), info.used_bands, {"long_name": "whether the band was used"}),
    }  # fmt: skip
    if info.wavelengths_nm is not None:
        said = {"units": "nm", "standard_name": "radiation_wavelength", "long_name": "wavelength of the band"}
        found["wavelength"] = Labelled((BAND,), info.wavelengths_nm, said)
    return {**found, **_place(info)}


def brightness_attributes(abundances_of: AbundancesOf, info: ImageInfo) -> dict[str, str]:
    """Attributes of the map of brightness: its unit, where it is known."""
    return unit_attributes(brightness_unit(abundances_of, info))


def unit_attributes(unit: str | None) -> dict[str, str]:
    """The attribute ``units`` of numbers whose unit is known."""
    return {} if unit is None else {"units": unit}


def quality_attributes() -> dict[str, Any]:
    """Attributes of the map of quality: what each bit means."""
    return {
        "standard_name": "quality_flag",
        "long_name": "quality of the pixel: " + "; ".join(MEANING.values()),
        "flag_masks": np.array([flag.value for flag in MEANING], dtype=np.uint8),
        "flag_meanings": " ".join(str(flag.name).lower() for flag in MEANING),
    }


def result_attributes(abundances_of: str, provenance: Mapping[str, Any]) -> dict[str, str]:
    """Attributes of a Dataset of abundances. provenance: with the method."""
    method = provenance.get("method")
    return {"abundances_of": abundances_of, **({} if method is None else {"method": str(method)})}


def _place(info: ImageInfo) -> dict[str, Labelled]:
    """Coordinates of the pixels."""
    if info.georeference is None:
        return {}
    # PROJ takes a while to load.
    from unmixing.io.products.grid_mapping import GRID_MAPPING, grid_mapping, pixel_axes

    axes = pixel_axes(info.georeference, info.shape)
    found = {name: Labelled((name,), axes[axis].centres, axes[axis].attributes)
             for name, axis in ((COLUMN, "X"), (ROW, "Y")) if axis in axes}  # fmt: skip
    return {GRID_MAPPING: Labelled((), 0, grid_mapping(info.georeference)), **found}


def _endmember_first(values: Any) -> Any:
    """A map (rows, columns, n_endmembers), or none, with the endmembers first, as GDAL and rioxarray want them."""
    return None if values is None else np.moveaxis(values, 2, 0)


def _with(labelled: Labelled, **attributes: str) -> Labelled:
    return Labelled(labelled.axes, labelled.values, {**labelled.attributes, **attributes})
