"""`safelight generate`: one prompt in, several moderated, stamped images out."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ..agent.brief import Brief
from ..config import load_settings
from ..errors import StoreError
from ..warming import warm
from .progress import Progress
from .session import ExitCode, fail, print_json, run

__all__ = ["generate"]


class Mode(StrEnum):
    THINKING = "thinking"
    INSTANT = "instant"


class Format(StrEnum):
    PNG = "png"
    WEBP = "webp"
    JPEG = "jpeg"
    SVG = "svg"
    PDF = "pdf"


def generate(
    prompt: Annotated[str | None, typer.Argument(help="What the images should show.", show_default=False)] = None,
    number: Annotated[
        int | None, typer.Option("-n", "--number", help="How many images (1 to 8); the planner decides if not given.")
    ] = None,
    mode: Annotated[
        Mode, typer.Option(help="thinking: reason, research, rewrite, plan. instant: draw at once.")
    ] = Mode.THINKING,
    image: Annotated[list[Path] | None, typer.Option(help="An image to edit or refer to; may be repeated.")] = None,
    mask: Annotated[
        Path | None, typer.Option(help="Where to edit: a PNG, transparent where the image may change.")
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(help="A document to read (PDF, DOCX, XLSX, CSV, Markdown, HTML, text); may be repeated."),
    ] = None,
    size: Annotated[str, typer.Option(help="WxH in pixels (sides 256 to 3840, aspect 1:3 to 3:1), or auto.")] = "auto",
    format_: Annotated[
        Format, typer.Option("--format", help="File format of the images; svg and pdf come beside a PNG.")
    ] = Format.PNG,
    style: Annotated[str | None, typer.Option(help="Art direction, such as swiss, editorial or blueprint.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write; default: out/ and the time of day.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of progress.")] = False,
    stream: Annotated[bool, typer.Option("--stream", help="Print events as JSON lines, then the result.")] = False,
    seed: Annotated[int, typer.Option(help="Same seed and brief, same images from the embedded illustrator.")] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Plan, judge the plan, estimate its cost, and make no image.")
    ] = False,
    resume: Annotated[str | None, typer.Option(help="Go on with this run, or write a finished one again.")] = None,
    repeat_unknown: Annotated[
        bool,
        typer.Option(
            "--repeat-unknown", help="On resume: send calls again whose end is unknown (they may be billed twice)."
        ),
    ] = False,
) -> None:
    """Generate images from a prompt; each is moderated and stamped before it leaves."""
    if (prompt is None) == (resume is None):
        fail("Give a PROMPT, or --resume RUN to go on with a run.", ExitCode.USAGE)
    folder = out or Path("out") / datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")
    asked = {
        "prompt": prompt,
        "n": number,
        "mode": mode.value,
        "size": size,
        **_formats(format_),
        "style": style,
        "seed": seed,
        "dry_run": dry_run,
    }
    quiet = as_json or stream
    code = run(
        _generate(asked, image or [], mask, file or [], folder, resume, repeat_unknown, stream=stream, quiet=quiet)
    )
    raise typer.Exit(int(code))


def _formats(asked: Format) -> dict[str, str]:
    """A vector file comes beside the picture that was judged and watermarked, never in its place."""
    return {"format": "png", "vector": asked.value} if asked in {Format.SVG, Format.PDF} else {"format": asked.value}


async def _generate(
    asked: dict[str, Any],
    images: list[Path],
    mask: Path | None,
    files: list[Path],
    folder: Path,
    resume: str | None,
    repeat_unknown: bool,
    *,
    stream: bool,
    quiet: bool,
) -> ExitCode:
    # Slow imports (LangGraph, models) wait until the arguments are known to be good.
    brief = Brief.model_validate(asked) if resume is None else None
    settings = load_settings()
    asyncio.get_running_loop().run_in_executor(None, warm, settings)  # beside the imports that follow
    from ..assembly import open_assembly
    from ..export import check_folder, export_run
    from ..graphs.result import RunResult

    check_folder(folder)
    progress = nullcontext(None) if quiet else Progress()
    with progress as display:
        async with open_assembly(settings) as assembly:
            store, runner = assembly.store, assembly.runner
            if brief is not None:
                run_id = await runner.start(await _with_files(brief, images, mask, files, store))
            else:
                run_id = str(resume)
            known = await store.runs.get(run_id)
            if known is None or known.result is None or known.status == "suspended":
                async for event in runner.stream(run_id, repeat_unknown=repeat_unknown):
                    if display is not None:
                        display.show(event)
                    if stream:
                        print_json(event.model_dump(mode="json"), pretty=False)
                known = await store.runs.get(run_id)
            if known is None or known.result is None:
                raise StoreError(f"Run {run_id} ended without a result in the store.", run_id=run_id)
            result = RunResult.model_validate(known.result)
            if result.status != "planned":
                result = await export_run(result, store, folder)
    if quiet:
        print_json(result.public(), pretty=not stream)
    elif display is not None:
        display.summary(result, folder)
    return _EXIT[result.status]


async def _with_files(brief: Brief, images: list[Path], mask: Path | None, files: list[Path], store: Any) -> Brief:
    from ..intake import take_document, take_image

    attachments = [await take_image(path, store) for path in images]
    if mask is not None:
        attachments.append(await take_image(mask, store, kind="mask"))
    attachments += [await take_document(path, store) for path in files]
    return brief.model_copy(update={"attachments": tuple(attachments)})


_EXIT = {
    "delivered": ExitCode.DELIVERED,
    "planned": ExitCode.DELIVERED,
    "partial": ExitCode.PARTIAL,
    "refused": ExitCode.REFUSED,
    "suspended": ExitCode.REFUSED,
    "failed": ExitCode.FAILURE,
}
