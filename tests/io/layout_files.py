"""A small scene that behaves as real ones do, and writers of it in the layouts that people share scenes in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
from scipy.ndimage import gaussian_filter

from unmixing.errors import SceneFormatError
from unmixing.io.inputs.scenes import open_scene
from unmixing.specs import InputSpec

N_ENDMEMBERS = 3
WAVELENGTHS = np.linspace(420, 2400, 40)


@dataclass(frozen=True)
class Scene:
    """cube: (rows, columns, bands). abundances: (rows, columns, endmembers). endmembers: (endmembers, bands)."""

    cube: Any
    abundances: Any
    endmembers: Any

    @property
    def down_columns(self) -> Any:
        """(bands, pixels) as MATLAB counts pixels, filled one by one so that no reshape can be wrong twice."""
        return _matrix(self.cube, down_columns=True)

    @property
    def along_rows(self) -> Any:
        """(bands, pixels) as NumPy counts pixels."""
        return _matrix(self.cube, down_columns=False)

    @property
    def abundance_matrix(self) -> Any:
        """(endmembers, pixels) as MATLAB counts pixels."""
        return _matrix(self.abundances, down_columns=True)


@cache
def scene(rows: int = 24, columns: int = 18, bands: int = 40) -> Scene:
    """Smooth abundances of three materials with smooth spectra, some noise; float32."""
    rng = np.random.default_rng(3)
    fields = np.stack([gaussian_filter(rng.normal(size=(rows, columns)), 1.2) for _ in range(N_ENDMEMBERS)], axis=-1)
    shares = np.exp(fields / fields.std() * 1.5)
    abundances = shares / shares.sum(axis=-1, keepdims=True)
    x = np.linspace(0, 1, bands)
    centres = np.array([[0.2, 0.9], [0.5, 0.1], [0.8, 0.35]])
    spectra = np.array([0.2 + sum(np.exp(-(((x - centre) / 0.2) ** 2)) for centre in pair) / 2 for pair in centres])
    cube = abundances @ spectra + rng.normal(scale=0.003, size=(rows, columns, bands))
    return Scene(cube.astype("f4"), abundances.astype("f8"), spectra.astype("f8"))


def _matrix(cube: Any, *, down_columns: bool) -> Any:
    rows, columns, bands = cube.shape
    matrix = np.zeros((bands, rows * columns), cube.dtype)
    for row in range(rows):
        for column in range(columns):
            matrix[:, column * rows + row if down_columns else row * columns + column] = cube[row, column]
    return matrix


def write_v5(folder: Path, **arrays: Any) -> Path:
    """As MATLAB's save, or SciPy's savemat."""
    scipy.io.savemat(folder / "scene.mat", arrays)
    return folder / "scene.mat"


def write_v73(folder: Path, **arrays: Any) -> Path:
    """As MATLAB's save with -v7.3: a user block with its text, arrays with their axes reversed, structs as groups."""
    path = folder / "scene.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        _put(file, arrays)
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


def _put(group: Any, arrays: Mapping[str, Any]) -> None:
    for name, values in arrays.items():
        if isinstance(values, Mapping):
            _put(group.create_group(name), values)
        else:
            group[name] = np.atleast_2d(values).T


def write_npz(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "scene.npz", **arrays)
    return folder / "scene.npz"


def write_npy(folder: Path, array: Any) -> Path:
    np.save(folder / "scene.npy", array)
    return folder / "scene.npy"


def write_h5(folder: Path, **arrays: Any) -> Path:
    """A plain HDF5 file; names with a slash lie in groups."""
    with h5py.File(folder / "scene.h5", "w") as file:
        for name, values in arrays.items():
            file[name] = values
    return folder / "scene.h5"


@dataclass(frozen=True)
class Row:
    """One file layout, and how it must be read.

    arrays: in the file, by name. cube: as it must come out, or None where it must be refused. refused: words of the
    refusal. variable, passed_over, wavelengths: as must be reported, where given. said: by the user.
    """

    name: str
    arrays: Mapping[str, Any]
    cube: Any = None
    refused: str = ""
    variable: str | None = None
    passed_over: tuple[str, ...] | None = None
    wavelengths: Any = None
    no_wavelengths: bool = False
    said: InputSpec = field(default_factory=InputSpec)


def check_row(row: Row, path: Path) -> None:
    """The file comes out right by value, or is refused with the words that name the next step."""
    if row.cube is None:
        with pytest.raises(SceneFormatError, match=row.refused):
            open_scene([path], row.said, scratch=path.parent)
        return
    with open_scene([path], row.said, scratch=path.parent) as reader:
        values = np.concatenate(list(reader.blocks()))
    assert values.shape == row.cube.shape
    assert np.array_equal(values, row.cube)
    assert row.variable is None or reader.source["variable"] == row.variable
    if row.passed_over is not None:
        assert {other["name"] for other in reader.source.get("passed_over", [])} == set(row.passed_over)
    if row.wavelengths is not None:
        assert reader.wavelengths_nm is not None
        assert np.allclose(reader.wavelengths_nm, row.wavelengths, rtol=1e-5)
    assert not row.no_wavelengths or reader.wavelengths_nm is None


def by_name(row: Row) -> str:
    """The id of a row among the tests."""
    return row.name
