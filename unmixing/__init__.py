"""Hyperspectral unmixing: what a scene is made of, from the image alone.

>>> import numpy as np
>>> from unmixing import unmix
>>> from unmixing.specs import UnmixSpec
>>> cube = np.random.default_rng(0).random((8, 9, 20))   # rows, columns, bands
>>> result = unmix(cube, UnmixSpec(method="vca_fcls", n_endmembers=3))
>>> result.endmembers.shape, result.abundances.shape
((3, 20), (8, 9, 3))
"""

from typing import Any

__all__ = ["unmix"]


def __getattr__(name: str) -> Any:
    # The pipeline pulls in SciPy and ONNX Runtime; those who only want the types should not wait for it.
    if name == "unmix":
        from unmixing.pipeline import unmix

        return unmix
    raise AttributeError(f"module 'unmixing' has no attribute {name!r}")
