"""``/metrics``: figures for Prometheus."""

from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from service.router import Router

router = Router(tags=["service"])


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_description="All figures, in Prometheus' text format.",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def get_metrics(request: Request) -> Response:
    """Jobs by state and method, length and age of the queues, workers that live, seconds of the stages, pixels, errors
    of trainings, sizes of the store, requests. `unmix_queue_up` is 0 while Redis does not answer."""
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)
