"""Trained models, stored under the hash of their bytes: ``{id}/model.onnx``, which carries its manifest, and a copy of
that for listings, ``{id}/manifest.json``."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from model_store.errors import UnknownModelError
from model_store.folders import appearing_folder, remove_folder
from unmixing.errors import ModelParityError
from unmixing.manifest import ModelManifest
from unmixing.types import TrainedModel

MAX_PARITY = 1e-4
"""Largest difference between ONNX Runtime and PyTorch with which a model may be stored."""

ID_LENGTH = 32
"""Hexadecimal digits of an id: the head of the SHA-256 of ``model.onnx``, so a download can be checked."""

_ID = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}")


@dataclass(frozen=True)
class StoredModel:
    """A model on disk. ``size`` in bytes; ``created`` is when this content was first stored."""

    id: str
    path: Path
    size: int
    created: datetime
    manifest: ModelManifest


def model_id(model: TrainedModel) -> str:
    """The id under which ``model`` is, or would be, stored."""
    return hashlib.sha256(model.onnx).hexdigest()[:ID_LENGTH]


class ModelStore:
    """A folder of models. Registering the same content twice is one model."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        return self._folder

    def register(self, model: TrainedModel) -> str:
        """Store ``model``, whole or not at all, and return its id.

        Raises ModelParityError when ONNX Runtime and PyTorch disagree on it by more than ``MAX_PARITY``.
        """
        parity = model.manifest.onnx_parity
        if not parity <= MAX_PARITY:
            raise ModelParityError(
                f"ONNX Runtime and PyTorch differ by {parity:g} on this model, more than {MAX_PARITY:g}"
            )
        identifier = model_id(model)
        if not (self._folder / identifier).exists():
            with appearing_folder(self._folder / identifier) as folder:
                (folder / "model.onnx").write_bytes(model.onnx)
                (folder / "manifest.json").write_text(model.manifest.model_dump_json(), "utf-8")
        return identifier

    def get(self, identifier: str) -> StoredModel:
        """The model with this id. Raises UnknownModelError."""
        folder = self._folder / identifier
        try:
            # The pattern keeps ids from naming anything outside the folder.
            if not _ID.fullmatch(identifier):
                raise FileNotFoundError(identifier)
            manifest = ModelManifest.model_validate_json((folder / "manifest.json").read_text("utf-8"))
            facts = (folder / "model.onnx").stat()
        except FileNotFoundError:
            raise UnknownModelError(f"no stored model has the id {identifier!r}") from None
        created = datetime.fromtimestamp(facts.st_mtime, UTC)
        return StoredModel(identifier, folder / "model.onnx", facts.st_size, created, manifest)

    def load(self, identifier: str) -> TrainedModel:
        """The model with its bytes, ready for ``unmixing.unmix``. Raises UnknownModelError."""
        stored = self.get(identifier)
        return TrainedModel(stored.path.read_bytes(), stored.manifest)

    def page(self, *, limit: int, offset: int) -> tuple[list[StoredModel], int]:
        """One page of the models, newest first, and how many there are."""
        found = [entry for entry in self._entries() if _ID.fullmatch(entry.name)]
        newest_first = sorted(found, key=lambda entry: (entry.stat().st_mtime, entry.name), reverse=True)
        page = newest_first[offset : offset + limit]
        return [self.get(entry.name) for entry in page], len(found)

    def delete(self, identifier: str) -> None:
        """Remove the model. Raises UnknownModelError."""
        self.get(identifier)
        remove_folder(self._folder / identifier)

    def _entries(self) -> list[Path]:
        return list(self._folder.iterdir()) if self._folder.is_dir() else []
