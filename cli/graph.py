"""`safelight graph`: a mode's graph with its guards, and the proof."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..config import load_settings
from .session import print_json, run

__all__ = ["graph"]


class GraphName(StrEnum):
    THINKING = "thinking"
    INSTANT = "instant"
    EDIT = "edit"


def graph(
    name: Annotated[GraphName, typer.Argument(help="Which graph.")] = GraphName.THINKING,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print it as Mermaid.")] = False,
    png: Annotated[Path | None, typer.Option("--png", help="Draw it into this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the proof as JSON.")] = False,
) -> None:
    """Draw a graph with its guards, and print the proof that no path misses one."""
    run(_graph(name.value, mermaid=mermaid, png=png, as_json=as_json))


async def _graph(name: str, *, mermaid: bool, png: Path | None, as_json: bool) -> None:
    from ..assembly import open_assembly
    from ..graphs.drawing import draw_mermaid, draw_png

    async with open_assembly(load_settings()) as assembly:
        compiled = assembly.runner.graphs[name]
    if mermaid:
        typer.echo(draw_mermaid(compiled))
    if png is not None:
        draw_png(compiled, png)
        typer.echo(str(png))
    if as_json:
        print_json(asdict(compiled.proof))
    elif not mermaid:
        typer.echo(str(compiled.proof))
