"""Writers of small files in the published layouts of imaging spectrometers' products, independent of the readers."""

import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import xarray
from rasterio.crs import CRS
from rasterio.transform import Affine

from tests.io.layout_files import scene
from tests.io.scene_files import write_geotiff

UTM = 32633
PLACE = (500_000.0, 4_200_000.0)
"""Easting and northing of the centre of the upper left pixel."""

WGS84 = CRS.from_epsg(4326).to_wkt()


def reflectance(n_bands: int, rows: int = 14, columns: int = 11) -> Any:
    """(rows, columns, n_bands) float32 that behaves as a scene does."""
    return scene(rows, columns, n_bands).cube.copy()  # the scene is made once for all


EMIT_GRID = (18, 16)
EMIT_PLACE = (10.0, 0.0005, 0.0, 45.0, 0.0, -0.0005)
"""GDAL's order: west, width, 0, north, 0, minus height."""


def emit_lookup(rows: int, columns: int) -> tuple[Any, Any]:
    """glt_x and glt_y of a sensor that looks askew: the grid's pixel (r, c) shows the sensor's (r - 2, c - 1 - r // 6),
    counted from 1, zero where there is none."""
    grid_rows, grid_columns = np.indices(EMIT_GRID)
    y, x = grid_rows - 2, grid_columns - 1 - grid_rows // 6
    inside = (y >= 0) & (y < rows) & (x >= 0) & (x < columns)
    return np.where(inside, x + 1, 0).astype("i4"), np.where(inside, y + 1, 0).astype("i4")


def write_emit(
    folder: Path, *, n_bands: int = 40, good: Any = None, change: Callable[[h5py.File], None] | None = None
) -> Path:
    """EMIT L2A RFL: reflectance in the root, wavelengths and the lookup table in groups."""
    cube = reflectance(n_bands)
    rows, columns, _ = cube.shape
    cube[0, 0] = -9999
    path = folder / "EMIT_L2A_RFL_001_20230401T101010_2309107_001.nc"
    glt_x, glt_y = emit_lookup(rows, columns)
    with h5py.File(path, "w") as file:
        sizes = {
            "downtrack": rows,
            "crosstrack": columns,
            "bands": n_bands,
            "ortho_y": EMIT_GRID[0],
            "ortho_x": EMIT_GRID[1],
        }
        for name, size in sizes.items():
            file[name] = np.zeros(size, ">f4")
            file[name].make_scale(f"This is a netCDF dimension but not a netCDF variable.{size:10d}")
        _variable(
            file,
            "reflectance",
            cube,
            ("downtrack", "crosstrack", "bands"),
            _FillValue=np.array([-9999], "f4"),
            units="unitless",
        )
        wavelengths = np.linspace(381, 2493, n_bands).astype("f4")
        _variable(file, "sensor_band_parameters/wavelengths", wavelengths, ("bands",), units="nm")
        _variable(file, "sensor_band_parameters/fwhm", np.full(n_bands, 8.5, "f4"), ("bands",), units="nm")
        flags = np.ones(n_bands, "u1") if good is None else np.asarray(good, "u1")
        _variable(file, "sensor_band_parameters/good_wavelengths", flags, ("bands",), units="unitless")
        for name in ("lat", "lon", "elev"):
            _variable(file, f"location/{name}", np.zeros((rows, columns)), ("downtrack", "crosstrack"))
        _variable(file, "location/glt_x", glt_x, ("ortho_y", "ortho_x"), _FillValue=np.array([0], "i4"))
        _variable(file, "location/glt_y", glt_y, ("ortho_y", "ortho_x"), _FillValue=np.array([0], "i4"))
        file.attrs["geotransform"] = np.array(EMIT_PLACE)
        file.attrs["spatial_ref"] = WGS84
        file.attrs["time_coverage_start"] = "2023-04-01T10:10:10+0000"
        file.attrs["time_coverage_end"] = "2023-04-01T10:10:22+0000"
        file.attrs["identifier_product_doi_authority"] = "https://doi.org"
        file.attrs["identifier_product_doi"] = "10.5067/EMIT/EMITL2ARFL.001"
        if change is not None:
            change(file)
    return path


def _variable(file: h5py.File, name: str, values: Any, dimensions: tuple[str, ...], **attributes: Any) -> None:
    file[name] = values
    for axis, dimension in enumerate(dimensions):
        file[name].dims[axis].attach_scale(file[dimension])
    file[name].attrs.update(attributes)


