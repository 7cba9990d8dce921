"""Scenes made here, whose truth is known, in files laid out like the measured ones."""

from pathlib import Path

import numpy as np

from unmixing.simulation.generated import GeneratedScene, generate_scene

SNRS_DB = (20.0, 25.0, 30.0, 35.0, 40.0)
COUNTS = (3, 4, 5, 6)
BRIGHTNESS = 0.2
VARIABILITY = 0.1


def write_scenes(folder: Path, n_scenes: int, *, side: int = 60) -> list[Path]:
    """Write scenes 0 to ``n_scenes`` - 1 of ``side`` x ``side`` pixels into ``folder``; each scene is always the same.

    They take turns in the number of endmembers, SNR, pure pixels and brightness changes, which the name tells;
    every material varies. Raises ImportError without the package ``prosail``.
    """
    return [_write(folder, number, side) for number in range(n_scenes)]


def _write(folder: Path, number: int, side: int) -> Path:
    rng = np.random.default_rng(number)
    count, snr_db = COUNTS[number % len(COUNTS)], SNRS_DB[number % len(SNRS_DB)]
    # Pairs of scenes share the choice of pure pixels, so that it meets both kinds of light.
    pure, even = number // 2 % 2 == 0, number % 2 == 0
    scene = generate_scene(
        rng,
        n_endmembers=count,
        rows=side,
        columns=side,
        snr_db=snr_db,
        pure_pixels=pure,
        variability=VARIABILITY,
        brightness=0.0 if even else BRIGHTNESS,
    )
    kind = f"{'pure' if pure else 'mixed'}-{'even' if even else 'shaded'}"
    name = f"generated-{number:02d}-{count}-materials-{snr_db:.0f}dB-{kind}.npz"
    return save_scene(folder / name, scene)


def save_scene(path: Path, scene: GeneratedScene) -> Path:
    """A generated scene in a file laid out like the measured ones, its truth counted in area."""
    np.savez(
        path,
        cube=scene.cube,
        endmembers=scene.endmembers,
        abundances=scene.abundances,
        names=np.array(scene.names),
        abundances_of="area",
        wavelengths_nm=scene.wavelengths_nm,
    )
    return path
