"""Mutated uploads through the code that reads uploads, in child processes that are held to its limits.

``python -m tests.fuzz.readers 20000`` reads so many of every kind and prints a table.
"""

import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np

from service.errors import ROOTS, error_named
from service.reading.child import answer, impose
from service.reading.messages import Limits, ReadRequest
from tests.fuzz.mutations import mutated
from tests.fuzz.specimens import BODY, Specimen, specimens
from unmixing.inference.provenance import peak_memory_bytes

HANG_SECONDS = 10
MEMORY_BYTES = 1 << 30
MANY_BYTES = MEMORY_BYTES // 2
"""Files of a few kilobytes are not to take as much; what claims more than ``MEMORY_BYTES`` is refused by the system."""

BATCH = 250
"""Uploads of one process."""

LIMITS = Limits(memory_bytes=MEMORY_BYTES, cpu_seconds=3600, wall_seconds=3600.0, file_bytes=1 << 28)


@dataclass
class Findings:
    """Of one kind of upload. accepted, refused: as they should be. Lists hold the numbers of inputs, which make them
    again."""

    accepted: int = 0
    refused: int = 0
    slowest_seconds: float = 0.0
    crashes: list[int] = field(default_factory=list)
    hangs: list[int] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    foreign: list[int] = field(default_factory=list)
    """Errors that are not of our own classes."""

    @property
    def n_bad(self) -> int:
        return len(self.crashes) + len(self.hangs) + len(self.memory) + len(self.foreign)


def fuzz(specimen: Specimen, name: str, count: int) -> Findings:
    """Read ``count`` mutations of the specimen."""
    found, number = Findings(), 0
    while number < count:
        number = _batch(specimen, name, range(number, min(number + BATCH, count)), found)
    return found


def _batch(specimen: Specimen, name: str, numbers: Sequence[int], found: Findings) -> int:
    """Read these in a process of their own; the number of the next, after one that ended the process."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reader)
            with os.fdopen(writer, "w", buffering=1) as report:
                _read_all(specimen, name, numbers, report)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writer)
    current = numbers[0]
    with os.fdopen(reader) as report:
        for line in report:
            number, outcome, seconds = line.split()
            current = int(number) + (outcome != "begins")
            if outcome != "begins":
                _count(found, int(number), outcome, float(seconds))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == 0:
        return current
    (found.hangs if status == -signal.SIGALRM else found.crashes).append(current)
    return current + 1


def _count(found: Findings, number: int, outcome: str, seconds: float) -> None:
    found.slowest_seconds = max(found.slowest_seconds, seconds)
    if outcome == "accepted":
        found.accepted += 1
    elif outcome == "refused":
        found.refused += 1
    else:
        (found.memory if outcome == "memory" else found.foreign).append(number)


def _read_all(specimen: Specimen, name: str, numbers: Sequence[int], report: TextIO) -> None:
    impose(LIMITS)
    before = peak_memory_bytes()
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        tempfile.tempdir = place
        for number in numbers:
            print(number, "begins", 0, file=report)
            signal.setitimer(signal.ITIMER_REAL, HANG_SECONDS)
            started = time.perf_counter()
            outcome = read(specimen, name, number, Path(place) / "upload")
            signal.setitimer(signal.ITIMER_REAL, 0)
            if peak_memory_bytes() > before + MANY_BYTES:
                print(number, "memory", 0, file=report)
                return
            print(number, outcome, time.perf_counter() - started, file=report)


def read(specimen: Specimen, name: str, number: int, folder: Path) -> str:
    """Read one mutation, which the name and its number decide: how it ended, in a word."""
    folder.mkdir()
    try:
        for place, content in mutation(specimen, name, number).items():
            (folder / place).parent.mkdir(exist_ok=True)
            (folder / place).write_bytes(content)
        body = BODY if BODY in specimen.files else None
        given = answer(
            ReadRequest(
                folder=folder, fields=dict(specimen.fields), body=body, models=folder,
                max_unpacked_bytes=1 << 28, max_values=1 << 32, max_training_seconds=None, limits=LIMITS,
                task=specimen.task,
            )
        )  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if given.error is None:
        return "accepted"
    return "refused" if given.error.kind != "InternalError" and error_named(given.error.kind, ROOTS) else "foreign"


def mutation(specimen: Specimen, name: str, number: int) -> dict[str, bytes]:
    """The files of the upload, one of them changed."""
    rng = np.random.default_rng([number, *name.encode()])
    target = specimen.targets[rng.integers(len(specimen.targets))]
    others = list(specimen.files.values())
    return {**specimen.files, target: mutated(specimen.files[target], others[rng.integers(len(others))], rng)}


def rows(count: int, wanted: Sequence[str] = ()) -> Iterator[tuple[str, Findings]]:
    """The findings of every kind, or of those whose names begin so."""
    with tempfile.TemporaryDirectory() as folder:
        found = specimens(Path(folder))
    for name, specimen in found.items():
        if not wanted or name.startswith(tuple(wanted)):
            yield name, fuzz(specimen, name, count)


def main() -> None:
    total = Counter[str]()
    print("| upload | read | accepted | refused | crashes | hangs | memory | foreign errors | slowest s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, found in rows(int(sys.argv[1]), sys.argv[2:]):
        bad = [len(numbers) for numbers in (found.crashes, found.hangs, found.memory, found.foreign)]
        read = found.accepted + found.refused + sum(bad)
        print("|", name, "|", *" | ".join(map(str, (read, found.accepted, found.refused, *bad))).split(" "), "|",
              f"{found.slowest_seconds:.2f} |", flush=True)  # fmt: skip
        for kind in ("crashes", "hangs", "memory", "foreign"):
            if numbers := getattr(found, kind):
                print(f"  {kind}: {numbers[:20]}", file=sys.stderr, flush=True)
        total.update(read=read, bad=found.n_bad)
    print(f"{total['read']} read, {total['bad']} of them badly")


if __name__ == "__main__":
    main()
