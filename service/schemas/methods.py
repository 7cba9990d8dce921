"""Documents of the methods, made of their tables, and the methods' names as the OpenAPI document lists them."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, JsonValue, WithJsonSchema

from unmixing.methods import METHODS, Method
from unmixing.mixtures.methods import IMAGES_ONLY, SEPARATION_METHODS
from unmixing.specs import UnmixSpec


def _known(name: str) -> str:
    if name not in METHODS:
        raise ValueError(f"it has to be one of {', '.join(METHODS)}")
    return name


MethodName = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(METHODS)})]
"""The name of one method. METHODS is a table, so its names are no enumeration that a type checker could see."""


class MethodSetting(BaseModel):
    """A number that a method works with. No field of a request sets it: one default serves every input."""

    name: str = Field(examples=["n_layers"])
    default: JsonValue = Field(examples=[8])
    description: str = Field(examples=["Unrolled iterations."])


class MethodUse(BaseModel):
    """A method on one kind of input."""

    keeps_model: bool = Field(description="Whether it trains a model, which is stored and can be applied again.")
    uncertainty: bool = Field(description="Whether it says how far abundances may be off.")
    settings: list[MethodSetting]


class MethodDocument(BaseModel):
    """A way to unmix, or to separate mixtures."""

    name: MethodName = Field(description="As `method` of a request.", examples=["lpalm"])
    title: str = Field(examples=["Self-supervised LPALM"])
    summary: str = Field(description="One sentence.")
    paper: str = Field(examples=["Nascimento and Bioucas-Dias 2005; Heinz and Chang 2001"])
    learned: bool = Field(description="Whether it learns from examples; the others solve directly.")
    uses_neighbourhood: bool = Field(description="Whether an abundance depends on the pixels around.")
    keeps_given: bool = Field(description="Whether endmembers can be given to it, which it keeps.")
    without_pure_pixels: bool = Field(description="Whether it can be told that no pixel is pure (`pure_pixels`).")
    image: MethodUse
    mixtures: MethodUse | None = Field(description="Null for methods that are for images alone.")
    images_only: str | None = Field(None, description="Why it does not separate mixtures.")


class MethodList(BaseModel):
    """All methods."""

    methods: list[MethodDocument]
    default: MethodName = Field(description="That of a request that names none.")


def method_list() -> MethodList:
    """The documents of all rows of METHODS, in their order."""
    return MethodList(
        methods=[_document(row) for row in METHODS.values()], default=UnmixSpec.model_fields["method"].default
    )


def _document(row: Method) -> MethodDocument:
    separation = SEPARATION_METHODS.get(row.name)
    of_mixtures = None if separation is None else _use(separation.trains, False, separation.settings)
    return MethodDocument(
        name=row.name,
        title=row.title,
        summary=row.summary,
        paper=row.paper,
        learned=row.trains,
        uses_neighbourhood=row.uses_neighbourhood,
        keeps_given=row.keeps_given,
        without_pure_pixels=row.without_pure_pixels,
        image=_use(row.trains, row.knows_uncertainty, row.own_spec),
        mixtures=of_mixtures,
        images_only=IMAGES_ONLY.get(row.name),
    )


def _use(keeps_model: bool, uncertainty: bool, spec: type[BaseModel] | None) -> MethodUse:
    fields = {} if spec is None else spec.model_fields
    settings = [
        MethodSetting(name=name, default=field.default, description=field.description or "")
        for name, field in fields.items()
    ]
    return MethodUse(keeps_model=keeps_model, uncertainty=uncertainty, settings=settings)
