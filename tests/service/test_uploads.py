"""Receiving an upload: any cut of the body gives the same files, and memory does not grow with it."""

import asyncio
import hashlib
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import UploadFieldError
from service.uploads import Fields, Receiver, Upload, receive, safe_name

HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.npy"\r\n\r\n'
TAIL = b'\r\n--x\r\nContent-Disposition: form-data; name="seed"\r\n\r\n5\r\n--x--\r\n'


def received(pieces: AsyncIterator[bytes], folder: Path, max_bytes: int = 1 << 30) -> Upload:
    with closing(Receiver(b"x", folder, Fields(frozenset({"seed"})))) as receiver:
        return asyncio.run(receive(pieces, receiver, max_bytes))


async def cut(body: bytes, length: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), length):
        yield body[start : start + length]


@given(content=st.binary(max_size=200) | st.sampled_from([b"\r\n--", b"\r\n--x", b"--x--"]), length=st.integers(1, 99))
def test_any_cut_gives_the_same_file(tmp_path_factory: pytest.TempPathFactory, content: bytes, length: int) -> None:
    content = content.replace(b"\r\n--x", b"\r\n-x")  # the boundary itself cannot occur in a part
    folder = tmp_path_factory.mktemp("upload")
    upload = received(cut(HEAD + content + TAIL, length), folder)
    assert (folder / "a.npy").read_bytes() == content
    assert upload.fields == {"seed": "5"}
    assert list(upload.digests["file"].values()) == [hashlib.sha256(content).hexdigest()]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield HEAD
        for _ in range(1024):
            yield bytes(65_536)
        yield TAIL

    tracemalloc.start()
    try:
        received(body(), tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "a.npy").stat().st_size == 64 * 2**20
    assert peak < 6 * 2**20


@pytest.mark.parametrize(
    ("given_name", "name"),
    [("a.npy", "a.npy"), ("../a.npy", "a.npy"), ("C:\\data\\a.npy", "a.npy"), ("/etc/ä b.npy", "ä b.npy")],
)
def test_names_are_reduced_to_their_last_part(given_name: str, name: str) -> None:
    assert safe_name(given_name) == name


@pytest.mark.parametrize("name", ["", ".", "..", "a/..", "a/", "a\x00b", "a\nb", "n" * 201])
def test_names_that_cannot_be_used(name: str) -> None:
    with pytest.raises(UploadFieldError, match="file name"):
        safe_name(name)
