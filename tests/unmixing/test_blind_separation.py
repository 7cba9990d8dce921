"""blind_library on mixtures that are hard to separate: it answers with finite columns, or says why not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from unmixing.algorithms.endmembers import unit_norm
from unmixing.algorithms.metrics import nmse
from unmixing.errors import SceneContentError
from unmixing.mixtures import blind
from unmixing.mixtures.blind import blind_library
from unmixing.mixtures.matching import matched
from unmixing.mixtures.sources import SourceModel, mix

N_SOURCES, N_CHANNELS = 3, 12


def truth(n_samples: int = 300, n_channels: int = N_CHANNELS, **model: Any) -> tuple[np.ndarray, np.ndarray]:
    """Mixtures and their mixing matrix."""
    rng = np.random.default_rng(0)
    options: dict[str, Any] = {"shapes": (0.4,) * N_SOURCES, "snr_db": 30.0}
    sources = SourceModel(**(options | model))
    sets = mix(unit_norm(rng.standard_normal((1, N_SOURCES, n_channels))), sources, n_samples, rng)
    return sets.mixtures[0], sets.mixing_matrices[0]


def mixtures(**arguments: Any) -> np.ndarray:
    return truth(**arguments)[0]


def library(given: np.ndarray, *, nonnegative: bool = False):
    return blind_library(given, N_SOURCES, np.random.default_rng(1), nonnegative=nonnegative, n_runs=8)


HARD: dict[str, Callable[[], np.ndarray]] = {
    "channels that repeat": lambda: np.repeat(mixtures(n_channels=3), 4, axis=1),
    "constant channels": lambda: np.concatenate([mixtures(), np.ones((300, 4))], axis=1),
    "channels of zeros": lambda: np.concatenate([mixtures(), np.zeros((300, 4))], axis=1),
    "as many channels as sources": lambda: mixtures(n_channels=N_SOURCES),
    "hardly any noise": lambda: mixtures(snr_db=200.0),
    "whole numbers": lambda: np.round(200 * mixtures()),
    "a source that is nearly absent": lambda: mixtures(norms=(1.0, 1.0, 1e-4), snr_db=40.0),
    "as few rows as there may be": lambda: mixtures(n_samples=N_SOURCES + 1),
    "mostly zeros": lambda: mixtures() * (np.random.default_rng(2).random((300, 1)) < 0.05),
    "one channel per row": lambda: np.eye(N_CHANNELS)[np.random.default_rng(2).integers(N_CHANNELS, size=300)],
    "huge": lambda: 1e20 * mixtures(),
    "Gaussian": lambda: mixtures(shapes=(2.0,) * N_SOURCES),
}


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("row", HARD)
def test_hard_mixtures_give_unit_columns(row, nonnegative):
    given = np.maximum(HARD[row](), 0) if nonnegative else HARD[row]()
    found = library(given, nonnegative=nonnegative)
    np.testing.assert_allclose(np.linalg.norm(found.matrices, axis=2), 1.0)
    assert np.isfinite(found.sources.norms).all()
    assert found.n_agreeing >= 1


def test_channels_that_say_nothing_change_nothing():
    given, matrix = truth()
    found = library(np.concatenate([given, np.zeros((300, 4))], axis=1)).matrices[0]
    np.testing.assert_allclose(found[:, N_CHANNELS:], 0, atol=1e-9)
    assert nmse(matched(found[:, :N_CHANNELS], matrix), matrix) < 0.01


def test_runs_that_break_down_are_left_out(monkeypatch):
    run, number = blind._fast_ica, iter(range(1_000))

    def fragile(*arguments):
        """In turn: no answer, two equal columns, no number, a good one."""
        (matrix,) = run(*arguments)
        twice = np.stack([matrix[0], matrix[0], matrix[1]])
        return ([], [twice], [np.full_like(matrix, np.nan)], [matrix])[next(number) % 4]

    monkeypatch.setattr(blind, "_fast_ica", fragile)
    given, matrix = truth()
    found = library(given)
    assert nmse(matched(found.matrices[0], matrix), matrix) < 0.01
    assert found.n_agreeing == 2


def test_no_answer_at_all_is_an_error(monkeypatch):
    monkeypatch.setattr(blind, "_fast_ica", lambda *_: [np.ones((N_SOURCES, N_CHANNELS))])
    with pytest.raises(SceneContentError, match="300 rows, 12 channels"):
        library(mixtures())
