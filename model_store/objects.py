"""Objects of an S3-compatible store: what services and workers on different machines share, beside Redis."""

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from model_store.errors import ObjectStoreError
from model_store.folders import appearing_folder

if TYPE_CHECKING:
    from obstore.store import S3Store

logger = logging.getLogger(__name__)

SCHEME = "s3://"

RETRIES, RETRY_SECONDS = 4, 30
"""How often, and for how long in all, a request is sent again that the store did not answer."""

CHUNK_BYTES = 8 * 2**20


class Entry(NamedTuple):
    """An object that is there; ``size`` in bytes."""

    key: str
    size: int
    modified: datetime


class Objects:
    """Objects below a prefix of a bucket, by keys such as ``results/{job}/abundances.tif``.

    url: ``s3://bucket/prefix``. endpoint: URL of a store that is not Amazon's. Credentials and region come from the
    environment (``AWS_ACCESS_KEY_ID`` ...), as every client of such a store takes them. Connects at the first use, so
    a process may fork before it. Every method raises ObjectStoreError when the store does not answer or refuses.
    """

    def __init__(self, url: str, endpoint: str | None = None) -> None:
        bucket, _, prefix = url.removeprefix(SCHEME).partition("/")
        if not url.startswith(SCHEME) or not bucket:
            raise ObjectStoreError(f"object_store is {url!r}; it has to be {SCHEME}bucket or {SCHEME}bucket/prefix")
        self.url, self._bucket, self._prefix, self._endpoint = url, bucket, prefix.strip("/"), endpoint

    def __str__(self) -> str:
        return self.url

    @cached_property
    def _store(self) -> "S3Store":
        from obstore.store import S3Store

        endpoint = {} if self._endpoint is None else {"endpoint": self._endpoint}
        plain = self._endpoint is not None and self._endpoint.startswith("http://")
        return S3Store(
            self._bucket,
            prefix=self._prefix or None,
            config=endpoint,  # type: ignore[arg-type]
            client_options={"allow_http": plain, "timeout": timedelta(minutes=10), "connect_timeout": "5s"},
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
        )

    def put(self, key: str, content: bytes | Path) -> None:
        """Store the bytes, or the file; it is there whole or not at all."""
        import obstore

        with self._said(key):
            obstore.put(self._store, key, content)

    def put_new(self, key: str, content: bytes) -> bool:
        """Store the bytes unless the object exists. Whether they are stored."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with self._said(key):
            try:
                obstore.put(self._store, key, content, mode="create")
            except AlreadyExistsError:
                return False
        return True

    def get(self, key: str) -> bytes | None:
        """The object's bytes, or None."""
        import obstore

        with self._said(key):
            try:
                return bytes(obstore.get(self._store, key).bytes())
            except FileNotFoundError:
                return None

    def exists(self, key: str) -> bool:
        import obstore

        with self._said(key):
            try:
                obstore.head(self._store, key)
            except FileNotFoundError:
                return False
        return True

    def fetch(self, key: str, target: Path) -> bool:
        """Copy the object to ``target``, which appears whole. False when there is no such object."""
        import obstore

        with self._said(key):
            try:
                found = obstore.get(self._store, key)
            except FileNotFoundError:
                return False
            target.parent.mkdir(parents=True, exist_ok=True)
            hidden = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
            try:
                with hidden.open("xb") as file:
                    for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
                        file.write(chunk)
                hidden.replace(target)
            finally:
                hidden.unlink(missing_ok=True)
        return True

    def listed(self, prefix: str) -> list[Entry]:
        """Every object whose key begins with ``prefix``, a folder with its slash."""
        import obstore

        with self._said(prefix):
            return [
                Entry(found["path"], found["size"], found["last_modified"])
                for page in obstore.list(self._store, prefix)
                for found in page
            ]

    def remove(self, prefix: str) -> None:
        """Delete the object with this key, and all below it."""
        import obstore

        keys = [entry.key for entry in self.listed(f"{prefix}/")]
        with self._said(prefix):
            obstore.delete(self._store, [*keys, prefix])

    def put_folder(self, prefix: str, folder: Path, last: str) -> None:
        """Store every file of ``folder``, the one called ``last`` at the end: once it is there, all are."""
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        for name in [*(name for name in names if name != last), last]:
            self.put(f"{prefix}/{name}", folder / name)

    def fetch_folder(self, prefix: str, target: Path) -> bool:
        """Copy everything below ``prefix`` to the folder ``target``, which appears whole. False when there is
        nothing."""
        entries = self.listed(f"{prefix}/")
        if entries and not target.exists():
            with appearing_folder(target) as folder:
                for entry in entries:
                    self.fetch(entry.key, folder / entry.key.removeprefix(f"{prefix}/"))
        return bool(entries)

    @contextmanager
    def _said(self, key: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, FileNotFoundError, PermissionError) as error:
            # Its text has addresses in it that are nobody's business, over many lines; the first says what happened.
            logger.error("%s: %s: %s", self.url, key, str(error).partition("\n")[0])
            raise ObjectStoreError("the object store does not answer, or refuses; try again shortly") from error
