"""PRODUCTS: every file of a result of an image, one row each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from unmixing.io.products.abundance_maps import abundance_maps, uncertainty_maps
from unmixing.io.products.cog import hidden_name, write_cog
from unmixing.io.products.endmembers import write_endmembers
from unmixing.io.products.fit_maps import brightness_map, residual_map
from unmixing.io.products.gridded import on_grid
from unmixing.io.products.quality import quality_map
from unmixing.io.products.rasters import Raster
from unmixing.io.products.result import ImageResult, can_draw
from unmixing.manifest import MODEL_MEDIA_TYPE

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
NPY = "application/x-npy"

Write = Callable[[Path, ImageResult], None]


def always(result: ImageResult) -> bool:
    """For products that every result has."""
    return True


def has_uncertainty(result: ImageResult) -> bool:
    """Whether the method says how far abundances may be off."""
    return result.unmixing.uncertainty is not None


def has_residual(result: ImageResult) -> bool:
    """Whether it is known how far off the reconstruction of every pixel is."""
    return result.unmixing.residual is not None


def has_quality(result: ImageResult) -> bool:
    """Whether pixels were looked at for what speaks against them."""
    return result.unmixing.quality is not None


def has_model(result: ImageResult) -> bool:
    """Whether a network made the result."""
    return result.unmixing.model is not None


def has_picture(result: ImageResult) -> bool:
    """Whether it can be drawn here."""
    return can_draw()


def write_picture(path: Path, result: ImageResult) -> None:
    """The quicklook."""
    # Matplotlib takes a while to import, and is not everywhere.
    from unmixing.io.products.quicklook import write_quicklook

    write_quicklook(path, result)


def write_model(path: Path, result: ImageResult) -> None:
    """The network with its manifest inside: enough to use it again."""
    assert result.unmixing.model is not None  # the table asks first
    path.write_bytes(result.unmixing.model.onnx)


@dataclass(frozen=True)
class Product:
    """One file of a result. write: makes it once all maps are there; None for rasters, and for the maps themselves,
    which ``MapFiles`` writes block by block. wanted: whether a result has it. raster: what a Cloud Optimized GeoTIFF
    holds. slow: whether it takes so long that workers who share an image make it beside each other."""

    name: str
    media_type: str
    write: Write | None
    wanted: Callable[[ImageResult], bool] = always
    raster: Callable[[ImageResult], Raster] | None = None
    slow: bool = False

    def write_whole(self, folder: Path, result: ImageResult) -> None:
        """Write the file into ``folder``, where it is whole or not at all, unless it is there already."""
        if (self.write is None and self.raster is None) or (folder / self.name).exists():
            return
        hidden = hidden_name(folder / self.name)
        if self.raster is not None:
            raster, grid = self.raster(result), result.info.grid
            if grid is None:
                write_cog(hidden, raster, result.info.georeference)
            else:
                write_cog(hidden, on_grid(raster, grid), grid.georeference)
        elif self.write is not None:
            self.write(hidden, result)
        hidden.replace(folder / self.name)


PRODUCTS = (
    Product("abundances.tif", COG, None, raster=abundance_maps, slow=True),
    Product("abundances.npy", NPY, None),
    Product("brightness.tif", COG, None, raster=brightness_map),
    Product("brightness.npy", NPY, None),
    Product("residual.tif", COG, None, has_residual, residual_map),
    Product("residual.npy", NPY, None, has_residual),
    Product("quality.tif", COG, None, has_quality, quality_map),
    Product("quality.npy", NPY, None, has_quality),
    Product("endmembers.csv", "text/csv", write_endmembers),
    Product("model.onnx", MODEL_MEDIA_TYPE, write_model, has_model),
    Product("quicklook.png", "image/png", write_picture, has_picture),
    Product("uncertainty.tif", COG, None, has_uncertainty, uncertainty_maps, slow=True),
    Product("uncertainty.npy", NPY, None, has_uncertainty),
)


def write_products(folder: Path, result: ImageResult) -> Mapping[str, str]:
    """Write every product into ``folder``, where the maps lie already, and perhaps products made before; returns name
    -> media type. A file is there whole or not at all. A failure leaves an incomplete folder: its owner throws it away.
    """
    wanted = [product for product in PRODUCTS if product.wanted(result)]
    for product in wanted:
        product.write_whole(folder, result)
    return {product.name: product.media_type for product in wanted}
