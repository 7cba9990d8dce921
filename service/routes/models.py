"""``/models``: the networks trained here, ready for other images of the same sensor."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from model_store.models import StoredModel
from model_store.records import MAX_LABEL_LENGTH, JobStatus
from model_store.stores import Stores
from service.context import ContextArgument
from service.files import file_responses, stored_file
from service.openapi import problems
from service.router import Router
from service.routes.parameters import Limit, ModelId, Offset, filter_query
from service.schemas.links import page_links
from service.schemas.methods import MethodName
from service.schemas.models import ModelDocument, ModelList, model_document
from unmixing.io.products.stac.models import model_item
from unmixing.io.products.stac.names import GEOJSON, JSON
from unmixing.manifest import MODEL_MEDIA_TYPE

router = Router(tags=["models"])


@dataclass(frozen=True)
class ModelFilters:
    """Query parameters that narrow down the list of models."""

    method: Annotated[MethodName | None, Query(description="Only models of this method.")] = None
    label: Annotated[
        str | None,
        Query(
            max_length=MAX_LABEL_LENGTH,
            description="Only models trained by a job that was asked for under this label and is still there.",
        ),
    ] = None

    def query(self) -> str:
        """The filters as a query, which links to other pages repeat; not empty, it ends in &."""
        return filter_query(self)

    def trained_under(self, stores: Stores) -> frozenset[str] | None:
        """Ids of the models that jobs with the label trained; None when no label is asked for."""
        if self.label is None:
            return None
        jobs = [job for job in stores.jobs.every(JobStatus.SUCCESSFUL) if self.label in job.labels]
        return frozenset(model for job in jobs if job.model_id is None for model in stores.results.model_ids(job.id))


@router.get(
    "/models",
    summary="All models, newest first",
    response_description="A page of models.",
    responses=problems(422, 503),
)
def list_models(
    request: Request,
    context: ContextArgument,
    filters: Annotated[ModelFilters, Depends()],
    limit: Limit = 20,
    offset: Offset = 0,
) -> ModelList:
    """A page of models. Follow the link `next` for the one after it."""
    base, trained = str(request.base_url), filters.trained_under(context.stores)

    def matches(model: StoredModel) -> bool:
        by_method = filters.method is None or model.manifest.method == filters.method
        return by_method and (trained is None or model.id in trained)

    wanted = matches if filters.query() else None
    models, total = context.stores.models.page(wanted, limit=limit, offset=offset)
    return ModelList(
        models=[model_document(model, base, context.settings) for model in models],
        numberMatched=total,
        links=page_links(f"{base}models", filters.query(), limit, offset, total),
    )


@router.get(
    "/models/{model_id}", summary="One model", response_description="The model.", responses=problems(404, 422, 500)
)
def get_model(model_id: ModelId, request: Request, context: ContextArgument) -> ModelDocument:
    """The manifest: method, bands, endmembers, spec and metrics of the training."""
    return model_document(context.stores.models.get(model_id), str(request.base_url), context.settings)


@router.get(
    "/models/{model_id}/model.onnx",
    summary="The network itself",
    response_class=Response,
    responses=file_responses(MODEL_MEDIA_TYPE),
)
def get_model_file(model_id: ModelId, request: Request, context: ContextArgument) -> Response:
    """ONNX, with all preprocessing inside the graph and a dynamic number of pixels."""
    stored = context.stores.models.get(model_id)
    return stored_file(request, stored.path, MODEL_MEDIA_TYPE)


@router.get(
    "/models/{model_id}/item.json",
    summary="One model as a STAC item",
    response_class=Response,
    responses={
        200: {"description": "The item.", "content": {GEOJSON: {"schema": {"type": "object"}}}},
        **problems(404, 422, 500),
    },
)
def get_model_item(model_id: ModelId, request: Request, context: ContextArgument) -> Response:
    """STAC 1.1 with the machine learning model extension: bands, inputs and outputs with their shapes, how it was
    trained."""
    stored = context.stores.models.get(model_id)
    url = f"{request.base_url}models/{stored.id}"
    item = model_item(stored.manifest, stored.id, stored.created, f"{url}/model.onnx")
    links = [{"rel": "self", "href": f"{url}/item.json", "type": GEOJSON}, {"rel": "via", "href": url, "type": JSON}]
    return JSONResponse({**item, "links": links}, media_type=GEOJSON)


@router.delete(
    "/models/{model_id}",
    summary="Remove a model",
    response_description="It is removed.",
    status_code=204,
    responses=problems(404, 422, 500),
)
def delete_model(model_id: ModelId, context: ContextArgument) -> None:
    """Results made with it stay. A job that waits for it will fail."""
    context.stores.models.delete(model_id)
