"""``unmix`` takes whatever holds an image in Python, and reads it as a file of the same layout."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tests.io.layout_files import scene, write_npy
from tests.io.scene_files import ROTATED, write_envi, write_geotiff
from unmixing import unmix
from unmixing.errors import AmbiguousSceneError, SceneFormatError
from unmixing.io.inputs.images import asked_image
from unmixing.specs import InputSpec, UnmixSpec

S = scene()
NM = np.linspace(420, 2400, S.cube.shape[2])
SPEC = UnmixSpec(method="vca_fcls", n_endmembers=3)


class Labelled:
    """The parts of an ``xarray.DataArray`` that are read."""

    def __init__(self, values: Any, dims: tuple[str, ...], coords: Any = None, attrs: Any = None) -> None:
        self.values, self.dims, self.coords, self.attrs = np.asarray(values), dims, coords or {}, attrs or {}
        self.shape, self.dtype = self.values.shape, self.values.dtype


def test_every_holder_of_an_image_gives_the_same_answer(tmp_path: Path) -> None:
    expected = unmix(S.cube, SPEC).abundances
    bands_first = S.cube.transpose(2, 0, 1)
    npy, tif = write_npy(tmp_path, S.cube), write_geotiff(tmp_path / "a.tif", S.cube)
    holders: list[Any] = [
        npy,
        str(npy),
        tif,
        write_envi(tmp_path, S.cube),
        bands_first,
        Labelled(bands_first, ("band", "y", "x")),
    ]
    with rasterio.open(tif) as dataset:
        holders += [dataset, dataset.read()]
        for holder in holders:
            assert np.array_equal(unmix(holder, SPEC).abundances, expected)
        assert not dataset.closed


def test_a_labelled_array_says_its_axes_wavelengths_place_and_nodata() -> None:
    place = Labelled(0, (), attrs={"crs_wkt": "a CRS", "GeoTransform": "10 30 0 20 0 -30"})
    coords = {"wavelength": Labelled(NM / 1000, ("band",), attrs={"units": "um"}), "spatial_ref": place}
    noise = np.random.default_rng(0).random((60, 20, 40))
    image: Any = asked_image(Labelled(noise, ("y", "x", "band"), coords, {"_FillValue": -1.0}), InputSpec())
    assert image.shape == (60, 20, 40)
    assert np.allclose(image.wavelengths_nm, NM)
    assert image.nodata == -1
    assert (image.georeference.crs_wkt, image.georeference.transform) == ("a CRS", (30, 0, 10, 0, -30, 20))
    turned: Any = asked_image(Labelled(noise, ("band", "y", "x")), InputSpec())
    assert turned.shape == (20, 40, 60)
    assert np.array_equal(turned.read().values, noise.transpose(1, 2, 0).astype("f4"))


def test_a_dataset_of_rasterio_keeps_its_place_and_wavelengths(tmp_path: Path) -> None:
    tags = [{"wavelength": str(value)} for value in NM]
    with rasterio.open(write_geotiff(tmp_path / "a.tif", S.cube, tags)) as dataset:
        image: Any = asked_image(dataset, InputSpec())
        assert np.allclose(image.wavelengths_nm, NM)
        assert image.georeference.transform == tuple(ROTATED)[:6]


def test_an_array_of_unclear_axes_is_refused_until_they_are_said() -> None:
    noise = np.random.default_rng(0).random((60, 20, 20))
    with pytest.raises(AmbiguousSceneError, match="axes=bands,rows,columns"):
        asked_image(noise, InputSpec())
    image: Any = asked_image(noise, InputSpec(axes="bands,rows,columns"))
    assert np.array_equal(image, noise.transpose(1, 2, 0))


@pytest.mark.parametrize("shape", [(12, 15, 10), (9, 11, 7), (5, 4, 6)])
def test_a_very_small_array_is_taken_as_it_comes(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(2)
    cube = rng.dirichlet([0.3] * 3, size=shape[:2]) @ rng.random((3, shape[2]))
    image: Any = asked_image(cube, InputSpec())
    assert image.shape == shape


def test_what_holds_no_image_is_refused() -> None:
    with pytest.raises(SceneFormatError, match="a dict holds no image"):
        unmix({})
