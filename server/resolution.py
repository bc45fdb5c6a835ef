"""C2PA's Soft Binding Resolution API, read-only: finds the manifest of an image that has lost its own.

Under `/c2pa`, for keys with the scope `verify`: a manifest names its run and its model. Resolution by reference is left
out, since it would have the server ask for any address.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from ..provenance.resolution import Match, Resolver
from .auth import Caller, allowed
from .errors import bad_request, not_found
from .state import Server, ServerState

__all__ = ["router"]

router = APIRouter(prefix="/c2pa", tags=["provenance"])

_MOST = 16
_MAX_VALUE = 256  # characters of a binding's value: ours have 16 and 44

Verifier = Annotated[Caller, Depends(allowed("verify"))]
MaxResults = Annotated[int, Query(alias="maxResults", ge=1, le=_MOST)]


class Binding(BaseModel):
    """A soft binding, as a manifest states it."""

    alg: str = Field(max_length=100)
    value: str = Field(max_length=_MAX_VALUE, description="base64")


class Found(BaseModel):
    """A manifest that a binding leads to."""

    manifestId: str  # noqa: N815 (the API's name)
    similarityScore: int = Field(ge=0, le=100)  # noqa: N815


class Matches(BaseModel):
    """The manifests found, the best first; none of them is no error."""

    matches: list[Found]


@router.get("/services/supportedAlgorithms")
async def algorithms(server: Server, caller: Verifier) -> dict[str, Any]:
    """The soft bindings that are understood here."""
    return _resolver(server).supported_algorithms()


@router.get("/matches/byBinding")
async def by_binding(
    server: Server,
    caller: Verifier,
    alg: Annotated[str, Query(max_length=100)],
    value: Annotated[str, Query(max_length=_MAX_VALUE, description="base64")],
    most: MaxResults = _MOST,
) -> Matches:
    """The manifests that state this binding."""
    return _matches(await _resolver(server).by_binding(alg, value), most)


@router.post("/matches/byBinding")
async def by_posted_binding(server: Server, caller: Verifier, binding: Binding, most: MaxResults = _MOST) -> Matches:
    """The manifests that state this binding: for values that do not fit into an address."""
    return _matches(await _resolver(server).by_binding(binding.alg, binding.value), most)


@router.post(
    "/matches/byContent",
    openapi_extra={"requestBody": {"required": True, "content": {"image/*": {"schema": {"format": "binary"}}}}},
)
async def by_content(server: Server, caller: Verifier, request: Request, most: MaxResults = _MOST) -> Matches:
    """The manifest of the image that is sent, by everything that can be found in it."""
    data = await request.body()
    if not data:
        raise bad_request("Send the image as the body of the request.")
    return _matches(await _resolver(server).by_content(data), most)


@router.get("/manifests/{manifest_id}", responses={200: {"content": {"application/c2pa": {}}}})
async def manifest(server: Server, caller: Verifier, manifest_id: str) -> Response:
    """The manifest store, as it was signed. It is not bound to any other bytes that it is shown beside."""
    store = await _resolver(server).manifest(manifest_id)
    if store is None:
        raise not_found("manifest")
    return Response(store, media_type="application/c2pa")


def _resolver(server: ServerState) -> Resolver:
    stamper = server.assembly.stamper
    return Resolver(stamper.registry, stamper)


def _matches(found: list[Match], most: int) -> Matches:
    return Matches(matches=[Found.model_validate(match.public()) for match in found[:most]])
