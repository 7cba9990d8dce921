"""The command line in this process, and a scene small enough to train on in seconds."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from tests.conftest import REPOSITORY

N_BANDS = 24
TRAINING_SECONDS = "2"

Command = Callable[..., Result]


@pytest.fixture
def unmix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Runs the command line in this process, in a folder of its own, without settings from outside."""
    for name in [*os.environ]:
        if name.startswith("UNMIX_") or name == "REDIS_URL":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def make_tiny(path: Path, seed: int = 0, n_bands: int = N_BANDS) -> Path:
    """14 x 12 pixels of three smooth spectra with pure pixels, its truth inside."""
    rng = np.random.default_rng(seed)
    bands = np.linspace(0.0, 1.0, n_bands)
    endmembers = np.stack([0.2 + 0.6 * np.exp(-(((bands - peak) / 0.2) ** 2)) for peak in (0.1, 0.5, 0.9)])
    abundances = rng.dirichlet([0.5, 0.5, 0.5], size=(14, 12))
    abundances[0, :3] = np.eye(3)
    cube = (abundances @ endmembers + 0.003 * rng.standard_normal((14, 12, n_bands))).astype(np.float32)
    wavelengths_nm = 400.0 + 1000.0 * bands
    names = np.array(["left", "middle", "right"])
    np.savez(
        path,
        cube=cube,
        wavelengths_nm=wavelengths_nm,
        endmembers=endmembers,
        abundances=abundances,
        names=names,
    )
    return path


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return make_tiny(tmp_path / "tiny.npz")
