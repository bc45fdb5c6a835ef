"""The building block of a storyboard."""

from __future__ import annotations

from dataclasses import dataclass

from ...tools.images.spec import Chart, Role

__all__ = ["Entry", "Part"]


@dataclass(frozen=True)
class Entry:
    """One thing to set: a label, optionally a detail, a value, an icon noun and the source that it rests on."""

    label: str
    detail: str = ""
    value: str = ""
    icon: str = ""
    source: str | None = None


@dataclass(frozen=True)
class Part:
    """One chapter of the story: what one image can be about. `origin` says where its words come from."""

    title: str
    line: str = ""
    role: Role = "step"
    icon: str = ""
    icons: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    chart: Chart | None = None
    origin: str = "brief"  # brief, outline, questions, facts, data

    @property
    def sources(self) -> tuple[str, ...]:
        own = [entry.source for entry in self.entries if entry.source]
        if self.chart is not None and self.chart.source:
            own.append(self.chart.source)
        return tuple(dict.fromkeys(own))
