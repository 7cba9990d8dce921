"""Which unit the numbers of a scene have, where its header says so."""

import re
from collections.abc import Iterable

REFLECTANCE, RADIANCE, DIGITAL_NUMBERS = "reflectance", "radiance", "digital numbers"

UNIT_WORDS = {
    "reflectance": REFLECTANCE,
    "radiance": RADIANCE,
    "w/": RADIANCE,
    "digital number": DIGITAL_NUMBERS,
    "dn": DIGITAL_NUMBERS,
}
"""Words in the title of an axis or in a field of units, and what they mean; the first one found counts."""


def stated_unit(texts: Iterable[str | None]) -> str | None:
    """The unit that the texts name, None where they name none of these.

    >>> stated_unit([None, "Reflectance [*10000]"]), stated_unit(["W/m2/sr/um"]), stated_unit(["Value"])
    ('reflectance', 'radiance', None)
    """
    said = " ".join(text for text in texts if text is not None).lower()
    return next(
        (
            unit
            for word, unit in UNIT_WORDS.items()
            if re.search(rf"\b{word}\b" if word.isalpha() else rf"\b{word}", said)
        ),
        None,
    )
