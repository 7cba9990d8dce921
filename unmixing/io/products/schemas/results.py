"""A result as one document, of an image or of a mixture matrix."""

from pydantic import BaseModel, Field, JsonValue

from unmixing.io.products.schemas.inputs import ImageInput, MixturesInput
from unmixing.io.products.schemas.metrics import ImageMetrics, Numbers, SeparationMetrics
from unmixing.manifest import ModelManifest
from unmixing.specs import AbundancesOf, InputSpec
from unmixing.types import ResultWarning

WARNINGS = "Why the answer may be wrong; empty when nothing was noticed."


class Endmembers(BaseModel):
    """The spectra of the materials."""

    names: list[str] = Field(examples=[["endmember 1", "endmember 2", "endmember 3"]])
    wavelengths_nm: list[float] | None = Field(description="Per band of the input.", examples=[[450.0, 550.0]])
    values: list[Numbers] = Field(
        description="One spectrum per endmember over all bands of the input, null where a band was dropped.",
        examples=[[[0.3, 0.31], [0.59, 0.57], [0.2, 0.22]]],
    )
    norms: Numbers = Field(
        description="Per endmember its norm over the used bands: shape_k = area_k norm_k / sum_j area_j norm_j.",
        examples=[[2.1, 2.3, 2.6]],
    )
    given: list[bool] = Field(description="Per endmember whether the request gave it.", examples=[[True, False, False]])


class MixingMatrix(BaseModel):
    """How the sources are mixed."""

    names: list[str] = Field(examples=[["source 1", "source 2"]])
    values: list[Numbers] = Field(
        description="One list over the channels per source.", examples=[[[0.8, 0.6], [0.0, 1.0]]]
    )


class ModelLink(BaseModel):
    """Where the model is served."""

    rel: str = Field(examples=["item"])
    href: str = Field(examples=["http://localhost:8000/models/122041a45a14c69cc6ec1bec4d15f445"])


class ModelSection(BaseModel):
    """The model that made the result, trained by the job or applied by it."""

    id: str | None = Field(
        description="Of the stored model; null where it is not stored.", examples=["122041a45a14c69cc6ec1bec4d15f445"]
    )
    manifest: ModelManifest
    links: list[ModelLink]


class Software(BaseModel):
    """Versions of what computed; null for what is not installed as a package."""

    project: str | None = Field(examples=["0.1.0"])
    numpy: str | None = Field(examples=["2.4.6"])
    torch: str | None = Field(examples=["2.13.0"])
    onnxruntime: str | None = Field(examples=["1.32.0"])


class Provenance(BaseModel):
    """How the result came about."""

    method: str = Field(examples=["lpalm"])
    spec: dict[str, JsonValue] = Field(description="The whole of what was asked for, defaults included.")
    seed: int | None = Field(examples=[0])
    versions: Software
    seconds: dict[str, float] = Field(description="Per stage.")
    peak_memory_bytes: int = Field(
        description="Of the process that computed; of an image in parts, of that which took most."
    )
    input: InputSpec | None = Field(None, description="What was said of the input, in place of what its file says.")
    inputs: dict[str, dict[str, str]] | None = Field(
        None, description="By field, each file's name and SHA-256.", examples=[{"file": {"scene.npz": "877fe2e4..."}}]
    )


class AssetDocument(BaseModel):
    """A file of the result."""

    href: str = Field(examples=["http://localhost:8000/jobs/5f0c7ad2a0e94d6fb4d0b6a8f3f0a111/results/abundances.tif"])
    type: str = Field(description="Media type.", examples=["image/tiff; application=geotiff; profile=cloud-optimized"])
    size: int = Field(description="In bytes.", examples=[9398])


class ComparedAnswer(BaseModel):
    """The answer of one of several methods. Endmember k is the one most like endmember k of the first."""

    method: str = Field(examples=["vca_fcls"])
    warnings: list[ResultWarning] = Field(description=WARNINGS)
    abundances_of: AbundancesOf
    endmembers: Endmembers
    metrics: ImageMetrics
    model: ModelSection | None
    provenance: Provenance
    sad_to_first_radians: float | None = Field(description="Mean angle to the first method's endmembers.")
    abundance_rmse_to_first: float | None = Field(description="Distance to the first method's abundances.")


class ComparisonSection(BaseModel):
    """The answers of several methods."""

    answers: list[ComparedAnswer]
    failures: dict[str, str] = Field(description="By method, why it has no answer.")


class CommonSections(BaseModel):
    """The sections that every result has."""

    warnings: list[ResultWarning] = Field(description=WARNINGS)
    model: ModelSection | None
    provenance: Provenance
    assets: dict[str, AssetDocument] = Field(description="By name. Each `href` answers GET, HEAD and Range.")


class ImageResultDocument(CommonSections):
    """The result of an image; of several methods that of the first, and ``comparison`` beside it."""

    abundances_of: AbundancesOf = Field(description="What abundances are shares of.")
    endmembers: Endmembers
    metrics: ImageMetrics
    input: ImageInput
    comparison: ComparisonSection | None = None


class MixturesResultDocument(CommonSections):
    """The result of a mixture matrix."""

    mixing_matrix: MixingMatrix
    metrics: SeparationMetrics
    input: MixturesInput


ResultDocument = ImageResultDocument | MixturesResultDocument
