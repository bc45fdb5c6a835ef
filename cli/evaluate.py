"""`safelight eval`: the table that says how good the stack is, made by whoever asks."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..config import Settings, load_settings
from .session import print_json, run

if TYPE_CHECKING:
    from ..assembly import Assembly
    from ..evals.grader import Grader
    from ..evals.record import Mode
    from ..evals.summary import Summary
    from ..safety.stack import SafetyStack

__all__ = ["evaluation"]

evaluation = typer.Typer(help="Measure the safety stack, layer by layer.", no_args_is_help=True)


class Modes(StrEnum):
    """Which modes to run."""

    BOTH = "both"
    INSTANT = "instant"
    THINKING = "thinking"


_MODES: dict[Modes, tuple[Mode, ...]] = {
    Modes.BOTH: ("instant", "thinking"),
    Modes.INSTANT: ("instant",),
    Modes.THINKING: ("thinking",),
}


@evaluation.command("table")
def table(
    source: Annotated[
        Path | None,
        typer.Option("--input", help='JSON lines {"id", "prompt", "label", "category", "lang"}; else our own prompts.'),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where results and reports go; an unfinished folder is continued.")] = Path(
        "evaluation"
    ),
    mode: Annotated[Modes, typer.Option(help="Which modes to run.")] = Modes.BOTH,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many prompts, half of them safe.")] = None,
    attack: Annotated[
        list[str] | None,
        typer.Option(help="Also under this attack (image:… for images); may be repeated; all for all."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of samples, attacks and drawings.")] = 0,
    size: Annotated[int, typer.Option(min=256, max=2048, help="Pixels a side of what is drawn.")] = 512,
    at_once: Annotated[int, typer.Option(min=1, help="Prompts at a time; CPU seconds are exact for 1.")] = 1,
    weights: Annotated[
        Path | None,
        typer.Option(help="Judge with classifier weights that did not see the prompts (see evals/held_out.py)."),
    ] = None,
    grader: Annotated[
        str,
        typer.Option(
            help="Let this model grade (of SAFELIGHT_MONITOR_BASE_URL, at high effort); else the embedded one."
        ),
    ] = "",
    ocr: Annotated[bool, typer.Option("--ocr", help="Let the grader read the image as well as the plan.")] = False,
    keep_texts: Annotated[
        bool,
        typer.Option("--keep-texts", help="Keep what every image says in OUT/texts.jsonl, for `eval regrade`."),
    ] = False,
    shard: Annotated[
        str,
        typer.Option(help="K/N: do the K-th of N parts, beside other processes; `eval report` puts them together."),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Expose every prompt to every layer, grade what is drawn, and print the table.

    Stop it when you like: the same command goes on where it stopped.
    """
    part = _shard(shard)
    run(
        _evaluate(
            source,
            out,
            _MODES[mode],
            limit,
            tuple(attack or ()),
            seed,
            size,
            at_once,
            weights,
            grader,
            ocr,
            keep_texts,
            part,
        )
    )
    if part is None:
        _publish((out,), as_json)


