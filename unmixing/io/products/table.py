"""PRODUCTS: every file of a result of an image, one row each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from unmixing.io.products.abundance_maps import abundance_maps, uncertainty_maps
from unmixing.io.products.cog import hidden_name, write_cog
from unmixing.io.products.dominant import dominant_map, write_categories
from unmixing.io.products.endmembers import write_endmembers
from unmixing.io.products.envi_files import (
    write_abundance_cube,
    write_abundance_header,
    write_spectra,
    write_spectra_header,
)
from unmixing.io.products.false_colour import FALSE_COLOUR, png
from unmixing.io.products.fit_maps import brightness_map, residual_map
from unmixing.io.products.gridded import placed
from unmixing.io.products.netcdf import write_netcdf
from unmixing.io.products.qgis_styles import write_abundance_style, write_dominant_style
from unmixing.io.products.quality import quality_map
from unmixing.io.products.rasters import Raster
from unmixing.io.products.result import ImageResult, can_draw
from unmixing.manifest import MODEL_MEDIA_TYPE

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
NPY, NETCDF = "application/x-npy", "application/x-netcdf"
BINARY, TEXT, XML = "application/octet-stream", "text/plain", "application/xml"

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
    from unmixing.io.products.pictures.quicklook import write_quicklook

    write_quicklook(path, result)


def has_image(result: ImageResult) -> bool:
    """Whether the image is at hand."""
    return result.picture is not None


def write_false_colour(path: Path, result: ImageResult) -> None:
    """The image, masked pixels grey."""
    assert result.picture is not None  # the table asks first
    path.write_bytes(png(result.picture))


def write_model(path: Path, result: ImageResult) -> None:
    """The network with its manifest inside: enough to use it again."""
    assert result.unmixing.model is not None  # the table asks first
    path.write_bytes(result.unmixing.model.onnx)


@dataclass(frozen=True)
class Product:
    """One file of a result. description: what it is, in words for catalogues. write: makes it once all maps are there;
    None for rasters, and for the maps themselves, which ``MapFiles`` writes block by block. wanted: whether a result
    has it. raster: what a Cloud Optimized GeoTIFF holds. slow: whether it takes so long that workers who share an image
    make it beside each other. of_image: whether it is the same of every method."""

    name: str
    media_type: str
    description: str
    write: Write | None = None
    wanted: Callable[[ImageResult], bool] = always
    raster: Callable[[ImageResult], Raster] | None = None
    slow: bool = False
    of_image: bool = False

    def write_whole(self, folder: Path, result: ImageResult) -> None:
        """Write the file into ``folder``, where it is whole or not at all, unless it is there already."""
        if (self.write is None and self.raster is None) or (folder / self.name).exists():
            return
        hidden = hidden_name(folder / self.name)
        if self.raster is not None:
            write_cog(hidden, *placed(self.raster(result), result.info))
        elif self.write is not None:
            self.write(hidden, result)
        hidden.replace(folder / self.name)


PRODUCTS = (
    Product("abundances.tif", COG, "Abundances, a band per endmember", raster=abundance_maps, slow=True),
    Product("abundances.npy", NPY, "Abundances, (rows, columns, endmembers)"),
    Product("abundances.img", BINARY, "Abundances as ENVI image, described by abundances.hdr", write_abundance_cube),
    Product("abundances.hdr", TEXT, "Header of abundances.img", write_abundance_header),
    Product("abundances.qml", XML, "QGIS style of abundances.tif and abundances.img", write_abundance_style),
    Product("dominant.tif", COG, "The endmember with the largest share of every pixel", raster=dominant_map),
    Product("dominant.tif.aux.xml", XML, "Names of the codes of dominant.tif, for GDAL", write_categories),
    Product("dominant.qml", XML, "QGIS style of dominant.tif", write_dominant_style),
    Product("brightness.tif", COG, "Factor between mixture and pixel", raster=brightness_map),
    Product("brightness.npy", NPY, "Factor between mixture and pixel, (rows, columns)"),
    Product("residual.tif", COG, "What the mixture leaves of every pixel", None, has_residual, residual_map),
    Product("residual.npy", NPY, "What the mixture leaves of every pixel, (rows, columns)", None, has_residual),
    Product("quality.tif", COG, "Bits of what speaks against every pixel", None, has_quality, quality_map),
    Product("quality.npy", NPY, "Bits of what speaks against every pixel, (rows, columns)", None, has_quality),
    Product("endmembers.csv", "text/csv", "Spectra of the endmembers, a row per band", write_endmembers),
    Product("endmembers.sli", BINARY, "Endmembers as ENVI spectral library, see endmembers.hdr", write_spectra),
    Product("endmembers.hdr", TEXT, "Header of endmembers.sli", write_spectra_header),
    Product("results.nc", NETCDF, "All maps and spectra as NetCDF by the CF conventions", write_netcdf),
    Product("model.onnx", MODEL_MEDIA_TYPE, "The trained network, enough to use it again", write_model, has_model),
    Product(
        FALSE_COLOUR, "image/png", "The image in false colour", write_false_colour, has_image, of_image=True
    ),
    Product("quicklook.png", "image/png", "Image, maps and spectra as a picture", write_picture, has_picture),
    Product(
        "uncertainty.tif", COG, "Standard deviation of each abundance, a band per endmember", None, has_uncertainty,
        uncertainty_maps, slow=True,
    ),
    Product(
        "uncertainty.npy", NPY, "Standard deviation of each abundance, (rows, columns, endmembers)", None,
        has_uncertainty,
    ),
)  # fmt: skip


def write_products(folder: Path, result: ImageResult) -> Mapping[str, str]:
    """Write every product into ``folder``, where the maps lie already, and perhaps products made before; returns name
    -> media type. A file is there whole or not at all. A failure leaves an incomplete folder: its owner throws it away.
    """
    wanted = [product for product in PRODUCTS if product.wanted(result)]
    for product in wanted:
        product.write_whole(folder, result)
    return {product.name: product.media_type for product in wanted}


def compared_name(method: str, name: str) -> str:
    """Name of a file of one of several methods.

    >>> compared_name("nmf", "abundances.tif"), compared_name("nmf", "false_colour.png")
    ('nmf-abundances.tif', 'false_colour.png')
    """
    return name if any(product.of_image for product in PRODUCTS if product.name == name) else f"{method}-{name}"
