"""Parameters that several routes have, described once."""

from dataclasses import fields
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Path, Query

Limit = Annotated[int, Query(ge=1, le=1000, description="How many on a page.")]
Offset = Annotated[int, Query(ge=0, le=2**31, description="How many to skip.")]

JobId = Annotated[str, Path(description="`jobID` of a job.", examples=["5f0c7ad2a0e94d6fb4d0b6a8f3f0a111"])]
ModelId = Annotated[str, Path(description="`id` of a stored model.", examples=["122041a45a14c69cc6ec1bec4d15f445"])]
AssetName = Annotated[str, Path(description="One of `assets` of the results.", examples=["abundances.tif"])]
ProblemName = Annotated[str, Path(description="The end of the `type` of a problem.", examples=["band-mismatch"])]


def filter_query(filters: Any) -> str:
    """The filters of a list (a dataclass) as a query, which links to other pages repeat; not empty, it ends in &."""
    given = {field.name: value for field in fields(filters) if (value := getattr(filters, field.name)) is not None}
    return f"{urlencode(given, doseq=True)}&" if given else ""
