"""ENVI: the abundances as an image and the endmembers as a spectral library, each a binary and its header.

GDAL is asked for the one thing it knows better: how ``map info`` and its companions say where the pixels lie.
"""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import rasterio

from unmixing.io.formats.envi import PLACE_FIELDS
from unmixing.io.formats.envi_header import read_envi_header
from unmixing.io.formats.gdal import georeference_of, georeference_optional
from unmixing.io.products.abundance_maps import abundance_maps
from unmixing.io.products.cog import place_options
from unmixing.io.products.gridded import placed
from unmixing.io.products.result import ImageResult
from unmixing.types import Georeference

FLOAT32 = "4"

UNSAID_PLACE = "The grid is skewed or has other pixels than map info can say: its place is in abundances.tif"

KEPT_APART = str.maketrans({",": ";", "{": "(", "}": ")", "\n": " ", "\r": " "})
"""Characters with a meaning of their own in the lists of a header, and what stands for them."""


def write_abundance_cube(path: Path, result: ImageResult) -> None:
    """The numbers of ``abundances.tif``, pixel by pixel."""
    with path.open("wb") as file:
        raster, _ = placed(abundance_maps(result), result.info)
        for _, block in raster.blocks():
            file.write(np.ascontiguousarray(block, dtype="<f4").data)


def write_abundance_header(path: Path, result: ImageResult) -> None:
    """The header of ``abundances.img``: names of the endmembers as names of the bands, place, nodata."""
    raster, georeference = placed(abundance_maps(result), result.info)
    rows, columns, count = raster.values.shape
    place = _place_fields(georeference)
    lost = georeference is not None and not place
    said = f"Abundances, shares of {result.unmixing.abundances_of}" + (f". {UNSAID_PLACE}" if lost else "")
    fields = {
        **_layout(said, "ENVI Standard", (columns, rows, count), "bip"),
        "band names": in_list(band.name for band in raster.bands),
        "data ignore value": f"{raster.nodata:g}",
        "default bands": in_list(map(str, range(1, min(count, 3) + 1))) if count >= 3 else "{1}",
        **place,
    }
    _write_header(path, fields)


def write_spectra(path: Path, result: ImageResult) -> None:
    """The spectra of the endmembers one after the other, in the units of the image, NaN in bands that were dropped."""
    path.write_bytes(np.ascontiguousarray(result.unmixing.spectra, dtype="<f4").tobytes())


def write_spectra_header(path: Path, result: ImageResult) -> None:
    """The header of ``endmembers.sli``: names, wavelengths and widths of the bands where they are known, and which
    bands were used (``bbl``)."""
    info, unmixing = result.info, result.unmixing
    count, n_bands = unmixing.spectra.shape
    unit, widths = info.source.get("unit"), info.source.get("fwhm_nm")
    said = "Endmembers" if unit is None else f"Endmembers, {unit}"
    fields = {
        **_layout(said, "ENVI Spectral Library", (n_bands, count, 1), "bsq"),
        "spectra names": in_list(unmixing.endmember_names),
        "bbl": in_list(str(int(used)) for used in info.used_bands),
    }
    if unit is not None:
        fields["z plot titles"] = in_list(["band" if info.wavelengths_nm is None else "wavelength", unit])
    if info.wavelengths_nm is not None:
        fields["wavelength units"] = "Nanometers"
        fields["wavelength"] = in_list(map(repr, info.wavelengths_nm.tolist()))
        if widths is not None:
            fields["fwhm"] = in_list(map(repr, widths))
    _write_header(path, fields)


def in_list(entries: Iterable[str]) -> str:
    """A list of a header.

    >>> in_list(["soil, dry", "grass {green}"])
    '{soil; dry, grass (green)}'
    """
    return "{" + ", ".join(entry.translate(KEPT_APART) for entry in entries) + "}"


def _layout(description: str, contents: str, shape: tuple[int, int, int], interleave: str) -> dict[str, str]:
    """shape: samples, lines, bands."""
    samples, lines, bands = map(str, shape)
    return {
        "description": in_list([description]), "samples": samples, "lines": lines, "bands": bands,
        "header offset": "0", "file type": contents, "data type": FLOAT32, "interleave": interleave, "byte order": "0",
    }  # fmt: skip


def _write_header(path: Path, fields: Mapping[str, str]) -> None:
    path.write_text("ENVI\n" + "".join(f"{key} = {value}\n" for key, value in fields.items()), "utf-8")


def _place_fields(place: Georeference | None) -> dict[str, str]:
    """The fields that say where the pixels lie, as GDAL writes them; none without a place, and none where they would
    say another: ENVI's grids may be turned, but not skewed."""
    if place is None:
        return {}
    with tempfile.TemporaryDirectory() as folder, rasterio.Env(GDAL_PAM_ENABLED="NO"), georeference_optional():
        scene = Path(folder) / "scene"
        with rasterio.open(
            scene, "w", driver="ENVI", width=1, height=1, count=1, dtype="float32", **place_options(place)
        ) as file:
            file.write(np.zeros((1, 1, 1), dtype=np.float32))
        with rasterio.open(scene, driver="ENVI") as written:
            found = georeference_of(written)
        if found is None or not np.allclose(found.transform, place.transform, rtol=1e-9, atol=1e-9 * _pixel(place)):
            return {}
        fields = read_envi_header(scene.with_name("scene.hdr"))
    return {key: "{" + fields[key] + "}" for key in PLACE_FIELDS if key in fields}


def _pixel(place: Georeference) -> float:
    a, b, _, d, e, _ = place.transform
    return max(map(abs, (a, b, d, e)))
