"""A result as an ``xarray.Dataset``: named axes, coordinates on the ground, wavelengths."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from unmixing.errors import needing
from unmixing.io.products.fit_maps import brightness_unit
from unmixing.specs import AbundancesOf
from unmixing.types import Georeference, ImageInfo, Unmixing

if TYPE_CHECKING:
    import xarray

ROW, COLUMN, ENDMEMBER, BAND = "y", "x", "endmember", "band"
"""Names of the axes."""

ABUNDANCES_UNIT = "1"


def labelled_result(unmixing: Unmixing, info: ImageInfo) -> "xarray.Dataset":
    """abundances, brightness and uncertainty as maps, endmembers as spectra.

    x and y are the centres of the pixels where the grid is not rotated; the place itself lies in ``spatial_ref``, as
    rioxarray reads and writes it.
    """
    with needing("xarray"):
        import xarray

    maps = {"abundances": unmixing.abundances, "uncertainty": unmixing.uncertainty}
    variables: dict[str, Any] = {
        name: ((ROW, COLUMN, ENDMEMBER), np.asarray(values), {"units": ABUNDANCES_UNIT})
        for name, values in maps.items()
        if values is not None
    }
    lit = brightness_attributes(unmixing.abundances_of, info)
    variables["brightness"] = ((ROW, COLUMN), np.asarray(unmixing.brightness), lit)
    variables["endmembers"] = ((ENDMEMBER, BAND), unmixing.endmembers)
    coordinates: dict[str, Any] = {
        ENDMEMBER: list(unmixing.endmember_names),
        "endmember_norm": (ENDMEMBER, unmixing.endmember_norms),
        "used": (BAND, info.used_bands),
        **_place(info),
    }
    if info.wavelengths_nm is not None:
        coordinates["wavelength"] = (BAND, info.wavelengths_nm, {"units": "nm"})
    return xarray.Dataset(variables, coordinates, result_attributes(unmixing.abundances_of, unmixing.provenance))


def brightness_attributes(abundances_of: AbundancesOf, info: ImageInfo) -> dict[str, str]:
    """Attributes of the map of brightness: its unit, where it is known."""
    unit = brightness_unit(abundances_of, info)
    return {} if unit is None else {"units": unit}


def result_attributes(abundances_of: str, provenance: Mapping[str, Any]) -> dict[str, str]:
    """Attributes of a Dataset of abundances. provenance: with the method."""
    method = provenance.get("method")
    return {"abundances_of": abundances_of, **({} if method is None else {"method": str(method)})}


def _place(info: ImageInfo) -> dict[str, Any]:
    """Coordinates of the pixels."""
    place = info.georeference
    if place is None:
        return {}
    rows, columns, _ = info.shape
    a, b, c, d, e, f = place.transform
    found: dict[str, Any] = {"spatial_ref": ((), 0, _grid_mapping(place))}
    if b == d == 0:
        found[COLUMN] = (COLUMN, c + a * (np.arange(columns) + 0.5))
        found[ROW] = (ROW, f + e * (np.arange(rows) + 0.5))
    return found


def _grid_mapping(place: Georeference) -> dict[str, str]:
    a, b, c, d, e, f = place.transform
    written = {"GeoTransform": " ".join(repr(float(number)) for number in (c, a, b, f, d, e))}
    return written if place.crs_wkt is None else {"crs_wkt": place.crs_wkt, "spatial_ref": place.crs_wkt, **written}
