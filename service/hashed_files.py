"""A file that is hashed as it is written."""

import hashlib
from pathlib import Path


class HashedFile:
    """A new file at ``path``, written piece by piece. Raises FileExistsError. Close it in any case."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n_bytes = 0
        self._file = path.open("xb")
        self._digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)
        self.n_bytes += len(data)

    def result(self) -> str:
        """After the last piece: the SHA-256."""
        self._file.close()
        return self._digest.hexdigest()

    def close(self) -> None:
        self._file.close()
