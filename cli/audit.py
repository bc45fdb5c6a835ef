"""`safelight audit`: is the record whole?"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..config import load_settings
from ..errors import LedgerBroken
from .session import ExitCode, fail, print_json, run

__all__ = ["audit"]

audit = typer.Typer(help="Check the audit ledger, or erase the personal content of a run.", no_args_is_help=True)


@audit.command("verify")
def verify(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False) -> None:
    """Verify the whole ledger; finds any edit, deletion, insertion or reordering, and says where."""
    report = run(_verify())
    if as_json:
        print_json(report)
    elif report["intact"]:
        typer.echo(f"{report['entries']} entries, chain intact.")
    if not report["intact"]:
        fail(report["fault"], ExitCode.FAILURE)


async def _verify() -> dict[str, Any]:
    from ..assembly import open_store

    async with open_store(load_settings()) as (store, _):
        try:
            report = await store.ledger.verify()
        except LedgerBroken as error:
            return {"intact": False, "entry": error.entry, "fault": str(error)}
        return {"intact": True, "entries": report.entries, "head": report.head}


@audit.command("erase")
def erase(run_id: Annotated[str, typer.Argument(help="The run whose personal content goes.")]) -> None:
    """Erase a run's prompts, files and images; the chain of verdicts stays intact."""
    run(_erase(run_id))
    typer.echo(f"The personal content of {run_id} is erased; its verdicts stay in the ledger by digest.")


async def _erase(run_id: str) -> None:
    from ..assembly import checkpoints, open_store
    from ..store import open_checkpointer

    settings = load_settings()
    async with open_store(settings) as (store, _), open_checkpointer(checkpoints(settings)) as saver:
        await store.erase(run_id)
        await saver.adelete_thread(run_id)
