"""Which device and how many threads PyTorch uses, for the time of one training."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from unmixing.errors import SpecError
from unmixing.types import Compute

DEVICES = ("cpu", "cuda", "auto")


@contextmanager
def torch_device(compute: Compute) -> Iterator[torch.device]:
    """Sets PyTorch's threads and puts them back. Raises SpecError for an unknown or missing device."""
    if compute.device not in DEVICES:
        raise SpecError(f"device is {compute.device!r}; it has to be one of: {', '.join(DEVICES)}")
    if compute.device == "cuda" and not torch.cuda.is_available():
        raise SpecError("device is 'cuda', but PyTorch finds no CUDA device; use 'cpu' or 'auto'")
    name = "cuda" if compute.device != "cpu" and torch.cuda.is_available() else "cpu"
    before = torch.get_num_threads()
    torch.set_num_threads(compute.threads)
    try:
        yield torch.device(name)
    finally:
        torch.set_num_threads(before)
