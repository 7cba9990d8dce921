"""Trained models, stored under the hash of their bytes: ``{id}/model.onnx``, which carries its manifest, and a copy of
that for listings, ``{id}/manifest.json``."""

import hashlib
import logging
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from model_store.errors import UnknownModelError, UnreadableModelError
from model_store.folders import appearing_folder, remove_folder
from unmixing.errors import ModelParityError
from unmixing.manifest import ModelManifest
from unmixing.types import TrainedModel

MAX_PARITY = 1e-4
"""Largest difference between ONNX Runtime and PyTorch with which a model may be stored."""

ID_LENGTH = 32
"""Hexadecimal digits of an id: the head of the SHA-256 of ``model.onnx``, so a download can be checked."""

logger = logging.getLogger(__name__)

OWNER = re.compile(r"[0-9a-f]{12}")
"""Names of the folders that hold the models of an owner."""

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

    def of(self, owner: str | None) -> "ModelStore":
        """The models of one owner (see ``JobRecord``), in a folder of their own: equal content of two is two models."""
        return self if owner is None else ModelStore(self._folder / owner)

    def folders(self) -> list[Path]:
        """The folders of all owners, this one first."""
        entries = self._folder.iterdir() if self._folder.is_dir() else ()
        return [self._folder, *(entry for entry in entries if OWNER.fullmatch(entry.name) and entry.is_dir())]

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
        """The model with this id. Raises UnknownModelError and UnreadableModelError."""
        folder = self._existing(identifier)
        try:
            manifest = ModelManifest.model_validate_json((folder / "manifest.json").read_text("utf-8"))
            facts = (folder / "model.onnx").stat()
        except (OSError, ValueError) as error:
            self._existing(identifier)  # it may have been deleted just now
            logger.error("the model in %s cannot be read: %s", folder, error)
            raise UnreadableModelError(
                f"the stored model {identifier} cannot be read; DELETE /models/{identifier} removes it"
            ) from None
        created = datetime.fromtimestamp(facts.st_mtime, UTC)
        return StoredModel(identifier, folder / "model.onnx", facts.st_size, created, manifest)

    def load(self, identifier: str) -> TrainedModel:
        """The model with its bytes, ready for ``unmixing.unmix``. Raises UnknownModelError and UnreadableModelError."""
        stored = self.get(identifier)
        return TrainedModel(stored.path.read_bytes(), stored.manifest)

    def page(
        self, matches: Callable[[StoredModel], bool] | None = None, *, limit: int, offset: int
    ) -> tuple[list[StoredModel], int]:
        """One page of the models, newest first, and how many there are. What cannot be read is left out.

        matches: which models to take; every manifest is read to say that.
        """
        newest_first = [identifier for _, identifier in sorted(self._entries(), reverse=True)]
        if matches is not None:
            found = [model for model in self._readable(newest_first) if matches(model)]
            return found[offset : offset + limit], len(found)
        return self._readable(newest_first[offset : offset + limit]), len(newest_first)

    def _readable(self, identifiers: Iterable[str]) -> list[StoredModel]:
        found = []
        for identifier in identifiers:
            with suppress(UnknownModelError, UnreadableModelError):
                found.append(self.get(identifier))
        return found

    def delete(self, identifier: str) -> None:
        """Remove the model. Raises UnknownModelError."""
        remove_folder(self._existing(identifier))

    def _existing(self, identifier: str) -> Path:
        """The model's folder. Raises UnknownModelError."""
        # The pattern keeps ids from naming anything outside the folder.
        if not _ID.fullmatch(identifier) or not (self._folder / identifier).is_dir():
            raise UnknownModelError(f"no stored model has the id {identifier!r}")
        return self._folder / identifier

    def _entries(self) -> list[tuple[float, str]]:
        """(time of storing, id) of every model."""
        found = []
        for entry in self._folder.iterdir() if self._folder.is_dir() else ():
            if _ID.fullmatch(entry.name):
                with suppress(FileNotFoundError):  # deleted since it was listed
                    found.append((entry.stat().st_mtime, entry.name))
        return found
