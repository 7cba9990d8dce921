"""API keys: whoever sends one sees what was made with it and nothing else. Only the SHA-256 of a key is kept.

A key holds 256 random bits, so that a fast hash protects it as well as a slow one would.
"""

import hashlib
import hmac
import os
import re
import secrets
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_store.errors import UnknownKeyError
from model_store.folders import write_durably
from model_store.objects import Entry, Objects
from model_store.records import now

SECRET_BYTES = 32
ID_DIGITS = 12
MAX_LABEL_LENGTH = 200

PREFIX = "keys/"
"""Of the keys in an object store."""

_FORM = re.compile(rf"unmix_([0-9a-f]{{{ID_DIGITS}}})_[A-Za-z0-9_-]{{43}}")


class KeyLimits(BaseModel):
    """Limits of one key, each in the place of the setting of its name; None leaves that as it is."""

    model_config = ConfigDict(frozen=True)

    requests_per_second: float | None = Field(None, gt=0)
    max_upload_bytes: int | None = Field(None, ge=1)
    max_waiting_jobs: int | None = Field(None, ge=0)


class ApiKey(BaseModel):
    """A key as it is stored. revoked: since when it opens nothing any more."""

    model_config = ConfigDict(frozen=True)

    id: str
    label: str = Field("", max_length=MAX_LABEL_LENGTH)
    sha256: str
    created: datetime
    revoked: datetime | None = None
    limits: KeyLimits = KeyLimits()


class ApiKeys:
    """A folder of keys, ``{id}.json`` each. Whoever reads it sees a change at once.

    objects: where the keys of several machines are; the folder then is a copy, as new as its last ``synchronize``.
    """

    def __init__(self, folder: Path, objects: Objects | None = None) -> None:
        self._folder, self._objects = folder, objects
        self._copied: dict[str, Entry] = {}

    @property
    def exist(self) -> bool:
        """Whether there ever was a key: revoking the last one must not open the service to everybody."""
        try:
            with os.scandir(self._folder) as entries:
                return any(entry.name.endswith(".json") for entry in entries)
        except FileNotFoundError:
            return False

    def create(self, label: str = "", limits: KeyLimits = KeyLimits()) -> tuple[ApiKey, str]:  # noqa: B008
        """A new key and its text, which is known to nobody afterwards."""
        identifier = secrets.token_hex(ID_DIGITS // 2)
        text = f"unmix_{identifier}_{secrets.token_urlsafe(SECRET_BYTES)}"
        key = ApiKey(id=identifier, label=label, sha256=_hash(text), created=now(), limits=limits)
        self._write(key)
        return key, text

    def synchronize(self) -> None:
        """Copy from the object store what is new or was revoked there, and to it what it lacks.

        Raises ObjectStoreError.
        """
        if self._objects is None:
            return
        found = {entry.key.removeprefix(PREFIX): entry for entry in self._objects.listed(PREFIX)}
        for path in self._folder.glob("[!.]*.json"):
            if path.name not in found:
                self._objects.put_new(f"{PREFIX}{path.name}", path.read_bytes())
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, entry in found.items():
            if self._copied.get(name) != entry and self._objects.fetch(entry.key, self._folder / name):
                self._copied[name] = entry

    def every(self) -> list[ApiKey]:
        """All keys, revoked ones too, oldest first."""
        found = [self._read(path.stem) for path in self._folder.glob("[!.]*.json")]
        return sorted((key for key in found if key is not None), key=lambda key: key.created)

    def revoke(self, identifier: str) -> ApiKey:
        """Let the key open nothing from now on; what it made stays. Raises UnknownKeyError."""
        key = self._read(identifier) if re.fullmatch(r"[0-9a-f]+", identifier) else None
        if key is None:
            raise UnknownKeyError(f"there is no key {identifier!r}; `unmix keys list` shows all")
        revoked = key if key.revoked else key.model_copy(update={"revoked": now()})
        self._write(revoked)
        return revoked

    def holder(self, text: str) -> ApiKey | None:
        """The key whose text this is; None for one that is unknown or revoked."""
        matched = _FORM.fullmatch(text)
        key = self._read(matched[1]) if matched else None
        if key is None or key.revoked is not None or not hmac.compare_digest(key.sha256, _hash(text)):
            return None
        return key

    def _read(self, identifier: str) -> ApiKey | None:
        try:
            return ApiKey.model_validate_json((self._folder / f"{identifier}.json").read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def _write(self, key: ApiKey) -> None:
        if self._objects is not None:
            self._objects.put(f"{PREFIX}{key.id}.json", key.model_dump_json().encode())
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_durably(self._folder / f"{key.id}.json", key.model_dump_json())


def looks_like_a_key(text: str) -> bool:
    """Whether it was meant as a key of this service, rather than for a gateway before it."""
    return text.startswith("unmix_")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