PRISMA_SCALES = {"L2ScaleVnirMin": 0.0, "L2ScaleVnirMax": 1.25, "L2ScaleSwirMin": 0.02, "L2ScaleSwirMax": 0.9}
VNIR = np.array([0, *np.linspace(977.3, 406.9, 16)], "f4")
SWIR = np.array([*np.linspace(2497.1, 943.4, 22), 0], "f4")
"""As PRISMA lists them: falling, zero where a band holds nothing."""


def write_prisma(folder: Path, *, attributes: Mapping[str, Any] | None = None, swir_columns: int | None = None) -> Path:
    """PRISMA L2D: two cubes of numbers from 0 to 65535, line by line, band by band, and the rest as attributes of the
    root. attributes: instead of its own, None to leave one out."""
    cube = reflectance(40)
    rows, columns, _ = cube.shape
    path = folder / "PRS_L2D_STD_20230401101010_20230401101014_0001.he5"
    known = {
        "List_Cw_Vnir": VNIR, "List_Cw_Swir": SWIR, "Product_StartTime": b"2023-04-01T10:10:10.123456",
        "Product_StopTime": b"2023-04-01T10:10:14.123456",
        "List_Fwhm_Vnir": np.where(VNIR > 0, 11, 0).astype("f4"),
        "List_Fwhm_Swir": np.where(SWIR > 0, 9.5, 0).astype("f4"),
        "Epsg_Code": np.int64(UTM), "Product_ID": b"PRS_L2D_STD",
        "Product_ULcorner_easting": PLACE[0], "Product_ULcorner_northing": PLACE[1],
        "Product_LRcorner_easting": PLACE[0] + 30.0 * (columns - 1),
        "Product_LRcorner_northing": PLACE[1] - 30.0 * (rows - 1), **PRISMA_SCALES, **(attributes or {}),
    }  # fmt: skip
    group = "HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields"
    with h5py.File(path, "w") as file:
        file[f"{group}/VNIR_Cube"] = prisma_numbers("VNIR")
        file[f"{group}/SWIR_Cube"] = prisma_numbers("SWIR")[:, :, :swir_columns]
        file[f"{group}/VNIR_PIXEL_L2_ERR_MATRIX"] = np.zeros((rows, len(VNIR), columns), "u1")
        file["HDFEOS/SWATHS/PRS_L2D_PCO/Data Fields/Cube"] = np.ones((rows * 6, columns * 6), "u2")
        file.attrs.update({name: value for name, value in known.items() if value is not None})
    return path


def prisma_numbers(detector: str) -> Any:
    """(rows, bands, columns) uint16 of a detector; the first pixel lies outside of the swath and is zero."""
    cube, listed = reflectance(40), VNIR if detector == "VNIR" else SWIR
    grid = np.linspace(400, 2500, cube.shape[2])
    values = np.stack([cube[:, :, np.abs(grid - centre).argmin()] for centre in listed], axis=1)
    lowest, highest = (PRISMA_SCALES[f"L2Scale{detector.title()}{end}"] for end in ("Min", "Max"))
    numbers = np.clip((values - lowest) / (highest - lowest) * 65535, 1, 65535).astype("u2")
    numbers[:, listed == 0] = 0
    numbers[0, :, 0] = 0
    return numbers


ENMAP = "ENMAP01-____L2A-DT0000001867_20220724T104526Z_008_V010302_20230628T165614Z"
ENMAP_WAVELENGTHS = np.concatenate([np.linspace(418.2, 993.3, 18), np.linspace(902.2, 2445.3, 22)])
"""VNIR, then SWIR: they fall back where the detectors meet."""

N_VNIR = 18

DN_NODATA = -32768


def enmap_numbers() -> Any:
    """(rows, columns, bands) int16, ten thousandths of reflectance; the first rows hold no data."""
    numbers = np.round(reflectance(40) * 10_000).astype("i2")
    numbers[:2] = DN_NODATA
    return numbers


