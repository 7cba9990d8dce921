"""Arrays with named axes in memory, as xarray and rioxarray make them; xarray itself is not needed."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from unmixing.io.formats.array_header import ArrayHeader
from unmixing.io.formats.axes import AxisSigns, find_axes
from unmixing.io.formats.layout import AxisOrder, SceneLayout
from unmixing.io.formats.names import wavelength_unit
from unmixing.io.formats.reader import SceneReader
from unmixing.io.formats.rows import ArrayRows
from unmixing.io.formats.variables import require_cube, require_three_axes
from unmixing.io.formats.wavelengths import wavelengths_in_nm
from unmixing.types import Float64, Georeference, SceneFacts

WHAT = "the array"

NODATA = ("_FillValue", "nodata", "missing_value")


def is_labelled(image: Any) -> bool:
    """Whether it is a ``DataArray``, or behaves as one."""
    return all(hasattr(image, name) for name in ("dims", "coords", "attrs", "values"))


def labelled_scene(image: Any, layout: SceneLayout) -> SceneReader:
    """The scene in an array with named axes: wavelengths and place from its coordinates, nodata from its attributes.

    Raises SceneFormatError, and AmbiguousSceneError where neither names nor numbers tell the bands.
    """
    shape, dtype, lists = tuple(image.shape), np.dtype(image.dtype), _wavelength_lists(image)
    order = labelled_axes(image, layout)
    rows, columns, bands = require_cube(ArrayHeader(order.of(shape), dtype), WHAT)
    wavelengths, unit = next(
        (wavelengths_in_nm(list(values), said) for values, said in lists if len(values) == bands), (None, None)
    )
    facts = SceneFacts(
        wavelengths_nm=wavelengths,
        nodata=_nodata(image),
        georeference=_georeference(image),
        source={"format": "labelled array", "axes": str(order), "axes_by": order.decided_by, "wavelength_units": unit},
    )
    return SceneReader(ArrayRows((rows, columns, bands), dtype, lambda: order.view(np.asarray(image.values))), facts)


def labelled_axes(image: Any, layout: SceneLayout) -> AxisOrder:
    """Which axis of an array with named axes is which; raises as ``labelled_scene``."""
    shape = tuple(image.shape)
    require_three_axes(ArrayHeader(shape, np.dtype(image.dtype)), WHAT)
    known = {len(values) for values, _ in _wavelength_lists(image)}
    # What is computed in chunks may be too large to be looked at for this.
    content = None if getattr(image, "chunks", None) else lambda: np.asarray(image.values)
    names = tuple(str(name) for name in image.dims)
    return find_axes(shape, AxisSigns(layout.axes, names, known.pop() if len(known) == 1 else None, content), WHAT)


def _wavelength_lists(image: Any) -> list[tuple[Float64, str | None]]:
    """Coordinates, or attributes, that list wavelengths, with their units where they say one."""
    found = []
    for name, values in [*image.coords.items(), *image.attrs.items()]:
        named, unit = wavelength_unit(str(name))
        numbers = np.asarray(getattr(values, "values", values))
        if named and numbers.dtype.kind in "iuf" and numbers.ndim == 1 and (numbers > 0).all():
            attributes: Mapping[str, Any] = getattr(values, "attrs", {})
            found.append((numbers.astype(np.float64), attributes.get("units") or unit))
    return found


def _nodata(image: Any) -> float | None:
    stated = [image.attrs[name] for name in NODATA if name in image.attrs]
    stated += [image.encoding[name] for name in NODATA if name in getattr(image, "encoding", {})]
    return next((float(value) for value in stated if np.isfinite(value)), None)


def _georeference(image: Any) -> Georeference | None:
    """As rioxarray keeps it, in the attributes of a coordinate ``spatial_ref``."""
    place = dict(image.coords.items()).get("spatial_ref")
    attributes: Mapping[str, Any] = getattr(place, "attrs", {})
    numbers = str(attributes.get("GeoTransform", "")).split()
    if len(numbers) != 6:
        return None
    c, a, b, f, d, e = (float(number) for number in numbers)
    return Georeference(attributes.get("crs_wkt"), (a, b, c, d, e, f))
