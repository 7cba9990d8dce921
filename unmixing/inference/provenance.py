"""How a result came about: what was asked, with which software, from which input, in what time and memory."""

import resource
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

SOFTWARE = {"project": "unmixing-service", "numpy": "numpy", "torch": "torch", "onnxruntime": "onnxruntime"}
"""Names in a provenance, and the packages whose versions stand there."""


def provenance(method: str, spec: Mapping[str, Any], seconds: Mapping[str, float]) -> dict[str, Any]:
    """JSON-able. spec: the whole of it, defaults included. seconds: per stage. ``peak_memory_bytes`` is that of the
    process until now."""
    return {
        "method": method,
        "spec": dict(spec),
        "seed": spec.get("seed"),
        "versions": {name: package_version(package) for name, package in SOFTWARE.items()},
        "seconds": dict(seconds),
        "peak_memory_bytes": peak_memory_bytes(),
    }


def peak_memory_bytes() -> int:
    """The most memory this process has had so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def package_version(package: str) -> str | None:
    """The version of an installed package, None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:  # run from a checkout that was never installed
        return None
