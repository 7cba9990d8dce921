"""When an image was taken and what it comes from, as its file says it."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from unmixing.specs import Address, period

UNKNOWN_BEGIN = "1970-01-01T00:00:00Z"
"""STAC wants a begin, and no imaging spectrometer is older: of an unknown moment this much is true."""


def stated_period(begin: str | None, end: str | None = None) -> dict[str, str]:
    """``acquired`` for the facts of a scene; nothing where the file does not say it, or says it as nobody can read."""
    try:
        return {} if begin is None else {"acquired": period(begin if end is None else f"{begin}/{end}")}
    except ValueError:
        return {}


BEGIN, END = "time_coverage_start", "time_coverage_end"
DOI, DOI_AUTHORITY = "identifier_product_doi", "identifier_product_doi_authority"
"""Attributes of a whole file by the conventions for discovery (ACDD), and as NASA's products have them."""


def stated_origin(attributes: Mapping[str, Any]) -> dict[str, str]:
    """``acquired`` and ``derived_from`` for the facts of a scene, from the attributes of a whole file: what they say.

    >>> stated_origin({"time_coverage_start": "2023-04-01T10:10:10+0000", "identifier_product_doi": "10.5067/EMIT"})
    {'acquired': '2023-04-01T10:10:10Z', 'derived_from': 'https://doi.org/10.5067/EMIT'}
    """
    begin, end = (str(attributes[key]).strip() if attributes.get(key) else None for key in (BEGIN, END))
    found = stated_period(begin, end) or stated_period(begin)
    doi = str(attributes.get(DOI) or "").strip()
    if doi and "://" not in doi:
        doi = (
            f"{str(attributes.get(DOI_AUTHORITY) or 'https://doi.org').strip().rstrip('/')}/{doi.removeprefix('doi:')}"
        )
    try:
        return {**found, "derived_from": TypeAdapter(Address).validate_python(doi)} if doi else found
    except ValidationError:
        return found