def enmap_metadata(order: Any = None, gain: str = "0.0001", n_bands: int = 40) -> str:
    """METADATA.XML. order: of the image's bands, by default VNIR before SWIR."""
    order = np.arange(n_bands) if order is None else order
    bands = "".join(
        f'<bandID number="{number}"><wavelengthCenterOfBand>{centre:.3f}</wavelengthCenterOfBand>'
        f"<FWHMOfBand>6.996</FWHMOfBand><GainOfBand>{gain}</GainOfBand><OffsetOfBand>0</OffsetOfBand></bandID>\n"
        for number, centre in enumerate(ENMAP_WAVELENGTHS[order], start=1)
    )
    vnir, swir = (",".join(map(str, np.flatnonzero(side) + 1)) for side in (order < N_VNIR, order >= N_VNIR))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<level_X xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        "<metadata><schema><processingLevel>L2A</processingLevel></schema></metadata><base><temporalCoverage>"
        "<startTime>2022-07-24T10:45:26.123Z</startTime><stopTime>2022-07-24T10:45:30.5Z</stopTime></temporalCoverage></base><product><bandStatistics>"
        '<bandID number="1"><mean>0</mean></bandID></bandStatistics></product><specific><vnirProductQuality>'
        f"<expectedChannelsList>{vnir}</expectedChannelsList></vnirProductQuality><swirProductQuality>"
        f"<expectedChannelsList>{swir}</expectedChannelsList></swirProductQuality>"
        f"<bandCharacterisation>{bands}</bandCharacterisation></specific></level_X>"
    )


def write_enmap(folder: Path, *, metadata: str | None = None, numbers: Any = None) -> Path:
    """The folder of an EnMAP L2A product: the image, its metadata, masks and quicklooks."""
    product = folder / ENMAP
    product.mkdir()
    cube = enmap_numbers() if numbers is None else numbers
    place = {"crs": f"EPSG:{UTM}", "transform": Affine(30, 0, PLACE[0] - 15, 0, -30, PLACE[1] + 15)}
    write_geotiff(product / f"{ENMAP}-SPECTRAL_IMAGE.TIF", cube, nodata=DN_NODATA, **place)
    (product / f"{ENMAP}-METADATA.XML").write_text(metadata or enmap_metadata(), "utf-8")
    for name in ("QL_QUALITY_CLOUD", "QL_VNIR", "QL_SWIR", "QL_PIXELMASK"):
        write_geotiff(product / f"{ENMAP}-{name}.TIF", np.ones((*cube.shape[:2], 3), "u1"), **place)
    return product


DESIS = "DESIS-HSI-L2A-DT0483531728_001-20200804T234520-V0210"
DESIS_WAVELENGTHS = np.linspace(401.6, 999.9, 40)


def write_desis(folder: Path, *, offset: float = 0.0) -> Path:
    """The folder of a DESIS L2A product: the image with an ENVI header, METADATA.xml, quality and quicklook."""
    product = folder / DESIS
    product.mkdir()
    cube = np.round(reflectance(40) * 10_000).astype("i2")
    cube[:, 0] = DN_NODATA
    bands = "".join(
        f"<band><bandNumber>{number}</bandNumber><wavelengthCenterOfBand>{centre:.3f}</wavelengthCenterOfBand>"
        f"<wavelengthWidthOfBand>3.5</wavelengthWidthOfBand><response>0.1,0.9,0.1</response>"
        f"<wavelengths>1,2,3</wavelengths><gainOfBand>1.0E-4</gainOfBand><offsetOfBand>{offset}</offsetOfBand></band>"
        for number, centre in enumerate(DESIS_WAVELENGTHS, start=1)
    )
    place = {"crs": f"EPSG:{UTM}", "transform": Affine(30, 0, PLACE[0] - 15, 0, -30, PLACE[1] + 15)}
    write_geotiff(product / f"{DESIS}-SPECTRAL_IMAGE.tif", cube, interleave="pixel", **place)
    (product / f"{DESIS}-METADATA.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?><hsi_doc xmlns="http://dlr.de/hsi"><base>'
        "<temporalCoverage><startTime>2020-08-04T23:45:20.5Z</startTime><endTime>2020-08-04T23:45:24Z</endTime>"
        "</temporalCoverage></base><specific><bandCharacterisation>"
        f"{bands}</bandCharacterisation></specific></hsi_doc>",
        "utf-8",
    )
    (product / f"{DESIS}-SPECTRAL_IMAGE.hdr").write_text("ENVI\nsamples = 11\nlines = 14\nbands = 40\n")
    (product / f"{DESIS}-QL_QUALITY.hdr").write_text("ENVI\nsamples = 11\nlines = 14\nbands = 1\n")
    write_geotiff(product / f"{DESIS}-QL_QUALITY.tif", np.ones((14, 11, 5), "u1"), **place)
    (product / f"{DESIS}-HISTORY.xml").write_text("<history/>")
    return product


def zipped(product: Path) -> Path:
    """A zip file of a folder, beside it, with the folder's name before each file's."""
    return Path(shutil.make_archive(str(product), "zip", product.parent, product.name))


CF_WAVELENGTHS = np.linspace(410, 2450, 40)


