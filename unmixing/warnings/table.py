"""WARNINGS: every warning, one row each: what it means and what to do about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from unmixing.types import ResultWarning, WarningCode


@dataclass(frozen=True)
class WarningKind:
    """meaning: when it is given, and why that matters. action: what to do about it."""

    meaning: str
    action: str


WARNINGS: Mapping[WarningCode, WarningKind] = MappingProxyType(
    {
        WarningCode.FEW_BANDS: WarningKind(
            "Fewer than 10 bands are used: many materials look alike in so few, and only few endmembers can be told "
            "apart.",
            "Use an image with more bands, or ask for few endmembers and compare methods.",
        ),
        WarningCode.LOOKS_LIKE_ABUNDANCES: WarningKind(
            "The numbers lie in 0 to 1 and sum to one over few bands: abundance maps, not an image.",
            "Name the array that holds the image with `variable`, or send the image itself.",
        ),
        WarningCode.LOOKS_LIKE_PICTURE: WarningKind(
            "At most four bands of whole numbers from 0 to 255: a picture for the eye, whose numbers are no spectra.",
            "Send the hyperspectral image instead of its picture, or name it with `variable`.",
        ),
        WarningCode.NEGATIVE_VALUES: WarningKind(
            "Many numbers are negative, which no reflectance or radiance is: an offset, a mean that was subtracted or "
            "an overdone atmospheric correction.",
            "Send reflectance or radiance as it was measured; leave out the bands it happens in.",
        ),
        WarningCode.SUSPECTED_FILL: WarningKind(
            "Some numbers look like a fill value that no header declares.",
            "Declare it with `nodata`.",
        ),
        WarningCode.NOISY_BANDS: WarningKind(
            "Some of the bands used are mostly noise.",
            "Leave them out with `bad_bands`.",
        ),
        WarningCode.BANDS_NOT_IN_ORDER: WarningKind(
            "The wavelengths of the bands used are in no order, or one is there twice: perhaps they belong to other "
            "bands. Materials and maps do not depend on the order of bands, but names from a library do on the "
            "wavelengths.",
            "Correct the list with `wavelengths`, or leave out bands with `bad_bands`.",
        ),
        WarningCode.COUNT_UNCERTAIN: WarningKind(
            "The number of endmembers was estimated, and another number explains the image nearly as well.",
            "Look at `n_endmembers_range` and say `n_endmembers` yourself.",
        ),
        WarningCode.DUPLICATE_ENDMEMBERS: WarningKind(
            "Two endmembers have nearly the same shape, so that their abundances say little one by one.",
            "Ask for fewer endmembers, or add up the maps of the two.",
        ),
        WarningCode.GIVEN_BRIGHTNESS: WarningKind(
            "The endmembers that were given are much brighter or darker than the image: perhaps on another scale, in "
            "percent beside 0 to 1. Abundances of `area` count them as bright as they were given.",
            "Compare their numbers with the image's, and bring one to the other's scale (`scale`).",
        ),
        WarningCode.PERHAPS_NOT_PURE: WarningKind(
            "Few pixels look pure beside those that nearly do: perhaps every pixel is a mixture, and endmembers lie "
            "beyond the pixels. Of generated scenes with pure pixels one in ten looks so too.",
            "Where pixels are large for what they show, ask again with `pure_pixels=false` and `method=lpalm`; where "
            "each material has pixels of its own, keep this answer.",
        ),
        WarningCode.NO_BETTER_THAN_BASELINE: WarningKind(
            "On synthetic truth the network is no better than its baseline, the endmembers of its library with NNLS.",
            "Let it train longer (`max_training_seconds`), or use `method=vca_fcls`.",
        ),
        WarningCode.LIBRARY_FAR: WarningKind(
            "No spectrum of the library is near any endmember: another sensor, unit or kind of materials.",
            "Look at the library's wavelengths and units, or use one of materials that are in the scene.",
        ),
        WarningCode.OTHER_WAVELENGTHS: WarningKind(
            "The model was trained on bands of other wavelengths, and the image was resampled to these: linearly, or "
            "by a mean over the width of a band where the image is finer. Narrow features may be lost.",
            "Compare with a model that is trained on this scene, above all where the distances are large.",
        ),
        WarningCode.LARGE_RESIDUAL: WarningKind(
            "Much of the signal is not explained by the endmembers.",
            "Ask for more endmembers or another method, leave out bad bands, and look for undeclared fill values.",
        ),
        WarningCode.RARE_ENDMEMBER: WarningKind(
            "An endmember makes up a part worth the name of hardly any pixel: perhaps an outlier, no material.",
            "Look at the pixels where it is; mask them, or ask for fewer endmembers.",
        ),
        WarningCode.UNLIKE_TRAINING_SCENE: WarningKind(
            "The model leaves far more of this scene unexplained than of the scene it was trained on.",
            "Train a model on this scene.",
        ),
    }
)


def warning(code: WarningCode, message: str) -> ResultWarning:
    """The warning of a row of WARNINGS. message: one sentence with the numbers measured."""
    return ResultWarning(code, message, WARNINGS[code].action)


def merged(*groups: Iterable[ResultWarning]) -> tuple[ResultWarning, ...]:
    """The warnings of several stages, in order; of one code only the first, which was nearest to the numbers."""
    by_code: dict[WarningCode, ResultWarning] = {}
    for found in groups:
        for each in found:
            by_code.setdefault(each.code, each)
    return tuple(by_code.values())
