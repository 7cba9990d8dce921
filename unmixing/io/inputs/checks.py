"""Whether a scene is worth a job, found out early and cheaply."""

from unmixing.cubes import BandStatistics
from unmixing.errors import SceneContentError, SceneTooLargeError, SpecError
from unmixing.io.formats.reader import SceneReader
from unmixing.io.formats.rows import BLOCK_BYTES

MIN_BANDS = 2
MIN_ENDMEMBERS = 2
MAX_BYTES_IN_MEMORY = 256 * 2**20
"""Reading takes up to three times as much, and several uploads are read at a time."""


def require_size(shape: tuple[int, int, int], max_values: int | None) -> None:
    """Raises SceneTooLargeError for an image of more numbers than that; None for any size."""
    rows, columns, bands = shape
    if max_values is not None and rows * columns * bands > max_values:
        raise SceneTooLargeError(
            f"the scene has {rows * columns} pixels of {bands} bands, {rows * columns * bands} numbers; {max_values} "
            f"is the most that is taken here: send fewer `rows` and `columns`"
        )


def check_scene(reader: SceneReader, n_endmembers: int | None) -> None:
    """Raise when the scene certainly cannot be unmixed: all NaN, constant, one band, too few pixels or bands.

    A scene of one block is checked as the job itself will. Of a larger one just enough is read to see that it
    has content, by the job's own rule (``BandStatistics``); what only the whole scene shows is left to the job,
    and so is all content of a scene above ``MAX_BYTES_IN_MEMORY`` in a format that can only be read whole (MATLAB 5).

    Raises SceneContentError for the scene, SpecError for an ``n_endmembers`` it is too small for,
    SceneFormatError for a damaged file.
    """
    rows, columns, bands = reader.shape
    if bands < MIN_BANDS:
        raise SceneContentError(f"unmixing needs at least {MIN_BANDS} bands; the scene has {bands}")
    n_bytes = rows * columns * bands * reader.dtype.itemsize
    if n_bytes <= BLOCK_BYTES:
        cube = reader.read()
        _require_enough(n_endmembers, int(cube.valid_pixels.sum()), int(cube.used_bands.sum()))
    elif not reader.in_memory or n_bytes <= MAX_BYTES_IN_MEMORY:
        _scan(reader, n_endmembers)


def _require_enough(n_endmembers: int | None, n_pixels: int, n_bands: int) -> None:
    needed = n_endmembers or MIN_ENDMEMBERS
    if n_pixels < MIN_ENDMEMBERS:
        raise SceneContentError(
            f"the scene has {n_pixels} pixel(s) with data; unmixing needs at least {MIN_ENDMEMBERS}"
        )
    if n_pixels < needed:
        raise SpecError(f"n_endmembers is {needed}, but the scene has only {n_pixels} pixels with data")
    if n_bands < needed:
        raise SpecError(f"n_endmembers is {needed}, but the scene has only {n_bands} bands that can be used")


def _scan(reader: SceneReader, n_endmembers: int | None) -> None:
    """Read blocks until there are enough pixels with data and enough bands that can be used."""
    needed = n_endmembers or MIN_ENDMEMBERS
    statistics = BandStatistics(reader.shape[2], reader.bad_bands)
    for block in reader.scaled_blocks():
        statistics.add(block.values)
        enough = statistics.n_with_data >= needed and statistics.n_used_bands >= needed
        if enough and statistics.lack_of_content() is None:
            return
    statistics.require_content()
    _require_enough(n_endmembers, statistics.n_with_data, statistics.n_used_bands)
