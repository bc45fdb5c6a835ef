"""`safelight runs` and `safelight review`: what ran, and what waits for a human."""

from __future__ import annotations

import getpass
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..config import load_settings
from .session import ExitCode, fail, plain, print_json, run

__all__ = ["review", "runs"]


def runs(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List runs, newest first."""
    records = run(_list(limit))
    if as_json:
        print_json(records)
        return
    if not records:
        typer.echo("No runs yet. Begin with: safelight generate PROMPT")
        return
    table = Table("run", "when", "status", "prompt", box=None, pad_edge=False)
    for record in records:
        table.add_row(
            record["run_id"],
            record["created"][:19].replace("T", " "),
            record["status"],
            Text(plain(record["prompt"], 70)),
        )
    Console(highlight=False).print(table)


async def _list(limit: int) -> list[dict[str, Any]]:
    from ..assembly import open_store

    async with open_store(load_settings()) as (store, _):
        return [
            {
                "run_id": record.id,
                "created": record.created_at.isoformat(),
                "status": record.status,
                "prompt": record.brief.get("prompt", ""),
                "mode": record.mode,
                "cost": record.cost,
            }
            for record in await store.runs.recent(limit=limit)
        ]


def review(
    run_id: Annotated[str, typer.Argument(help="The run that waits.")],
    approve: Annotated[bool | None, typer.Option("--approve/--deny", help="The decision.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the run's result as JSON.")] = False,
) -> None:
    """Decide on a run that waits for a human reviewer, and go on with it."""
    if approve is None:
        fail("Decide: --approve or --deny.", ExitCode.USAGE)
    result = run(_review(run_id, approve=approve))
    if as_json:
        print_json(result.public())
    else:
        typer.echo(f"{result.status}: safelight generate --resume {run_id} --out FOLDER writes its images.")


async def _review(run_id: str, *, approve: bool) -> Any:
    from ..client import Safelight

    async with Safelight() as safelight:
        return await safelight.review(run_id, approve=approve, reviewer=getpass.getuser())
