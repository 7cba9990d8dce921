"""Changes to a file that keep most of it: bits, bytes, numbers in texts and headers, pieces moved, ends cut off."""

import re
from collections.abc import Callable

import numpy as np

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF)
NUMBERS = (b"0", b"-1", b"1e308", b"nan", b"inf", b"99999999999", b"2147483648", b"0.5", b"", b"1" * 400)
N_CHANGES = 6

Rng = np.random.Generator


def mutated(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Some changes one after another. other: a file of which pieces are taken."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, N_CHANGES)):
        CHANGES[rng.integers(len(CHANGES))](changed, other, rng)
    return bytes(changed)


def _place(content: bytearray, rng: Rng) -> int:
    """Near the beginning or the end as often as anywhere."""
    if not content:
        return 0
    window = min(len(content), int(rng.choice([64, 512, len(content)])))
    first = 0 if rng.random() < 0.5 else len(content) - window
    return first + int(rng.integers(window))


def _flip(content: bytearray, other: bytes, rng: Rng) -> None:
    if content:
        content[_place(content, rng)] ^= 1 << int(rng.integers(8))


def _byte(content: bytearray, other: bytes, rng: Rng) -> None:
    if content:
        content[_place(content, rng)] = int(rng.choice([*EXTREMES, int(rng.integers(256))]))


def _integer(content: bytearray, other: bytes, rng: Rng) -> None:
    """A binary number of 2, 4 or 8 bytes, as headers have them."""
    size = int(rng.choice([2, 4, 8]))
    value = int(rng.choice([0, 1, 2**15, 2**31 - 1, 2**31, 2**32 - 1])) % 2 ** (8 * size)
    place = _place(content, rng)
    content[place : place + size] = value.to_bytes(size, "little" if rng.random() < 0.7 else "big")


def _text_number(content: bytearray, other: bytes, rng: Rng) -> None:
    """A number written in digits."""
    found = list(re.finditer(rb"[0-9][0-9.eE+-]*", content[:20_000]))
    if found:
        chosen = found[rng.integers(len(found))]
        content[chosen.start() : chosen.end()] = NUMBERS[rng.integers(len(NUMBERS))]


def _cut(content: bytearray, other: bytes, rng: Rng) -> None:
    del content[_place(content, rng) :]


def _remove(content: bytearray, other: bytes, rng: Rng) -> None:
    place = _place(content, rng)
    del content[place : place + int(rng.integers(1, 64))]


def _repeat(content: bytearray, other: bytes, rng: Rng) -> None:
    place = _place(content, rng)
    content[place:place] = content[place : place + int(rng.integers(1, 256))] * int(rng.integers(1, 20))


def _splice(content: bytearray, other: bytes, rng: Rng) -> None:
    """A piece of another file."""
    if other:
        start, place = int(rng.integers(len(other))), _place(content, rng)
        piece = other[start : start + int(rng.integers(1, 512))]
        content[place : place + (len(piece) if rng.random() < 0.5 else 0)] = piece


CHANGES: tuple[Callable[[bytearray, bytes, Rng], None], ...] = (
    _flip, _flip, _byte, _byte, _integer, _integer, _text_number, _text_number, _cut, _remove, _repeat, _splice,
)  # fmt: skip
