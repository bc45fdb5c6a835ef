"""A run, told in the terminal as it happens. Renders events and nothing else."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from ..events import (
    Event,
    ImageBlocked,
    ImageFinished,
    ImageRetried,
    ImageStarted,
    PlanMade,
    Refused,
    Rewritten,
    RunStarted,
    SearchMade,
    SourceRead,
    Suspended,
    Thinking,
    VerdictGiven,
    Warned,
)
from .session import plain

if TYPE_CHECKING:
    from ..graphs.result import RunResult  # its package brings LangGraph, which --help should not wait for

__all__ = ["Progress"]


class Progress:
    """Lines for what is decided, one bar an image. Everything shown is plain text: no markup, no control characters."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._bars = Bars(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[state]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
        )
        self._tasks: dict[int, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def show(self, event: Event) -> None:  # noqa: PLR0912 (one case an event, nothing nested)
        """Tell one event."""
        match event:
            case RunStarted():
                self._line("run", f"{event.run_id}{' (resumed)' if event.resumed else ''}, {event.mode} mode", "dim")
            case Thinking():
                self._line("think", event.text, "italic")
            case SearchMade():
                self._line("search", f"“{event.query}” · {event.results} results · {event.provider or 'no provider'}")
            case SourceRead():
                self._line("source", f"{event.title} · {event.url}")
            case PlanMade():
                self._plan(event)
            case Rewritten():
                self._line("rewrite", "; ".join(event.changes), "yellow")
            case VerdictGiven():
                self._verdict(event)
            case ImageStarted():
                self._bar(event.image, state="drawing", completed=40)
            case ImageRetried():
                self._bar(event.image, state="once more, rewritten", completed=40)
            case ImageBlocked():
                self._bar(
                    event.image, state=f"blocked: {', '.join(event.policies) or plain(event.reason, 60)}", completed=100
                )
            case ImageFinished():
                self._bar(event.image, state=f"cleared, stamped · {event.width}×{event.height}", completed=100)
            case Warned():
                self._line("note", event.text, "yellow")
            case Suspended():
                self._line(
                    "waits", f"for a human reviewer at the {event.stage} ({', '.join(event.policies)})", "yellow"
                )
            case Refused():
                self._line("refused", event.reason, "red")
            case _:
                pass

    def summary(self, result: RunResult, folder: Path) -> None:
        """What came of it: the paths on stdout, the rest on stderr."""
        if result.refusal:
            if result.refusal.offer:
                self._console.print(Text("What can be made instead:"))
            for offer in result.refusal.offer:
                self._console.print(Text(f"  · {plain(offer)}"))
        for image in result.images:
            if image.gap:
                self._line("gap", f"image {image.index + 1}: {image.gap.reason}", "red")
        if result.status == "suspended":
            self._line("waits", f"safelight review {result.run_id} --approve | --deny", "yellow")
        if result.not_checked:
            self._line(
                "note", f"{len(result.not_checked)} checks need a model and were not made; see index.html", "dim"
            )
        self._cost(result)
        if result.status == "planned":
            return
        paths = Console(highlight=False, soft_wrap=True)
        for image in result.images:
            if image.path:
                paths.print(Text(image.path))
        paths.print(Text(str(folder / "index.html")))

    def _cost(self, result: RunResult) -> None:
        """What was spent, as far as prices are known; for a mere plan, what its images are expected to cost."""
        if result.status == "planned":
            expected = result.estimate
            amount = f"${expected['spent']:.4f} spent, about ${expected['total']:.4f} with the images"
            unknown = expected["unpriced"]
        else:
            amount = f"${result.cost.get('total', 0.0):.4f}"
            unknown = [line["model"] for line in result.bill if line["unpriced"] or line["unknown"]]
        if result.status == "planned" or result.cost.get("total") or unknown:
            without = f"; no price, or no known end: {', '.join(unknown)}" if unknown else ""
            self._line("cost", f"{amount}{without}", "dim")

    def _plan(self, event: PlanMade) -> None:
        images = event.plan["images"]
        self._line("plan", f"{len(images)} images, {event.plan['style']['direction']}: {event.plan['intent']}")
        for index, spec in enumerate(images):
            title = plain(spec["title"] or spec["prompt"], 48)
            self._bar(index, title=f"{index + 1}. {spec['role']:<10} {title}", state="waiting", completed=0)

    def _verdict(self, event: VerdictGiven) -> None:
        if event.decision == "allow" and event.image is not None:
            return  # its image's own line says so
        if event.decision == "allow":
            self._line("cleared", f"{event.stage}{_which(event.image)} in {event.seconds:.2f} s", "green")
        else:
            why = ", ".join(event.policies) or event.reason
            self._line(
                event.decision,
                f"{event.stage}{_which(event.image)}: {why}",
                "red" if event.decision == "block" else "yellow",
            )

    def _bar(self, image: int, *, state: str, completed: int, title: str | None = None) -> None:
        if image not in self._tasks:
            self._tasks[image] = self._bars.add_task(title or f"image {image + 1}", total=100, state=state)
        self._bars.update(self._tasks[image], completed=completed, state=state)

    def _line(self, label: str, text: str, style: str = "") -> None:
        self._console.print(Text.assemble((f"{label:>8}  ", "bold"), (plain(text, 400), style)))


def _which(image: int | None) -> str:
    return "" if image is None else f" of image {image + 1}"
