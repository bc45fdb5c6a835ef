"""Arranges parts into a sequence of images: one story, no two alike."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .part import Entry, Part
from .voice import Voice

__all__ = ["Frame", "arrange"]

_MOST_ENTRIES = 6


@dataclass(frozen=True)
class Frame:
    """One image of the story. `number` is its place among the numbered parts, None for cover and summary."""

    part: Part
    number: int | None = None
    cover: bool = False


def arrange(
    parts: tuple[Part, ...], n: int, *, title: str, line: str, voice: Voice, spare: tuple[Part, ...] = ()
) -> tuple[Frame, ...]:
    """Exactly `n` frames out of `parts`, with `spare` ones where those do not suffice.

    One image holds the parts as its entries. Several show a part each; where there are more images than parts come a
    cover, a summary and then the spare parts; where there are fewer, neighbouring parts share an image.
    """
    if parts and all(part.origin == "questions" for part in parts):
        parts, spare = parts[: max(n, 4)] if n == 1 else parts[:n], parts[n:]
    if n == 1:
        return (Frame(_together(parts, title, line), cover=True),)
    if not parts:
        parts, spare = spare[:n], spare[n:]
    extra = n - len(parts)
    if extra <= 0:
        merged = tuple(_alone(part) for part in _merge(parts, n))
        return tuple(Frame(part, i) for i, part in enumerate(merged))
    body = [_alone(part) for part in parts]
    # A part that bears the title of the set is its cover already.
    cover = all(part.title != title for part in parts)
    extra -= cover
    summary = extra > 0 and len(parts) > 1
    extra -= summary
    fresh = [part for part in spare if part.title not in {own.title for own in parts}]
    body += fresh[:extra]
    extra -= len(fresh[:extra])
    body += _closer(parts, extra, voice)
    frames = [Frame(Part(title, line, "cover", origin="brief"), cover=True)] if cover else []
    frames += [Frame(part, i) for i, part in enumerate(body)]
    if summary:
        frames.append(Frame(_summary(tuple(body), voice)))
    return tuple(frames[:n])


def _together(parts: tuple[Part, ...], title: str, line: str) -> Part:
    """All parts in one image: each becomes an entry; a single part keeps its own entries."""
    if len(parts) == 1 and parts[0].role == "cover" and not parts[0].entries:
        return parts[0] if parts[0].title else replace(parts[0], title=title)
    if len(parts) == 1 and parts[0].entries != (as_entry(parts[0]),):
        return replace(parts[0], title=title, line=parts[0].title if parts[0].title != title else line or parts[0].line)
    chart = next((part.chart for part in parts if part.chart), None)
    told = tuple(part for part in parts if part.chart is None)
    entries = tuple(as_entry(part) for part in told)[: 2 * _MOST_ENTRIES]
    if len(told) == 1 and told[0].origin == "facts":
        entries = told[0].entries
    role = "chart" if chart else parts[0].role if parts else "cover"
    if role == "step" and len(entries) > 2 and not any(entry.value for entry in entries):
        entries = tuple(replace(entry, value=str(i)) for i, entry in enumerate(entries, 1))
    return Part(title, line, role, icons=tuple(part.icon for part in parts if part.icon), entries=entries, chart=chart)


def _alone(part: Part) -> Part:
    """A part whose only entry repeats its title needs no list: it is a picture of its own."""
    if len(part.entries) == 1 and part.entries[0].label == part.title:
        return replace(part, role="scene" if part.role == "scene" else "close_up", entries=())
    return part


def as_entry(part: Part) -> Entry:
    """A part as one entry of a list."""
    if len(part.entries) == 1 and part.entries[0].label == part.title:
        return part.entries[0]
    if part.origin == "facts" and part.entries:
        return replace(part.entries[0], label=part.title, detail=part.entries[0].label)
    source = next((entry.source for entry in part.entries if entry.source), None)
    return Entry(part.title, part.line, icon=part.icon, source=source)


def _merge(parts: tuple[Part, ...], n: int) -> tuple[Part, ...]:
    """`parts` in `n` groups of neighbours, sizes as even as can be, larger groups first."""
    size, more = divmod(len(parts), n)
    merged, start = [], 0
    for i in range(n):
        group = parts[start : start + size + (i < more)]
        start += len(group)
        if len(group) == 1:
            merged.append(group[0])
            continue
        first = group[0]
        own = tuple(entry for part in group for entry in part.entries)
        entries = own if len(own) <= _MOST_ENTRIES else tuple(as_entry(part) for part in group)[:_MOST_ENTRIES]
        merged.append(replace(first, title=_joint_title(group), line="", entries=entries))
    return tuple(merged)


def _joint_title(group: tuple[Part, ...]) -> str:
    if len(group[0].title) + len(group[-1].title) <= 40:
        return f"{group[0].title} – {group[-1].title}" if len(group) > 2 else f"{group[0].title} · {group[1].title}"
    return group[0].title


def _summary(parts: tuple[Part, ...], voice: Voice) -> Part:
    entries = tuple(replace(as_entry(part), detail="", value="") for part in parts)[: 2 * _MOST_ENTRIES]
    return Part(
        voice.say("at_a_glance"),
        role="summary",
        icons=tuple(part.icon for part in parts),
        entries=entries,
        origin=parts[0].origin,
    )


def _closer(parts: tuple[Part, ...], n: int, voice: Voice) -> list[Part]:
    """Close-ups of the parts, where more images are wanted than there is to tell."""
    return [
        replace(part, title=f"{voice.say('closer_look')}: {part.title}", role="close_up", line="", entries=())
        for part in parts[: max(n, 0)]
    ]
