"""`safelight check`: the stack's verdict on a text, an image, or a file of prompts."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from ..config import load_settings
from ..errors import BadInput
from ..safety.content import Content, ImagePart, Part, Stage, TextPart
from ..safety.verdict import Verdict
from .rows import count_rows, read_rows, take_up
from .session import ExitCode, fail, plain, print_json, read_file, run

if TYPE_CHECKING:
    from ..safety.stack import SafetyStack

__all__ = ["check"]

_AT_ONCE = 8  # rows judged together; bounds memory, and lets encoders batch


def check(
    text: Annotated[
        str | None, typer.Argument(help="The text to judge; - reads standard input.", show_default=False)
    ] = None,
    image: Annotated[list[Path] | None, typer.Option(help="An image to judge; may be repeated.")] = None,
    stage: Annotated[Stage, typer.Option(help="Where in a run it would stand.")] = Stage.PROMPT,
    source: Annotated[
        Path | None, typer.Option("--input", help='JSON lines {"id", "prompt"} to judge; needs --output.')
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option("--output", help="Where the verdicts go, a line each; an unfinished file is continued."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Judge a text, an image or a file of prompts. Exit code 3 where a single one is not allowed."""
    if source is not None or target is not None:
        if source is None or target is None or text is not None or image:
            fail("--input and --output go together, and without TEXT or --image.", ExitCode.USAGE)
        judged, refused = run(_check_file(source, target, stage))
        message = {"judged": judged, "not_allowed": refused, "output": str(target)}
        print_json(message) if as_json else typer.echo(f"{judged} judged, {refused} not allowed: {target}")
        return
    if text is None and not image:
        fail("Give a TEXT, an --image, or --input with --output.", ExitCode.USAGE)
    verdict = run(_check_one(sys.stdin.read() if text == "-" else text, image or [], stage))
    if as_json:
        print_json(
            _row(None, verdict)
            | {
                "stage": stage.value,
                "reason": verdict.reason,
                "failed": verdict.failed,
                "not_checked": list(verdict.not_checked),
                "seconds": round(verdict.seconds, 4),
            }
        )
    else:
        _tell(verdict)
    raise typer.Exit(int(ExitCode.DELIVERED if verdict.allowed else ExitCode.REFUSED))


async def _check_one(text: str | None, images: list[Path], stage: Stage) -> Verdict:
    from ..media import sanitize

    parts: list[Part] = []
    if text is not None:
        if not text.strip():
            raise BadInput("The text is empty.")
        parts.append(TextPart(text))
    for path in images:
        clean, media_type = await asyncio.to_thread(sanitize, await read_file(path))
        parts.append(ImagePart(clean, media_type))
    async with _stack() as stack:
        return await stack.judge(Content(stage, tuple(parts)))


async def _check_file(source: Path, target: Path, stage: Stage) -> tuple[int, int]:
    """Judge a file of prompts in order; what is already in `target` is kept and not judged again."""
    rows = await asyncio.to_thread(count_rows, source)  # a row that is none is told before anything is judged
    journal = await asyncio.to_thread(take_up, target)
    done = set(journal.kept)
    judged = refused = 0
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("judging", total=rows, completed=len(done))
        async with _stack() as stack:
            due = (row for row in read_rows(source) if row[0] not in done)
            while batch := await asyncio.to_thread(lambda: list(islice(due, _AT_ONCE))):
                verdicts = await asyncio.gather(*(stack.judge(Content.of_text(stage, prompt)) for _, prompt in batch))
                lines = [_line(_row(row_id, verdict)) for (row_id, _), verdict in zip(batch, verdicts, strict=True)]
                await asyncio.to_thread(journal.add, *lines)
                refused += sum(not verdict.allowed for verdict in verdicts)
                judged += len(batch)
                bar.advance(task, len(batch))
    return judged, refused


@asynccontextmanager
async def _stack() -> AsyncIterator[SafetyStack]:
    """The stack that the settings ask for, alone: judging needs no store and leaves no trace."""
    from ..models import build_stack
    from ..safety.policy import PolicySet
    from ..services import ServicePool

    settings = load_settings()
    policies = await asyncio.to_thread(PolicySet.load, settings.policies)
    pool = ServicePool(settings)
    try:
        yield build_stack(settings, policies, pool)
    finally:
        await pool.aclose()


def _row(row_id: str | None, verdict: Verdict) -> dict[str, Any]:
    findings = [
        finding.model_dump(mode="json", include={"policy", "category", "score", "moderator", "evidence"})
        for finding in verdict.findings
    ]
    row: dict[str, Any] = {"decision": verdict.decision.value, "findings": findings}
    return row if row_id is None else {"id": row_id, **row}


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode(errors="backslashreplace")  # half a character, as JSON says it


def _tell(verdict: Verdict) -> None:
    typer.echo(
        f"{verdict.decision.value}{' (a moderator failed)' if verdict.failed else ''} in {verdict.seconds:.2f} s"
    )
    if verdict.reason:
        typer.echo(f"  {plain(verdict.reason)}")
    for finding in sorted(verdict.findings, key=lambda item: -item.score):
        typer.echo(f"  {finding.score:.2f}  {finding.policy:<20} {finding.moderator}: {plain(finding.evidence, 160)}")
    if verdict.not_checked:
        typer.echo(f"  not checked: {', '.join(verdict.not_checked)}")
