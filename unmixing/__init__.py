"""Hyperspectral unmixing: what a scene is made of, from the image alone.

>>> import numpy as np
>>> from unmixing import unmix
>>> from unmixing.specs import UnmixSpec
>>> rng = np.random.default_rng(0)
>>> cube = rng.dirichlet([0.3, 0.3, 0.3], size=(20, 20)) @ rng.random((3, 30))  # (rows, columns, bands)
>>> result = unmix(cube, UnmixSpec(method="vca_fcls", n_endmembers=3))
>>> result.endmembers.shape, result.abundances.shape
((3, 30), (20, 20, 3))
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unmixing.io.apply.in_memory import unmix
    from unmixing.io.apply.labelled import apply_model

__all__ = ["apply_model", "unmix"]

_PLACES = {"unmix": "unmixing.io.apply.in_memory", "apply_model": "unmixing.io.apply.labelled"}


def __getattr__(name: str) -> Any:
    # They pull in SciPy and ONNX Runtime; those who only want the types should not wait for it.
    if name in _PLACES:
        return getattr(importlib.import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'unmixing' has no attribute {name!r}")
