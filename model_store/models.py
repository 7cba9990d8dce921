"""Trained models, stored under the hash of their bytes: ``{id}/model.onnx``, which carries its manifest, and a copy of
that for listings, ``{id}/manifest.json``; ``{id}/item.json`` is its STAC item, for who takes the folder elsewhere."""

import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from model_store.errors import UnknownModelError, UnreadableModelError
from model_store.folders import appearing_folder, remove_folder
from model_store.objects import Objects
from unmixing.errors import ModelParityError
from unmixing.io.products.stac.models import model_item
from unmixing.io.products.stac.names import ITEM
from unmixing.manifest import ModelManifest
from unmixing.types import TrainedModel

MAX_PARITY = 1e-4
"""Largest difference between ONNX Runtime and PyTorch with which a model may be stored."""

ID_LENGTH = 32
"""Hexadecimal digits of an id: the head of the SHA-256 of ``model.onnx``, so a download can be checked."""

MANIFEST = "manifest.json"

logger = logging.getLogger(__name__)

OWNER = re.compile(r"[0-9a-f]{12}")
"""Names of the folders that hold the models of an owner."""

_ID = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}")


@dataclass(frozen=True)
class StoredModel:
    """A model on disk. ``size`` in bytes; ``created`` is when this content was stored last."""

    id: str
    path: Path
    size: int
    created: datetime
    manifest: ModelManifest


def model_id(model: TrainedModel) -> str:
    """The id under which ``model`` is, or would be, stored."""
    return hashlib.sha256(model.onnx).hexdigest()[:ID_LENGTH]


class ModelStore:
    """A folder of models. Registering the same content twice is one model.

    objects: where models are kept, below ``prefix``; the folder then holds copies of those that were asked for.
    """

    def __init__(self, folder: Path, objects: Objects | None = None, prefix: str = "models") -> None:
        self._folder, self._objects, self._prefix = folder, objects, prefix

    @property
    def folder(self) -> Path:
        return self._folder

    def of(self, owner: str | None) -> "ModelStore":
        """The models of one owner (see ``JobRecord``), in a folder of their own: equal content of two is two models."""
        return self if owner is None else ModelStore(self._folder / owner, self._objects, f"{self._prefix}/{owner}")

    def owners(self) -> list[str]:
        """All owners that have models, or had some."""
        names = {entry.name for entry in self._folder.iterdir()} if self._folder.is_dir() else set()
        if self._objects is not None:
            names |= {entry.key.split("/")[1] for entry in self._objects.listed(f"{self._prefix}/")}
        return sorted(name for name in names if OWNER.fullmatch(name))

    def folders(self) -> list[Path]:
        """The folders of all owners, this one first."""
        return [self._folder, *(self._folder / owner for owner in self.owners())]

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
                (folder / MANIFEST).write_text(model.manifest.model_dump_json(), "utf-8")
                item = model_item(model.manifest, identifier, datetime.now(UTC), "./model.onnx")
                (folder / ITEM).write_text(json.dumps(item), "utf-8")
        else:  # its life begins anew
            (self._folder / identifier / "model.onnx").touch()
        if self._objects is not None:
            self._objects.put_folder(self._key(identifier), self._folder / identifier, last=MANIFEST)
        return identifier

    def synchronize(self) -> None:
        """Make the folder hold what the object store holds, for readers who can only see the folder."""
        if self._objects is None:
            return
        kept = {name: entry for entry in self._objects.listed(f"{self._prefix}/") if (name := self._named(entry.key))}
        for identifier in {name for _, name in self._local()} - set(kept):
            remove_folder(self._folder / identifier)
        for identifier, entry in kept.items():
            if not (self._folder / identifier).is_dir():
                self._objects.fetch_folder(self._key(identifier), self._folder / identifier)
                times = entry.modified.timestamp(), entry.modified.timestamp()
                os.utime(self._folder / identifier / "model.onnx", times)
                os.utime(self._folder / identifier, times)

    def get(self, identifier: str) -> StoredModel:
        """The model with this id. Raises UnknownModelError and UnreadableModelError."""
        folder = self._existing(identifier)
        try:
            manifest = ModelManifest.model_validate_json((folder / MANIFEST).read_text("utf-8"))
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

    def every(self) -> list[StoredModel]:
        """All models, in no order. What cannot be read is left out."""
        return self._readable(identifier for _, identifier in self._entries())

    def _readable(self, identifiers: Iterable[str]) -> list[StoredModel]:
        found = []
        for identifier in identifiers:
            with suppress(UnknownModelError, UnreadableModelError):
                found.append(self.get(identifier))
        return found

    def delete(self, identifier: str) -> None:
        """Remove the model. Raises UnknownModelError."""
        folder = self._existing(identifier)
        if self._objects is not None:
            self._objects.remove(f"{self._key(identifier)}/{MANIFEST}")
            self._objects.remove(self._key(identifier))
        remove_folder(folder)

    def _existing(self, identifier: str) -> Path:
        """The model's folder. Raises UnknownModelError."""
        # The pattern keeps ids from naming anything outside the folder.
        if not _ID.fullmatch(identifier) or not self._holds(identifier):
            raise UnknownModelError(f"no stored model has the id {identifier!r}")
        return self._folder / identifier

    def _holds(self, identifier: str) -> bool:
        folder = self._folder / identifier
        if self._objects is None:
            return folder.is_dir()
        if self._objects.exists(f"{self._key(identifier)}/{MANIFEST}"):
            return folder.is_dir() or self._objects.fetch_folder(self._key(identifier), folder)
        remove_folder(folder)  # another service has deleted it
        return False

    def _entries(self) -> list[tuple[float, str]]:
        """(time of storing, id) of every model."""
        self.synchronize()
        return self._local()

    def _local(self) -> list[tuple[float, str]]:
        """The same of those in the folder."""
        found = []
        for entry in self._folder.iterdir() if self._folder.is_dir() else ():
            if _ID.fullmatch(entry.name):
                with suppress(FileNotFoundError):  # deleted since it was listed
                    found.append((entry.stat().st_mtime, entry.name))
        return found

    def _key(self, identifier: str) -> str:
        """That of the model's folder in the object store, in which the manifest is stored last."""
        return f"{self._prefix}/{identifier}"

    def _named(self, key: str) -> str | None:
        """The id of the model whose manifest has this key, None for another object."""
        name, _, file = key.removeprefix(f"{self._prefix}/").partition("/")
        return name if file == MANIFEST and _ID.fullmatch(name) else None