@evaluation.command("report")
def report(
    folder: Annotated[
        list[Path], typer.Argument(help="What `safelight eval table --out` made; of several, one table.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Make the reports of an evaluation anew, finished or not, with all its shards. They go to the first folder."""
    _publish(tuple(folder), as_json)


@evaluation.command("regrade")
def regrade(
    folder: Annotated[list[Path], typer.Argument(help="What `eval table --keep-texts` made; of several, one table.")],
    out: Annotated[Path, typer.Option(help="Where the records go, graded anew, and their reports.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Let the embedded grader that is installed now judge what was drawn before, and print the table.

    Nothing is drawn; the layers' verdicts stay.
    """
    run(_regrade(tuple(folder), out))
    _publish((out,), as_json)


async def _regrade(folders: tuple[Path, ...], out: Path) -> None:
    import asyncio

    from ..evals.grader import Jury
    from ..evals.panel import load_panel
    from ..evals.regrade import regrade

    await regrade(folders, out, Jury((await asyncio.to_thread(load_panel))[0]))


def _shard(given: str) -> tuple[int, int] | None:
    if not given:
        return None
    match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", given)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise typer.BadParameter(f"{given} is no part: write K/N, such as 3/12.", param_hint="--shard")
    return int(match[1]), int(match[2])


async def _evaluate(
    source: Path | None,
    out: Path,
    modes: tuple[Mode, ...],
    limit: int | None,
    attacks: tuple[str, ...],
    seed: int,
    size: int,
    at_once: int,
    weights: Path | None,
    grader: str,
    ocr: bool,
    keep_texts: bool,
    shard: tuple[int, int] | None,
) -> None:
    import asyncio

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from ..assembly import open_assembly
    from ..evals.cases import read_cases, sample, shipped_cases
    from ..evals.grader import Jury
    from ..evals.ocr import reader
    from ..evals.panel import load_panel
    from ..evals.record import Record
    from ..evals.results import shard_folder
    from ..evals.runner import Work, attack_names, evaluate, jobs, shard_of
    from ..evals.shadow import Shadow
    from ..evals.texts import Texts
    from ..safety.moderators.head import weights_name

    cases = await asyncio.to_thread(read_cases, source) if source else await asyncio.to_thread(shipped_cases)
    due = jobs(sample(cases, limit, seed=seed), modes, attack_names() if "all" in attacks else attacks)
    if shard is not None:
        due, out = shard_of(due, *shard), shard_folder(out, *shard)
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    async with open_assembly(_offline(load_settings())) as house:
        stack = await asyncio.to_thread(_stack_with, weights, house) if weights else house.stack
        shadow = Shadow(
            stack,
            reasoner=house.services.reasoner,
            drafter=house.services.drafter,
            generator=house.services.tools.generator,
            width=size,
            height=size,
        )
        under_test = {str(moderator.name) for moderator in stack.stages.values()} | set(house.settings.moderator)
        graders = _monitor(grader, house) if grader else (await asyncio.to_thread(load_panel))[0]
        work = Work(
            shadow,
            Jury(graders, read=reader() if ocr else None, moderators=frozenset(under_test)),
            seed,
            at_once,
            await asyncio.to_thread(Texts, out) if keep_texts else None,
        )
        named = {"input": source.name if source else "our own prompts", "weights": weights_name(weights)}
        description = {**named, **work.describe(cases)}
        with bars:
            bar = bars.add_task("exposing", total=len(due))

            def done(record: Record) -> None:
                bars.advance(bar)

            def known(count: int) -> None:
                bars.update(bar, completed=count)

            await evaluate(due, work, out, description, done=done, known=known)


def _monitor(model: str, house: Assembly) -> tuple[Grader, ...]:
    from ..evals.moderator_grader import ModeratorGrader
    from ..safety.moderators import ReasoningMonitor

    return (ModeratorGrader(ReasoningMonitor(house.pool.get("monitor"), model, house.policies, effort="high")),)


def _stack_with(weights: Path, house: Assembly) -> SafetyStack:
    from ..safety.moderators import embedded_stack
    from ..safety.moderators.classifier import Classifier
    from ..safety.moderators.head import Head

    return embedded_stack(
        house.policies, seconds=house.settings.moderator_seconds, classifier=Classifier(head=Head.load(weights))
    )


def _offline(settings: Settings) -> Settings:
    """Without search: shadow mode makes no research, and what it measures should not depend on the web."""
    return settings.model_copy(update={"search": ("none",)})


def _publish(folders: tuple[Path, ...], as_json: bool) -> None:
    run(_report(folders, as_json))


async def _report(folders: tuple[Path, ...], as_json: bool) -> None:
    import asyncio

    from ..evals.report import load_summary, write_reports

    summary = await asyncio.to_thread(load_summary, *folders)
    written = await asyncio.to_thread(write_reports, folders[0], summary)
    if as_json:
        print_json(summary.public())
    else:
        _tell(summary)
        typer.echo("\n".join(str(path) for path in written), err=True)


def _tell(summary: Summary) -> None:
    from rich.console import Console

    from ..evals.report import terminal_report

    Console().print(terminal_report(summary))
