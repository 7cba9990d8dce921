"""``/methods``: what ``method`` may be."""

from service.openapi import problems
from service.router import Router
from service.schemas.methods import MethodList, method_list

router = Router(tags=["methods"])


@router.get("/methods", summary="All methods", response_description="The methods.", responses=problems(500))
def list_methods() -> MethodList:
    """Each method's name, what it does, whether it keeps a model and tells uncertainty, its paper, and the settings
    that it works with, for images and for mixtures."""
    return method_list()
