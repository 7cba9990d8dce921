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

from typing import Any

__all__ = ["unmix"]


def __getattr__(name: str) -> Any:
    # The pipeline pulls in SciPy and ONNX Runtime; those who only want the types should not wait for it.
    if name == "unmix":
        from unmixing.io.apply.in_memory import unmix

        return unmix
    raise AttributeError(f"module 'unmixing' has no attribute {name!r}")
