"""Parameters that several routes have, described once."""

from typing import Annotated

from fastapi import Path, Query

Limit = Annotated[int, Query(ge=1, le=1000, description="How many on a page.")]
Offset = Annotated[int, Query(ge=0, le=2**31, description="How many to skip.")]

JobId = Annotated[str, Path(description="`jobID` of a job.", examples=["5f0c7ad2a0e94d6fb4d0b6a8f3f0a111"])]
ModelId = Annotated[str, Path(description="`id` of a stored model.", examples=["122041a45a14c69cc6ec1bec4d15f445"])]
AssetName = Annotated[str, Path(description="One of `assets` of the results.", examples=["abundances.tif"])]
ProblemName = Annotated[str, Path(description="The end of the `type` of a problem.", examples=["band-mismatch"])]
