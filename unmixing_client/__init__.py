"""A typed client of the service: scenes go up, jobs are followed, results come down as arrays or files.

::

    from unmixing.specs import UnmixSpec
    from unmixing_client import UnmixClient

    with UnmixClient("http://127.0.0.1:8000") as client:
        job = client.submit("scene.npz", UnmixSpec(n_endmembers=4))
        result = job.wait().result()  # as ``unmixing.unmix`` gives it
        job.download("scene-unmixed")

``AsyncUnmixClient`` is the same with ``await``.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unmixing_client.asynchronous import AsyncJob, AsyncUnmixClient
    from unmixing_client.synchronous import Job, UnmixClient

__all__ = ["AsyncJob", "AsyncUnmixClient", "Job", "UnmixClient"]


def __getattr__(name: str) -> Any:
    # The command line asks for the errors long before it talks to anybody.
    if name in __all__:
        place = "unmixing_client.asynchronous" if name.startswith("Async") else "unmixing_client.synchronous"
        return getattr(importlib.import_module(place), name)
    raise AttributeError(f"module 'unmixing_client' has no attribute {name!r}")