def cf_dataset(*, degrees: bool = False) -> xarray.Dataset:
    """Packed reflectance with coordinates and, unless they are ``degrees``, a grid mapping. The first pixel is fill."""
    cube = reflectance(40).astype("f8")
    cube[0, 0] = np.nan
    rows, columns, _ = cube.shape
    names = ("lat", "lon") if degrees else ("y", "x")
    first, step = ((45.0, 10.0), 0.001) if degrees else ((PLACE[1], PLACE[0]), 30.0)
    units = ("degrees_north", "degrees_east") if degrees else ("m", "m")
    coordinates: dict[str, Any] = {
        names[0]: (names[0], first[0] - step * np.arange(rows), {"units": units[0]}),
        names[1]: (names[1], first[1] + step * np.arange(columns), {"units": units[1]}),
        "wavelength": ("wavelength", CF_WAVELENGTHS, {"units": "nm", "standard_name": "radiation_wavelength"}),
    }
    coordinates["fwhm"] = ("wavelength", np.full(CF_WAVELENGTHS.size, 0.0105), {"units": "um"})
    data = xarray.Dataset({"surface_reflectance": ((*names, "wavelength"), cube)}, coordinates)
    data.attrs = {"time_coverage_start": "2024-05-01T10:00:00Z", "time_coverage_end": "2024-05-01T10:00:25Z"}
    packed = {"dtype": "int16", "scale_factor": 2e-4, "add_offset": 0.1, "_FillValue": -32767}
    data["surface_reflectance"].encoding = packed
    if not degrees:
        data["utm"] = ((), 0, {"grid_mapping_name": "transverse_mercator", "crs_wkt": CRS.from_epsg(UTM).to_wkt()})
        data["surface_reflectance"].attrs["grid_mapping"] = "utm"
    return data


def write_cf(folder: Path, *, degrees: bool = False) -> Path:
    path = folder / "scene.nc"
    cf_dataset(degrees=degrees).to_netcdf(path, engine="h5netcdf")
    return path


def write_zarr(folder: Path, *, version: Literal[2, 3] = 3, change: Callable[[Path], None] | None = None) -> Path:
    """The same as a Zarr store in chunks, as xarray writes it."""
    path = folder / "scene.zarr"
    data = cf_dataset()
    data["surface_reflectance"].encoding["chunks"] = (5, 11, 16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # consolidated metadata are no part of version 3 yet
        data.to_zarr(path, zarr_format=version, consolidated=True)
    if change is not None:
        change(path)
    return path


def pace_places(rows: int, columns: int) -> tuple[Any, Any]:
    """Latitudes and longitudes of a swath that is askew and crosses 180 degrees, which its pixels lie 0.01 apart."""
    down, right = np.mgrid[:rows, :columns]
    cosine, sine = np.cos(0.2), np.sin(0.2)
    latitude = 40 - 0.01 * (down * cosine + right * sine)
    longitude = 179.9 + 0.013 * (right * cosine - down * sine)
    return latitude, (longitude + 180) % 360 - 180


def write_pace(folder: Path) -> Path:
    """PACE OCI L2 SFREFL: packed ``rhos`` in a group, wavelengths in another, latitude and longitude by pixel."""
    path = folder / "PACE_OCI.20240809T105059.L2.SFREFL.V3_0.nc"
    cube = reflectance(40)
    rows, columns, n_bands = cube.shape
    numbers = np.round((cube - 0.1) / 2e-4).astype("i2")
    numbers[0, 0] = -32767
    with h5py.File(path, "w") as file:
        for name, size in {"number_of_lines": rows, "pixels_per_line": columns}.items():
            file[name] = np.zeros(size, ">f4")
            file[name].make_scale(f"This is a netCDF dimension but not a netCDF variable.{size:10d}")
        file["wavelength_3d"] = np.zeros(n_bands, ">f4")
        file["wavelength_3d"].make_scale(f"This is a netCDF dimension but not a netCDF variable.{n_bands:10d}")
        image = ("number_of_lines", "pixels_per_line")
        packed = {"scale_factor": np.float32(2e-4), "add_offset": np.float32(0.1), "_FillValue": np.int16(-32767)}
        _variable(file, "geophysical_data/rhos", numbers, (*image, "wavelength_3d"), **packed)
        _variable(file, "geophysical_data/l2_flags", np.zeros((rows, columns), "i4"), image)
        _variable(file, "sensor_band_parameters/wavelength_3d", CF_WAVELENGTHS, ("wavelength_3d",), units="nm")
        for name, degrees in zip(("latitude", "longitude"), pace_places(rows, columns), strict=True):
            _variable(file, f"navigation_data/{name}", degrees.astype("f4"), image)
    return path
