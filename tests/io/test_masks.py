"""Only the pixels that a mask uses take part in anything."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import transform_geom
from scipy.io import savemat

from unmixing import unmix
from unmixing.errors import UnmixingError
from unmixing.io.inputs.scenes import open_scene
from unmixing.specs import InputSpec, UnmixSpec

ROWS, COLUMNS, BANDS = 24, 20, 14
PLACE = Affine(30.0, 0.0, 600_000.0, 0.0, -30.0, 5_800_000.0)
USED = np.zeros((ROWS, COLUMNS), dtype=bool)
USED[:, : COLUMNS // 2] = True


def scene(rng: np.random.Generator) -> np.ndarray:
    mixed = rng.dirichlet([0.4] * 3, (ROWS, COLUMNS)) @ rng.uniform(0.1, 0.9, (3, BANDS))
    return np.asarray((mixed + rng.normal(0, 0.002, mixed.shape)) * 10_000, dtype=np.float32)


CUBE = scene(np.random.default_rng(1))


def write(path: Path, values: np.ndarray, crs: str = "EPSG:32633", place: Affine = PLACE) -> Path:
    bands = values if values.ndim == 3 else values[:, :, None]
    with rasterio.open(
        path, "w", driver="GTiff", height=bands.shape[0], width=bands.shape[1], count=bands.shape[2],
        dtype=bands.dtype, crs=crs, transform=place,
    ) as file:  # fmt: skip
        file.write(bands.transpose(2, 0, 1))
    return path


def as_npz(path: Path, values: np.ndarray) -> None:
    np.savez(path, mask=values, other=np.zeros(3))


def as_mat(path: Path, values: np.ndarray) -> None:
    savemat(path, {"mask": values.astype(np.uint8)})


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("m.npy", lambda path, values: np.save(path, values)),
        ("f.npy", lambda path, values: np.save(path, np.where(values, 0.5, np.nan))),
        ("m.npz", as_npz),
        ("m.mat", as_mat),
        ("m.tif", lambda path, values: write(path, values.astype(np.uint8))),
        ("m.csv", lambda path, values: np.savetxt(path, values, "%d", ",")),
    ],
)
def test_a_mask_of_any_format_uses_the_same_pixels(
    tmp_path: Path, name: str, save: Callable[[Path, np.ndarray], None]
) -> None:
    save(tmp_path / name, USED)
    with open_scene([write(tmp_path / "scene.tif", CUBE)], InputSpec(mask=str(tmp_path / name))) as reader:
        cube = reader.read()
    assert np.array_equal(cube.valid_pixels, USED)
    assert cube.source["pixels_outside_mask"] == int((~USED).sum())


def polygon(crs: str) -> dict[str, Any]:
    """The used half in a CRS."""
    left, top = PLACE.c, PLACE.f
    right, bottom = left + 30 * COLUMNS / 2, top - 30 * ROWS
    ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
    found: dict[str, Any] = {"type": "Polygon", "coordinates": [ring]}
    return found if crs == "EPSG:32633" else dict(transform_geom(CRS.from_epsg(32633), CRS.from_string(crs), found))


@pytest.mark.parametrize(
    "document",
    [
        polygon("EPSG:4326"),
        polygon("EPSG:32633"),
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": polygon("EPSG:4326")}]},
        {**polygon("EPSG:3857"), "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}},
    ],
)
def test_polygons_use_the_pixels_whose_centres_they_hold(tmp_path: Path, document: dict[str, Any]) -> None:
    (tmp_path / "m.geojson").write_text(json.dumps(document))
    asked = InputSpec(mask=str(tmp_path / "m.geojson"), rows="2:", columns="1:15")
    with open_scene([write(tmp_path / "scene.tif", CUBE)], asked) as reader:
        assert np.array_equal(reader.read().valid_pixels, USED[2:, 1:15])
        assert reader.georeference is not None
        assert reader.georeference.transform == tuple((PLACE @ Affine.translation(1, 2))[:6])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"type": "Point", "coordinates": [13.0, 52.0]}, "no polygon"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}, "none of which holds a pixel"),
        ({"type": "Polygon", "coordinates": []}, "no GeoJSON"),
        ({"type": "Feature"}, "no polygon"),
        ({"no": "type"}, "no GeoJSON"),
        ({**polygon("EPSG:4326"), "crs": {"properties": {"name": "/etc/passwd"}}}, "EPSG:32633"),
        (np.zeros((ROWS, COLUMNS)), "leaves no pixel"),
        (np.ones((ROWS, COLUMNS - 1)), "24 x 19 pixels, the scene 24 x 20"),
        (np.ones((ROWS, COLUMNS, 3)), "numbers .rows, columns."),
        (PLACE @ Affine.translation(3, 0), "lies elsewhere"),
        ("EPSG:32634", "another CRS"),
    ],
)
def test_a_mask_that_cannot_be_meant_is_refused_in_words(tmp_path: Path, content: Any, words: str) -> None:
    path = tmp_path / "mask"
    if isinstance(content, dict):
        path.write_text(json.dumps(content))
    elif isinstance(content, np.ndarray):
        with path.open("wb") as file:
            np.save(file, content)
    else:
        changed = {"crs": content} if isinstance(content, str) else {"place": content}
        write(path, USED.astype(np.uint8), **changed)
    with pytest.raises(UnmixingError, match=words):
        open_scene([write(tmp_path / "scene.tif", CUBE)], InputSpec(mask=str(path)))


@pytest.mark.parametrize("method", ["vca_fcls", "nmf"])
@pytest.mark.parametrize("other", ["noise", "nan", "huge"])
def test_what_lies_outside_the_mask_changes_nothing(tmp_path: Path, method: str, other: str) -> None:
    rng = np.random.default_rng(2)
    there = {"noise": rng.normal(0, 1e4, CUBE.shape), "nan": np.full(CUBE.shape, np.nan), "huge": 1e33 * CUBE}
    np.save(tmp_path / "mask.npy", USED)
    answers = []
    for name, rest in (("as-it-is", CUBE), ("changed", there[other].astype(np.float32))):
        path = write(tmp_path / f"{name}.tif", np.where(USED[:, :, None], CUBE, rest))
        with open_scene([path], InputSpec(mask=str(tmp_path / "mask.npy"))) as reader:
            answers.append(unmix(reader, UnmixSpec(method=method, n_endmembers=3)))
    assert np.array_equal(answers[0].abundances, answers[1].abundances, equal_nan=True)
    assert np.array_equal(answers[0].brightness, answers[1].brightness, equal_nan=True)
    assert np.array_equal(np.isfinite(answers[0].brightness), USED)
    assert np.array_equal(answers[0].endmembers, answers[1].endmembers)


def test_a_mask_that_is_shorter_than_its_header_says_is_refused_in_words(tmp_path: Path) -> None:
    np.save(tmp_path / "mask.npy", USED)
    content = (tmp_path / "mask.npy").read_bytes()
    (tmp_path / "mask.npy").write_bytes(content[:-50])
    with pytest.raises(UnmixingError, match="mask.npy has other numbers than its header says"):
        open_scene([write(tmp_path / "scene.tif", CUBE)], InputSpec(mask=str(tmp_path / "mask.npy")))
