"""Which three bands of an image are shown as red, green and blue."""

import numpy as np
from numpy.typing import NDArray

from unmixing.types import ImageInfo

FALSE_COLOUR_NM = (860.0, 650.0, 550.0)
"""Near infrared, red, green: vegetation shows red, as on the infrared film this look comes from."""


def false_colour_bands(info: ImageInfo) -> tuple[NDArray[np.intp], str]:
    """Which bands are shown as red, green and blue, and the same in words."""
    used = np.flatnonzero(info.used_bands)
    if info.wavelengths_nm is None:
        bands = used[[-1 - len(used) // 6, len(used) // 2, len(used) // 6]]
        return bands, "bands " + ", ".join(str(band) for band in bands)
    wavelengths = info.wavelengths_nm[used]
    wanted = FALSE_COLOUR_NM
    if wavelengths.min() > min(wanted) + 50 or wavelengths.max() < max(wanted) - 50:
        wanted = tuple(np.quantile(wavelengths, [0.85, 0.5, 0.15]))
    bands = used[[int(np.abs(wavelengths - target).argmin()) for target in wanted]]
    return bands, ", ".join(f"{info.wavelengths_nm[band]:.0f}" for band in bands) + " nm"
