"""Hyperspectral unmixing: what a scene is made of, from the image alone.

>>> from unmixing import unmix                                       # doctest: +SKIP
>>> result = unmix(cube, n_endmembers=3)   # cube: (rows, columns, bands)
>>> result.endmembers.shape, result.abundances.shape
((3, 156), (95, 95, 3))
"""

from typing import Any

__all__ = ["unmix"]


def __getattr__(name: str) -> Any:
    # The pipeline pulls in SciPy and ONNX Runtime; those who only want the types should not wait for it.
    if name == "unmix":
        from unmixing.pipeline import unmix

        return unmix
    raise AttributeError(f"module 'unmixing' has no attribute {name!r}")
