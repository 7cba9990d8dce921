"""Documents of stored models."""

from datetime import datetime

from pydantic import BaseModel, Field

from model_store.expiry import model_expires
from model_store.models import StoredModel
from model_store.settings import Settings
from service.schemas.links import Link
from unmixing.io.products.stac.names import GEOJSON
from unmixing.manifest import MODEL_MEDIA_TYPE, ModelManifest


class ModelDocument(BaseModel):
    """A stored model. ``manifest`` says what it was trained on and how well it does."""

    id: str = Field(description="The head of the SHA-256 of model.onnx.")
    created: datetime
    expires: datetime | None = Field(
        None, description="When it is removed, if by then no job uses it and no result names it; without it, never."
    )
    size: int = Field(description="Bytes of model.onnx.")
    manifest: ModelManifest
    links: list[Link]


class ModelList(BaseModel):
    """One page of models, newest first; the link ``next`` leads on."""

    models: list[ModelDocument]
    numberMatched: int
    links: list[Link]


def model_document(model: StoredModel, base: str, settings: Settings) -> ModelDocument:
    """``base``: URL of the service, with a slash at its end."""
    url = f"{base}models/{model.id}"
    links = [
        Link(href=url, rel="self"),
        Link(href=f"{url}/model.onnx", rel="enclosure", type=MODEL_MEDIA_TYPE),
        Link(href=f"{url}/item.json", rel="alternate", type=GEOJSON),
    ]
    return ModelDocument(
        id=model.id, created=model.created, expires=model_expires(model, settings), size=model.size,
        manifest=model.manifest, links=links,
    )  # fmt: skip
