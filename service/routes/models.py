"""``/models``: the networks trained here, ready for other images of the same sensor."""

from fastapi import APIRouter, Request, Response

from service.context import ContextArgument
from service.files import file_responses, stored_file
from service.openapi import problems
from service.routes.jobs import Limit, Offset
from service.schemas.links import page_links
from service.schemas.models import ModelDocument, ModelList, model_document
from unmixing.manifest import MODEL_MEDIA_TYPE

router = APIRouter(tags=["models"])


@router.get("/models", summary="All models, newest first", responses=problems(422))
def list_models(request: Request, context: ContextArgument, limit: Limit = 20, offset: Offset = 0) -> ModelList:
    """A page of models. Follow the link `next` for the one after it."""
    base = str(request.base_url)
    models, total = context.stores.models.page(limit=limit, offset=offset)
    return ModelList(
        models=[model_document(model, base) for model in models],
        numberMatched=total,
        links=page_links(f"{base}models", "", limit, offset, total),
    )


@router.get("/models/{model_id}", summary="One model", responses=problems(404, 422, 500))
def get_model(model_id: str, request: Request, context: ContextArgument) -> ModelDocument:
    """The manifest: method, bands, endmembers, spec and metrics of the training."""
    return model_document(context.stores.models.get(model_id), str(request.base_url))


@router.get(
    "/models/{model_id}/model.onnx",
    summary="The network itself",
    response_class=Response,
    responses=file_responses(MODEL_MEDIA_TYPE),
)
@router.head("/models/{model_id}/model.onnx", include_in_schema=False)
def get_onnx(model_id: str, request: Request, context: ContextArgument) -> Response:
    """ONNX, with all preprocessing inside the graph and a dynamic number of pixels."""
    stored = context.stores.models.get(model_id)
    return stored_file(request, stored.path, MODEL_MEDIA_TYPE)


@router.delete("/models/{model_id}", summary="Remove a model", status_code=204, responses=problems(404, 422))
def delete_model(model_id: str, context: ContextArgument) -> None:
    """Results made with it stay. A job that waits for it will fail."""
    context.stores.models.delete(model_id)
