"""The section ``input`` of a result or an inspection: how a file was read."""

from typing import Literal

from pydantic import BaseModel, Field


class PassedOver(BaseModel):
    """An array of the file that was not taken."""

    name: str = Field(examples=["S_GT"])
    shape: list[int] = Field(examples=[[3, 95, 95]])
    why: str = Field(examples=["named as truth"])


class ReadFile(BaseModel):
    """How a file of any kind was read."""

    kind_decided_by: str = Field(
        description="Why it was read as an image or as mixtures: `request`, `model`, a field that only mixtures have, "
        "`format` or `default`.",
        examples=["default"],
    )
    format: str = Field(examples=["npz"])
    files: list[str] = Field([], description="The files that were read.", examples=[["scene.npz"]])
    dtype: str | None = Field(None, description="The type of the numbers in the file.", examples=["float32"])
    variable: str | None = Field(None, description="The array of a file with several.", examples=["Y"])


class DroppedBand(BaseModel):
    """A band that is left out of the computation."""

    index: int = Field(description="Counted from 0.", examples=[103])
    wavelength_nm: float | None = Field(examples=[1401.6])
    reason: str = Field(examples=["marked bad in the file"])


class FillValue(BaseModel):
    """A number that stands for no data although no header says so."""

    value: float = Field(description="As it stands in the file.", examples=[-9999.0])
    whole_spectrum: bool = Field(description="Whether it counts only where all bands of a pixel have it.")


TRANSFORM = "Affine a, b, c, d, e, f: x = a column + b row + c, y = d column + e row + f."


class Grid(BaseModel):
    """A grid on Earth on which rasters show the pixels of an image that has no place of its own."""

    rows: int = Field(examples=[2044])
    columns: int = Field(examples=[2161])
    crs: str | None = Field(description="As WKT.")
    transform: list[float] = Field(
        description=TRANSFORM, min_length=6, max_length=6, examples=[[0.00054, 0.0, 10.0, 0.0, -0.00054, 45.0]]
    )


class Resampled(BaseModel):
    """How an image came to the bands of a stored model, which are those of the result."""

    bands: int = Field(description="Of the image as it is.", examples=[285])
    wavelength_range_nm: list[float] = Field(
        description="The shortest and the longest of those that can be used.", min_length=2, max_length=2,
        examples=[[381.0, 2493.0]],
    )  # fmt: skip
    model_spacing_nm: float = Field(description="Between the bands that the model uses, the median.", examples=[10.0])
    largest_distance_nm: float = Field(
        description="From a band that the model uses to the nearest of the image.", examples=[3.7]
    )
    median_distance_nm: float = Field(description="The same, the median.", examples=[1.8])
    averaged_bands: int = Field(
        description="How many of the model's bands are means over several of the image's; the others lie between two.",
        examples=[0],
    )


class ImageInput(ReadFile):
    """How an image was read."""

    kind: Literal["image"]
    axes: str | None = Field(
        None, description="The axes of the array in the file, in their order.", examples=["rows, columns, bands"]
    )
    axes_by: str | None = Field(None, description="How they were told.", examples=["its numbers"])
    passed_over: list[PassedOver] = Field([], description="Arrays of the same file that were not taken.")
    interleave: str | None = Field(None, description="Of ENVI files and GeoTIFF.", examples=["bsq"])
    wavelength_units: str | None = Field(None, description="As the file says them.", examples=["nanometers"])
    fwhm_nm: list[float] | None = Field(None, description="Widths of the bands, where the file says them.")
    scale_stated: str | None = Field(
        None, description="Where the scale comes from.", examples=["reflectance scale factor"]
    )
    detector_overlap: str | None = Field(
        None,
        description="Where two detectors measure the same wavelengths: which is used where and the bands left out, "
        "or that all are kept.",
        examples=[
            "VNIR and SWIR overlap from 920 to 1010 nm; VNIR is used below 965 nm, SWIR above: band 61 is left out"
        ],
    )
    pixels_outside_mask: int | None = Field(None, description="With a mask: the pixels that it excludes.")
    resampled: Resampled | None = Field(
        None, description="Where the image has other bands than the stored model; `bands` are then the model's."
    )
    unit: str | None = Field(
        None, description="`reflectance`, `radiance` or `digital numbers` where the header says so."
    )
    acquired: str | None = Field(
        None,
        description="When it was taken: a moment, or begin/end, in UTC.",
        examples=["2024-05-01T10:00:00Z/2024-05-01T10:00:25Z"],
    )
    derived_from: str | None = Field(None, description="Where the file comes from.")
    rows: int = Field(examples=[95])
    columns: int = Field(examples=[95])
    bands: int = Field(examples=[156])
    bands_used: int = Field(description="Those that are not left out.", examples=[150])
    wavelength_range_nm: list[float] | None = Field(
        description="The shortest and the longest.", min_length=2, max_length=2, examples=[[401.0, 889.0]]
    )
    dropped_bands: list[DroppedBand]
    pixels_masked: int = Field(description="Pixels without an answer, for whatever reason.", examples=[0])
    fill_values: list[FillValue]
    scale: float = Field(description="The factor that was applied to the numbers in the file.", examples=[0.0001])
    nodata: float | None = Field(description="The number in the file that means no data.", examples=[-9999.0])
    crs: str | None = Field(description="As WKT; null when the file names none.")
    transform: list[float] | None = Field(
        description=TRANSFORM,
        min_length=6,
        max_length=6,
        examples=[[30.0, 0.0, 500000.0, 0.0, -30.0, 4200000.0]],
    )
    grid: Grid | None = Field(
        None,
        description="Of a product in the geometry of its sensor: the grid of the rasters, not of `.npy` files.",
    )


class MixturesInput(ReadFile):
    """How a mixture matrix was read."""

    kind: Literal["mixtures"]
    header: bool | None = Field(None, description="Of a table: whether its first line has titles.")
    samples: int = Field(examples=[5000])
    channels: int = Field(examples=[64])


class MaskedPixels(BaseModel):
    """How many pixels are masked for one reason."""

    reason: str = Field(examples=["zero in all used bands"])
    pixels: int = Field(examples=[120])


class InspectedImage(ImageInput):
    """How an image is read, and a look at its numbers."""

    masked_pixels: list[MaskedPixels]
    lowest: float | None = Field(description="Of the valid pixels over the used bands, scaled.", examples=[0.01])
    highest: float | None = Field(description="Of the valid pixels over the used bands, scaled.", examples=[0.83])


class InspectedMixtures(MixturesInput):
    """How a mixture matrix is read, and a look at its numbers."""

    lowest: float | None = Field(examples=[0.0])
    highest: float | None = Field(examples=[4.2])
