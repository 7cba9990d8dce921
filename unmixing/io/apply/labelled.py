"""``apply_model``: a stored model on a labelled array, in blocks of pixels, also where Dask computes it."""

from collections.abc import Hashable, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from unmixing.errors import SpecError, needing
from unmixing.inference.images import Image
from unmixing.inference.model_fit import described_by_sample, info_for_model, require_fit
from unmixing.inference.reconstruction import ReconstructionMetrics
from unmixing.inference.resampling import at_model_bands
from unmixing.inference.runtime import ModelRunner
from unmixing.io.apply.blocks import BlockWork, ModelSource, Reading, block_maps, drawn_sample, model_source
from unmixing.io.formats.labelled import labelled_axes, labelled_scene
from unmixing.io.formats.layout import SceneLayout
from unmixing.io.products.labelled import ABUNDANCES_UNIT, BAND, ENDMEMBER, brightness_attributes, result_attributes
from unmixing.specs import AbundancesOf
from unmixing.types import Compute, Float32, ResultWarning, TrainedModel
from unmixing.warnings.answer import answer_warnings

if TYPE_CHECKING:
    import xarray


def apply_model(
    model: TrainedModel | str | PathLike[str], image: "xarray.DataArray", *, abundances_of: AbundancesOf = "area"
) -> "xarray.Dataset":
    """Unmix a labelled image with a stored model: abundances, brightness and, where the model knows it, uncertainty.

    model: the path of a ``model.onnx``, of the folder it lies in, or a loaded model. image: three axes, the bands found
    by their name or by their wavelengths. abundances_of: what they are shares of.

    The model estimates this scene's endmembers from a sample of its pixels, always the same; so calling reads the image
    once, block by block. Of an array that Dask computes, the maps are computed when they are asked for, one task per
    chunk, and chunks must hold whole spectra: others are rechunked. Every answer is that of ``unmix(image,
    model=model)``, to the last bit, and an image of other wavelengths than the model's is resampled as there. The
    attribute ``warnings`` says why they may be wrong, as far as the sample shows.

    Raises BandMismatchError for an image without the model's bands, SpecError for a model that looks at pixels around.

    ::

        scene = rioxarray.open_rasterio("scene.tif", chunks={"x": 512, "y": 512})
        apply_model("model.onnx", scene).abundances.to_zarr("abundances.zarr")
    """
    with needing("xarray"):
        import xarray

    source = model_source(model)
    stored, order = source.model(), labelled_axes(image, SceneLayout())
    rows, columns, bands = (image.dims[axis] for axis in (order.rows, order.columns, order.bands))
    whole = _with_whole_spectra(image.transpose(rows, columns, bands), bands)
    with labelled_scene(image, SceneLayout()) as scene:
        work, warnings = _looked_at(scene, whole.data, source, stored, abundances_of)
    outputs = ["abundances", "brightness", "uncertainty"][: 3 if work.has_uncertainty else 2]
    maps = xarray.apply_ufunc(
        block_maps, whole, kwargs={"work": work}, input_core_dims=[[bands]],
        output_core_dims=[[] if name == "brightness" else [ENDMEMBER] for name in outputs],
        dask="parallelized", output_dtypes=[np.float32] * len(outputs),
        dask_gufunc_kwargs={"output_sizes": {ENDMEMBER: len(work.endmembers)}},
    )  # fmt: skip
    found = xarray.Dataset(dict(zip(outputs, maps, strict=True)))
    texts = "\n".join(f"{warning.message}. {warning.action}" for warning in warnings)
    return _described(found, work, stored, _band_coordinates(image, bands, work)).assign_attrs(warnings=texts)


def _with_whole_spectra(image: "xarray.DataArray", bands: Hashable) -> "xarray.DataArray":
    """The same, every chunk with all bands; where they were divided, chunks become small enough for that."""
    chunks = image.chunksizes.get(bands, ())
    if len(chunks) < 2:
        return image
    return image.chunk({name: -1 if name == bands else "auto" for name in image.dims})


def _looked_at(
    scene: Image, data: Any, source: ModelSource, stored: TrainedModel, abundances_of: AbundancesOf
) -> tuple[BlockWork, tuple[ResultWarning, ...]]:
    """The model after a look at a sample of the image, and what the sample gives reason to doubt.

    data: (rows, columns, bands), perhaps of Dask.
    """
    resampling = require_fit(stored, scene, None)
    if stored.manifest.neighbourhood != 1:
        raise SpecError(
            f"the model of method {stored.manifest.method} looks at {stored.manifest.neighbourhood} x "
            f"{stored.manifest.neighbourhood} pixels around each, and blocks end somewhere; use `unmix run --model`"
        )
    info = info_for_model(at_model_bands(scene, stored), stored)
    used, asis = np.flatnonzero(info.used_bands), Reading(info.nodata)
    own = None if resampling is None else drawn_sample(data, resampling.needed, asis)[:, resampling.needed]
    info, sample = described_by_sample(
        info, lambda fills: drawn_sample(data, used, Reading(info.nodata, fills, resampling)), own
    )
    prepared = ModelRunner(stored.onnx, Compute()).prepare(sample)
    work = BlockWork(
        source, info, Reading(info.nodata, info.fill_values, resampling), prepared.endmembers, prepared.state,
        abundances_of, prepared.has_uncertainty,
    )  # fmt: skip
    unmixer, reconstruction = work.unmixer(), ReconstructionMetrics()
    reconstruction.add(sample[:, used], unmixer.run(sample, np.arange(len(sample))))
    return work, answer_warnings(info, unmixer.endmembers, stored, reconstruction.metrics())


def _band_coordinates(image: "xarray.DataArray", bands: Hashable, work: BlockWork) -> Mapping[str, Any]:
    """Those that lie along the bands alone; of an image that was resampled, the wavelengths of the model."""
    if work.reading.resampling is not None:
        return {"wavelength": (BAND, work.reading.resampling.wavelengths_nm, {"units": "nm"})}
    return {
        str(name): (BAND, values.values, values.attrs)
        for name, values in image.coords.items()
        if values.dims == (bands,)
    }


def _described(
    found: "xarray.Dataset", work: BlockWork, stored: TrainedModel, along_bands: Mapping[str, Any]
) -> "xarray.Dataset":
    """The maps with names, the spectra of the endmembers, and attributes."""
    endmembers: Float32 = np.full((len(work.endmembers), work.info.shape[2]), np.nan, dtype=np.float32)
    endmembers[:, work.info.used_bands] = work.unmixer().endmembers
    labelled = found.assign_coords({ENDMEMBER: list(stored.manifest.endmember_names), **along_bands}).assign(
        endmembers=((ENDMEMBER, BAND), endmembers)
    )
    for name in found:
        labelled[name].attrs["units"] = ABUNDANCES_UNIT
    labelled["brightness"].attrs = brightness_attributes(work.abundances_of, work.info)
    attributes = result_attributes(work.abundances_of, {"method": stored.manifest.method})
    return labelled.assign_attrs(attributes, model_sha256=work.source.sha256)
