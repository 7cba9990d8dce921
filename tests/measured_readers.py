"""``service.reading.forking`` for a run that measures coverage: readers may write their measurements, nothing else."""

import sys
from collections.abc import Iterable
from pathlib import Path

from service.reading import child, forking
from service.reading.confinement import confine


def measured(writable: Iterable[Path], readable: Iterable[Path] = ()) -> None:
    confine([*writable, Path.cwd()], readable)


if __name__ == "__main__":
    vars(child)["confine"] = measured
    forking.main(sys.argv[1])
