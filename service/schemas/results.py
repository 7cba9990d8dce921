"""Documents of results and inspections."""

from typing import Any

from pydantic import BaseModel, Field

from unmixing.types import ResultWarning


class ResultDocument(BaseModel):
    """The result of a scene or a mixture matrix. Each asset's ``href`` answers GET, HEAD and Range."""

    warnings: list[ResultWarning] = Field(description="Why the answer may be wrong; empty when nothing was noticed.")
    endmembers: dict[str, Any] | None = Field(
        None,
        description="Of an image: `names`, `wavelengths_nm`, `values`: one spectrum per endmember over all bands of "
        "the input, null where a band was dropped.",
    )
    comparison: dict[str, Any] | None = Field(
        None, description="Of several methods: `answers`, one per method, and `failures`, why others have none."
    )
    mixing_matrix: dict[str, Any] | None = Field(
        None, description="Of mixtures: `names`, `values`: one column of the mixing matrix per source."
    )
    metrics: dict[str, Any]
    model: dict[str, Any] | None
    input: dict[str, Any]
    provenance: dict[str, Any] = Field(
        description="How the result came about: method, the whole spec, seed, versions, SHA-256 of the inputs, "
        "seconds, peak memory."
    )
    assets: dict[str, dict[str, Any]]


class InspectionDocument(BaseModel):
    """How an input is read, by the same reader as a job's."""

    warnings: list[ResultWarning] = Field(description="Doubts about the numbers; empty when nothing was noticed.")
    input: dict[str, Any] = Field(
        description="As `input` of a result, and of an image `masked_pixels`, with reasons, and `lowest` and `highest`."
    )
    false_colour_png: str | None = Field(None, description="With `picture=true`, of an image: PNG in base64.")
