"""The scene that the page offers as its example: `python -m benchmarks.page_example service/page/src/example.npz`."""

import sys
from pathlib import Path

import numpy as np

from unmixing.simulation.generated import generate_scene
from unmixing.simulation.spectra import MATERIALS

SEED, SIDE, EVERY_BAND = 3, 48, 3
DROPPED_BITS = 14
"""Of the 23 of a float32: below the noise, and what is zero is compressed away."""


def main(path: Path) -> None:
    """Write a small scene of four materials, without its truth."""
    made = generate_scene(np.random.default_rng(SEED), materials=list(MATERIALS)[:4], rows=SIDE, columns=SIDE)
    bits = np.ascontiguousarray(made.cube[:, :, ::EVERY_BAND]).view(np.uint32)
    cube = (bits >> DROPPED_BITS << DROPPED_BITS).view(np.float32)
    np.savez_compressed(path, cube=cube, wavelengths_nm=made.wavelengths_nm[::EVERY_BAND])
    print(f"{path}: {' x '.join(map(str, cube.shape))}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
