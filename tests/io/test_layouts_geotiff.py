"""Wavelengths of GeoTIFFs, wherever people write them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tests.io.scene_files import small_cube, write_geotiff
from unmixing.errors import SpecError
from unmixing.io.inputs.scenes import open_scene
from unmixing.specs import InputSpec

DESCRIBED = [
    (["wavelength: 443.1 nm", "wavelength: 490 nm", "wavelength: 560.5 nm"], {}, [443.1, 490, 560.5]),
    (["Band 1 (0.55 um)", "Band 2 (0.66 um)", "Band 3 (2.2 um)"], {}, [550, 660, 2200]),
    (["450.5 Nanometers", "460 Nanometers", "470 Nanometers"], {}, [450.5, 460, 470]),
    (["Wavelength 0.45", "Wavelength 0.55", "Wavelength 0.65"], {}, [450, 550, 650]),
    (["900 nm", "905 nm", "895 nm"], {}, [900, 905, 895]),
    (["B02", "B03", "B8A"], {}, [492.7, 559.8, 864.7]),
    (["B2", "B3", "B4"], {"SATELLITE": "Sentinel-2A"}, [492.7, 559.8, 664.6]),
    (["B2", "B3", "B4"], {"SPACECRAFT_ID": "LANDSAT_8"}, [482, 561.4, 654.6]),
    (["SR_B2", "SR_B5", "SR_B6"], {}, [482, 864.7, 1608.9]),
    (["B2", "B3", "B4"], {}, None),
    (["B1", "B2", "B40"], {"SATELLITE": "Sentinel-2A"}, None),
    (["red", "green", "0.45 um"], {}, None),
    (["class 1", "class 2", "class 3"], {}, None),
]


@pytest.mark.parametrize(("names", "tags", "expected"), DESCRIBED)
def test_descriptions_of_bands(tmp_path: Path, names: Any, tags: Any, expected: Any) -> None:
    path = write_geotiff(tmp_path / "a.tif", small_cube(bands=3))
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = names
        dataset.update_tags(**tags)
    with open_scene([path]) as reader:
        assert (reader.wavelengths_nm is None) == (expected is None)
        assert expected is None or np.allclose(np.asarray(reader.wavelengths_nm), expected)


@pytest.mark.parametrize(
    ("name", "factor"), [("WAVELENGTH", 1), ("wavelength_nm", 1), ("wavelength_um", 1e-3), ("center_wavelength", 1)]
)
def test_tags_of_bands(tmp_path: Path, name: str, factor: float) -> None:
    tags = [{name: str(value * factor)} for value in (500, 600, 700)]
    with open_scene([write_geotiff(tmp_path / "a.tif", small_cube(bands=3), tags)]) as reader:
        assert np.allclose(np.asarray(reader.wavelengths_nm), [500, 600, 700])


def test_axes_of_a_geotiff_are_not_up_to_the_user(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="GeoTIFF, whose axes are known"):
        open_scene([write_geotiff(tmp_path / "a.tif", small_cube())], InputSpec(axes="bands,rows,columns"))
