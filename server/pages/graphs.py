"""The graphs that runs go through, drawn from what was proved, with the proofs beside them."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from ...graphs.drawing import draw_svg
from ..auth import Caller, allowed
from ..errors import not_found
from ..state import Server
from .render import page

__all__ = ["router"]

router = APIRouter()

_ABOUT = {
    "thinking": "It thinks, looks things up, plans a set, and makes it.",
    "instant": "It plans from the brief alone, and makes the set.",
    "edit": "It starts from images that it was given, which are checked like any brief.",
}

_Asks = Annotated[Caller, Depends(allowed("generate"))]


@router.get("/graphs")
async def graphs(request: Request, server: Server, caller: _Asks) -> Response:
    """All graphs with their proofs."""
    compiled: dict[str, Any] = server.assembly.runner.graphs
    shown = [
        {
            "name": name,
            "about": _ABOUT.get(name, ""),
            "proof": [str(guard) for guard in graph.proof.guards],
            "nodes": graph.proof.nodes,
            "edges": graph.proof.edges,
            "size": _size(await asyncio.to_thread(draw_svg, graph.topology)),
        }
        for name, graph in compiled.items()
    ]
    return page(request, "graphs.html", here="/graphs", graphs=shown)


@router.get("/graphs/{name}.svg")
async def drawing(name: str, server: Server, caller: _Asks) -> Response:
    """One graph as a picture."""
    graph: Any = server.assembly.runner.graphs.get(name)
    if graph is None:
        raise not_found("graph")
    # Its own style sheet is in it; nothing else may run or be fetched from there.
    headers = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
    return Response(await asyncio.to_thread(draw_svg, graph.topology), media_type="image/svg+xml", headers=headers)


def _size(drawn: str) -> tuple[int, int]:
    """Width and height in pixels: a page that knows them keeps the room free until the picture is there."""
    width, height = (re.search(rf'<svg[^>]*\b{side}="([0-9.]+)"', drawn) for side in ("width", "height"))
    return (round(float(width[1])), round(float(height[1]))) if width and height else (0, 0)
