"""The answers of every method on one small scene, as numbers that are kept: ``python -m tests.golden`` writes them.

They are what ``SCIENCE_VERSION`` stands for: when one of them changes, work done before is no longer equal.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_store.records import SCIENCE_VERSION
from unmixing import unmix
from unmixing.methods import METHODS
from unmixing.specs import UnmixSpec
from unmixing.types import Unmixing

STORED = Path(__file__).with_name("golden.json")

N_ENDMEMBERS, ROWS, COLUMNS, BANDS = 3, 16, 16, 24

RELATIVE, ABSOLUTE = 1e-3, 2e-4
"""How far a number may be from the stored one: more than the rounding of another processor, less than any change of
an algorithm."""

ONE_EPOCH_SECONDS = 1e-9
"""No epoch is this short, so that training ends after its first one on every machine."""

Answer = dict[str, list[Any]]


def scene() -> NDArray[np.float32]:
    """Three smooth spectra under varying light with a little noise, some pixels pure."""
    rng = np.random.default_rng(11)
    axis = np.linspace(0.0, 1.0, BANDS)
    spectra = np.stack([0.2 + 0.5 * axis, 0.6 - 0.4 * axis, 0.3 + 0.3 * np.exp(-(((axis - 0.5) / 0.15) ** 2))])
    abundances = rng.dirichlet([0.7] * N_ENDMEMBERS, size=ROWS * COLUMNS)
    abundances[:9] = np.repeat(np.eye(N_ENDMEMBERS), 3, axis=0)
    illumination = np.exp(0.1 * rng.standard_normal((ROWS * COLUMNS, 1)))
    noise = 0.002 * rng.standard_normal((ROWS * COLUMNS, BANDS))
    return (illumination * (abundances @ spectra) + noise).reshape(ROWS, COLUMNS, BANDS).astype(np.float32)


def answer_of(method: str) -> Answer:
    """Statistics of a method's answer on the scene."""
    spec = UnmixSpec(method=method, n_endmembers=N_ENDMEMBERS, seed=2, max_training_seconds=ONE_EPOCH_SECONDS)
    return statistics(unmix(scene(), spec))


def statistics(result: Unmixing) -> Answer:
    """A few numbers that no change of the answer leaves as they are."""
    flat = result.abundances.reshape(-1, N_ENDMEMBERS)
    numbers = {
        "endmembers": result.endmembers[:, ::6],
        "endmember_norms": np.linalg.norm(result.endmembers, axis=1),
        "abundances": flat[::50],
        "abundance_means": flat.mean(axis=0),
        "abundance_deviations": flat.std(axis=0),
        "brightness": result.brightness.ravel()[::50],
        "brightness_mean": result.brightness.mean(keepdims=True).ravel(),
    }
    if result.uncertainty is not None:
        numbers["uncertainty_means"] = result.uncertainty.reshape(-1, N_ENDMEMBERS).mean(axis=0)
    return {name: np.round(values.astype(np.float64), 5).tolist() for name, values in numbers.items()}


def differences(answer: Answer, stored: Answer) -> dict[str, float]:
    """The largest difference of every number of an answer that is not what was stored."""
    found = {name: float("inf") for name in answer.keys() ^ stored.keys()}
    for name in answer.keys() & stored.keys():
        new, old = np.array(answer[name]), np.array(stored[name])
        if new.shape != old.shape or not np.allclose(new, old, rtol=RELATIVE, atol=ABSOLUTE):
            found[name] = float(np.abs(new - old).max()) if new.shape == old.shape else float("inf")
    return found


def read_stored() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(STORED.read_text("utf-8"))
    return document


def update() -> str | None:
    """Store the answers of now. Returns why not: the same version must not stand for two answers."""
    answers = {method: answer_of(method) for method in METHODS}
    before = read_stored() if STORED.exists() else {"science_version": None, "answers": {}}
    changed = [
        method
        for method, stored in before["answers"].items()
        if method in answers and differences(answers[method], stored)
    ]
    if changed and before["science_version"] == SCIENCE_VERSION:
        return f"the answers of {', '.join(changed)} changed: raise SCIENCE_VERSION in model_store/records.py first"
    document = {"science_version": SCIENCE_VERSION, "answers": answers}
    STORED.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    return None


if __name__ == "__main__":
    sys.exit(update())
