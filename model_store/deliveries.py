"""Deliveries, the jobs of RQ: an attempt of a job, or a step of one that is shared, each under an id of its own."""

import re
from dataclasses import dataclass

JOIN = "join"
"""The step that makes the result of all parts."""

RESULT_TTL_SECONDS = 600
FAILURE_TTL_SECONDS = 24 * 3600

_ID = re.compile(r"(.+?)-(\d+)(?:-(part-\d+|product-\d+|join))?")


@dataclass(frozen=True)
class Delivery:
    """The attempt of a job as a whole, or a step of it: ``part_step``, ``product_step`` or ``JOIN``. Its text is the id
    in RQ."""

    job_id: str
    attempt: int
    step: str = ""

    def __str__(self) -> str:
        return f"{self.job_id}-{self.attempt}{f'-{self.step}' if self.step else ''}"

    @property
    def number(self) -> int:
        """Of the part or the product that a step is about."""
        return int(self.step.rpartition("-")[2])


def part_step(number: int) -> str:
    """The step that makes the part of this number."""
    return f"part-{number}"


def product_step(number: int) -> str:
    """The step that makes the product of this number, a row of PRODUCTS, once all parts are made."""
    return f"product-{number}"


def delivery_of(text: str) -> Delivery:
    """The delivery whose id in RQ this is. Raises ValueError for the id of something else.

    >>> delivery_of("ab12-3-part-7")
    Delivery(job_id='ab12', attempt=3, step='part-7')
    """
    found = _ID.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is the id of no delivery")
    return Delivery(found[1], int(found[2]), found[3] or "")
