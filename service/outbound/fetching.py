"""Files by reference: fetched into an upload's folder and hashed on the way, under the limits of an upload."""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import httpcore

from model_store.settings import Settings
from service.errors import ReferenceRefusedError, ReferenceUnavailableError, UploadFieldError, UploadTooLargeError
from service.hashed_files import HashedFile
from service.outbound.client import WebClient, header_of
from service.outbound.hrefs import shown, web_address
from service.uploads import CHUNK_BYTES, receive, safe_name

MIN_BYTES = 2**16
"""At least so many come in every ``fetch_stall_seconds``, or the rest."""

MAX_AT_A_TIME = 16
NAMELESS = "scene"
"""The name of a file whose address ends in none."""


@dataclass(frozen=True)
class Fetched:
    """A file that was fetched, its SHA-256 and its size."""

    path: Path
    digest: str
    n_bytes: int


class References:
    """Fetches what a request names by an address: http, https, s3 where the operator names a store, and files below the
    one folder that the operator names."""

    def __init__(self, settings: Settings, client: WebClient) -> None:
        self._settings, self._client = settings, client
        self._free = asyncio.Semaphore(MAX_AT_A_TIME)

    async def fetch(self, href: str, folder: Path, max_bytes: int, name: str = "") -> Fetched:
        """The file at ``href``, written into ``folder`` under ``name``, or else under the last part of its address.

        Raises ReferenceRefusedError for an address that is not asked, ReferenceUnavailableError when it gives no file
        in time, UploadTooLargeError, UploadFieldError for a name that cannot be used or is there already.
        """
        seconds = self._settings.fetch_seconds
        target = folder / safe_name(name or _last_part(href))
        try:
            async with asyncio.timeout(seconds) as whole, self._free:
                if href.lower().startswith("file:"):
                    return await self._copied(href, target, max_bytes)
                return await self._downloaded(href, target, max_bytes)
        except UploadTooLargeError as error:
            raise UploadTooLargeError(f"{shown(href)}: {error}") from None
        except TimeoutError:
            if not whole.expired():
                raise
            raise ReferenceUnavailableError(f"{shown(href)} did not come within {seconds:g} seconds") from None

    async def _downloaded(self, href: str, target: Path, max_bytes: int) -> Fetched:
        seconds = self._settings.fetch_stall_seconds
        url = web_address(href, self._settings.s3_endpoint)
        try:
            async with asyncio.timeout(seconds) as pace, self._client.get(href, url) as response:
                _require_fitting(href, response, max_bytes)
                return await _written(href, _paced(response, pace, seconds), target, max_bytes)
        except TimeoutError:
            if not pace.expired():
                raise
            raise ReferenceUnavailableError(
                f"{shown(href)} came too slowly: less than {MIN_BYTES} bytes in {seconds:g} seconds"
            ) from None

    async def _copied(self, href: str, target: Path, max_bytes: int) -> Fetched:
        with await asyncio.to_thread(self._opened, href) as file:
            return await _written(href, _pieces(file), target, max_bytes)

    def _opened(self, href: str) -> BinaryIO:
        """A plain file below the folder that the operator names, links followed. Raises ReferenceRefusedError, with one
        text for all that lies outside of it, and for what is not there."""
        root = self._settings.file_folder
        if root is None:
            raise ReferenceRefusedError(f"{shown(href)}: this service reads no files by their path; upload the file")
        parts = urlsplit(href)
        refusal = ReferenceRefusedError(f"{shown(href)} is no file in the folder that this service may read")
        try:
            path = Path(unquote(parts.path, errors="strict")).resolve(strict=True)
            if parts.netloc not in ("", "localhost") or not path.is_relative_to(root.resolve()):
                raise refusal
            # What is no plain file must not be waited for, and a link that came since is not followed.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except (OSError, ValueError, RuntimeError):  # ValueError: the character 0, RuntimeError: links in a circle
            raise refusal from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise refusal
        return os.fdopen(descriptor, "rb")


def _last_part(href: str) -> str:
    """The file name at the end of an address."""
    without_query = href.split("?", 1)[0].split("#", 1)[0]
    return unquote(without_query.partition("://")[2].partition("/")[2].rpartition("/")[2]) or NAMELESS


def _require_fitting(href: str, response: httpcore.Response, max_bytes: int) -> None:
    """Before a byte of the file is read. Raises UploadTooLargeError, ReferenceUnavailableError."""
    announced = header_of(response, b"content-length")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise UploadTooLargeError(f"it has {announced} bytes; {max_bytes} is the limit set here")
    if (encoding := header_of(response, b"content-encoding")).lower() not in ("", "identity"):
        raise ReferenceUnavailableError(
            f"{shown(href)} is packed on its way (Content-Encoding {encoding[:40]!r}) although it was asked for as it "
            "is; pack the file itself, as zip"
        )


async def _paced(response: httpcore.Response, pace: asyncio.Timeout, seconds: float) -> AsyncGenerator[bytes, None]:
    """The pieces of an answer. ``pace`` ends ``seconds`` after the last time that MIN_BYTES had come."""
    clock, n_bytes = asyncio.get_running_loop().time, 0
    async for piece in response.aiter_stream():
        n_bytes += len(piece)
        if n_bytes >= MIN_BYTES:
            n_bytes = 0
            pace.reschedule(clock() + seconds)
        yield piece


async def _pieces(file: BinaryIO) -> AsyncGenerator[bytes, None]:
    while piece := await asyncio.to_thread(file.read, CHUNK_BYTES):
        yield piece


async def _written(href: str, pieces: AsyncGenerator[bytes, None], target: Path, max_bytes: int) -> Fetched:
    try:
        target.parent.mkdir(exist_ok=True)
        file = HashedFile(target)
    except FileExistsError:
        raise UploadFieldError(f"two files are named {target.name!r}; say `filename` beside `href`") from None
    with closing(file):
        async with aclosing(pieces):
            digest = await receive(pieces, file, max_bytes)
    if not file.n_bytes:
        raise ReferenceUnavailableError(f"{shown(href)} is empty")
    return Fetched(target, digest, file.n_bytes)
