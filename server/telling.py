"""A run's outcome in words: what a chat shows, and what an error says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from ..events import Event, ImageRetried, ImageStarted, PlanMade, Rewritten, SearchMade, SourceRead, Thinking, Warned
from ..graphs.result import Delivery, Gap, Refusal, RunResult

__all__ = ["answer_text", "is_refusal", "link_text", "refusal_text", "suspended_text", "thought"]

_OPENING = "I can’t make this as it was asked."

Link = Callable[[Delivery], str]


def is_refusal(text: str) -> bool:
    """Whether an answer is one of our refusals, as a client sends it back with the conversation."""
    return text.lstrip().startswith(_OPENING)


def refusal_text(refusal: Refusal) -> str:
    """What was wrong, and what can be asked instead."""
    lines = [_OPENING, "", refusal.reason]
    if refusal.offer:
        lines += ["", "What I can make instead:", *(f"- {offer}" for offer in refusal.offer)]
    return "\n".join(lines)


def suspended_text(run_id: str) -> str:
    """What is said while a human decides."""
    return f"A human reviewer has to look at this first. It goes on when they have decided, as run {run_id}."


def answer_text(result: RunResult, link: Link | None) -> str:
    """The set in Markdown: images (where `link` gives their addresses), gaps, what was changed, and the sources."""
    blocks = []
    for change in result.rewritten:
        if change.get("image") is None and change.get("changes"):
            blocks.append("To keep this safe, I changed the request: " + "; ".join(change["changes"]) + ".")
    for image in result.images:
        if image.gap is not None:
            blocks.append(_gap(image.index, image.gap))
        elif link is not None:
            blocks.append(f"![{_bracketed(image.alt or image.title or 'image')}]({link(image)})")
            blocks += [f"*{image.title}*"] if image.title else []
        else:
            blocks.append(f"{image.index + 1}. {image.title or image.alt or 'Image'}")
    if result.sources:
        blocks.append("Sources:\n" + "\n".join(link_text(source) for source in result.sources))
    blocks += [*result.warnings]
    return "\n\n".join(blocks)


def link_text(source: dict[str, Any]) -> str:
    """A source as a list item; only web addresses become links."""
    title = _bracketed(str(source.get("title") or source.get("url", "")))
    url = str(source.get("url", ""))
    safe = urlsplit(url).scheme in {"http", "https"} and not set(url) & set(" ()<>\n")
    return f"- [{title}]({url})" if safe else f"- {title}"


def thought(event: Event) -> str | None:
    """One line of thinking for events that a reader would follow, else None."""
    match event:
        case Thinking():
            return event.text
        case SearchMade():
            return f"Searched for “{event.query}”: {event.results} results."
        case SourceRead():
            return f"Read {event.title or event.url}."
        case PlanMade():
            titles = [str(spec.get("title") or "") for spec in event.plan.get("images", ())]
            named = "; ".join(title for title in titles if title)
            return f"Planned {len(titles)} image{'s' if len(titles) != 1 else ''}{': ' + named if named else ''}."
        case Rewritten():
            return "Changed for safety: " + "; ".join(event.changes) + "."
        case ImageStarted():
            return f"Drawing image {event.image + 1} of {event.of}."
        case ImageRetried():
            return f"Drawing image {event.image + 1} again, changed."
        case Warned():
            return event.text
    return None


def _gap(index: int, gap: Gap) -> str:
    offer = f" Instead: {gap.offer[0]}" if gap.offer else ""
    return f"Image {index + 1} is missing. {gap.reason}{offer}"


def _bracketed(text: str) -> str:
    """Text that can stand between the brackets of a Markdown link."""
    return " ".join(text.replace("[", "(").replace("]", ")").replace("\\", "/").split())[:300]
