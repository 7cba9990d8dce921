"""Errors that keep a process tree from starting; their texts say how to mend them."""


class SupervisionError(Exception):
    """Root of this package's errors."""


class DataFolderInUseError(SupervisionError):
    """Another process tree holds the data folder."""


class UnprotectedAddressError(SupervisionError):
    """Others can reach the address, and no API key keeps them out."""


class AddressUnavailableError(SupervisionError):
    """The address cannot be listened on: it is none of this machine, or taken."""


class LeftoverQueueError(SupervisionError):
    """The embedded queue of an earlier tree still runs and does not stop."""
