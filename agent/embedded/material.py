"""What a set can be made of, by precedence: the brief's own data and lists, then sources, then questions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..reasoner import Fact, Research
from .charts import chart_of_points, charts_of
from .grouping import Encoder, entry_of, group_facts
from .icons import icon_about, icon_of, icons_in
from .language import identify, is_cased
from .outlines import find_outline, questions, theme
from .part import Entry, Part
from .reading import Reading
from .structure import is_quantity
from .views import views
from .voice import Voice
from .writing import as_title

__all__ = ["Material", "Request", "gather"]

_LIST_ROLES = {
    "menu": "list",
    "checklist": "list",
    "timeline": "timeline",
    "comparison": "comparison",
    "diagram": "diagram",
    "map": "map",
    "card": "scene",
}
# Kinds that stay as sparse as the brief: open questions on a menu or a cover would help nobody.
_CYCLE = re.compile(
    r"\bcycle|zyklus|kreislauf|\bciclo|цикл|круговорот|kringloop|cykl|obieg|κύκλο|döngü|サイクル|循環|一生|循环|순환|دورة|מחזור|चक्र|วงจร|วัฏจักร",
    re.IGNORECASE,
)
_NO_FILL = {"poster", "card", "cover", "banner", "menu", "quote", "scene", "checklist", "chart"}
_MOST_LINE = 110
_ASKS = "No source and no outline on this subject was at hand: the images ask questions instead of claiming answers."
_FOREIGN = "Some facts are set in the language of their source: without a language model nothing is translated."


@dataclass(frozen=True)
class Material:
    """Parts of the story, spare ones for longer sets, and what has to be said about them."""

    parts: tuple[Part, ...]
    spare: tuple[Part, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """What material is wanted for: the brief as read, what was researched, and how many images there will be."""

    reading: Reading
    research: Research
    voice: Voice
    family: str
    count: int
    encoder: Encoder | None = None

    @property
    def questions(self) -> tuple[Part, ...]:
        return questions(theme(self.family).modules, self.voice)


def gather(request: Request) -> Material:
    """The first kind of material that the request has any of."""
    return next(found for source in _SOURCES if (found := source(request)) is not None)


def _pictures(request: Request) -> Material | None:
    """Something to depict rather than to explain: views of it, headed where the brief names a heading."""
    reading = request.reading
    if reading.topic and not reading.points:
        heads = (as_title(reading.topic), as_title(reading.subject))
        return Material(
            tuple(
                replace(view, title=heads[i] if i < len(heads) else f"{heads[0]} · {i + 1}", line="")
                for i, view in enumerate(views(reading, request.count))
            )
        )
    depicts = not reading.kind and not reading.points and not _is_topic(reading, request.family)
    return Material(views(reading, request.count)) if reading.kind == "scene" or depicts else None


def _cards(request: Request) -> Material | None:
    reading = request.reading
    if reading.kind not in {"card", "quote"} or reading.points:
        return None
    return Material(_greeting(reading, request.voice), views(reading, request.count))


def _given(request: Request) -> Material | None:
    """Data and entries that the brief brings: they win over anything known or read."""
    reading, count = request.reading, request.count
    if chart := _given_chart(reading):
        return Material(chart, request.questions if count > 1 else ())
    if reading.points:
        return Material(_point_parts(reading), request.questions if count > len(reading.points) + 2 else ())
    return None


def _compared(request: Request) -> Material | None:
    if not request.reading.sides:
        return None
    return Material(_sides(request.reading, request.research, request.voice, request.count), request.questions)


def _tables(request: Request) -> Material | None:
    """A chart that was asked for, out of a table that was read."""
    charts = _table_charts(request) if request.reading.kind == "chart" else ()
    return Material(charts, request.questions if request.count > len(charts) else ()) if charts else None


def _known(request: Request) -> Material | None:
    """Facts of sources, on an outline where there is one."""
    outline = find_outline(request.reading, request.voice.language)
    facts, foreign = _readable(request.research, request.reading)
    frame = outline.parts if outline else request.questions
    grouped = group_facts(facts, frame, request.reading, request.voice, request.encoder, keep=outline is not None)
    told = (*grouped.parts, *_table_charts(request))
    notes = (_FOREIGN,) if foreign else ()
    if outline is not None:
        rest = ", with facts from the sources." if grouped.used else "; nothing was looked up for it."
        notes = (*notes, f"Text is from a general knowledge outline, written in advance{rest}")
    titles = {part.title for part in told}
    return (
        Material(told, tuple(part for part in request.questions if part.title not in titles), notes) if told else None
    )


def _story(request: Request) -> Material | None:
    """A comic's turns, with the subject in every panel."""
    if request.reading.kind != "comic":
        return None
    cast = icons_in(request.reading.subject)
    beats = questions(("beat1", "beat2", "beat3", "beat4"), request.voice)
    if request.count == 1:
        entries = tuple(
            Entry(beat.title, icon=cast[1 + i % (len(cast) - 1)] if len(cast) > 1 else beat.icon)
            for i, beat in enumerate(beats)
        )
        page = Part(as_title(request.reading.subject, request.reading.output), role="panels", entries=entries)
        return Material((replace(page, icon=cast[0] if cast else "", icons=cast),))
    parts = tuple(
        replace(part, entries=(), icon=cast[0] if cast else part.icon, icons=(*cast, *part.icons)) for part in beats
    )
    return Material(parts, views(request.reading, request.count))


def _announced(request: Request) -> Material | None:
    """One poster or cover says what the brief says, and no more."""
    if request.count == 1 and (request.reading.kind in _NO_FILL or request.family == "event"):
        return Material(_announcement(request.reading), request.questions)
    return None


def _asked(request: Request) -> Material:
    return Material(request.questions, (), (_ASKS,))


_SOURCES: tuple[Callable[[Request], Material | None], ...] = (
    _pictures,
    _cards,
    _given,
    _tables,
    _compared,
    _known,
    _story,
    _announced,
    _asked,
)


def _is_topic(reading: Reading, family: str) -> bool:
    """Whether a brief that names no kind asks to explain something ("how bees make honey") rather than to depict it."""
    low = reading.subject.casefold()
    asks = tuple(reading.lexicon.explains)
    return (
        low.endswith(("?", "？", "؟"))
        or (bool(asks) and reading.lexicon.find(asks, reading.subject) is not None)
        or family == "event"
    )


def _given_chart(reading: Reading) -> tuple[Part, ...]:
    """A chart of the pairs that the brief gives, where it asks for one; prices and years are no such pairs."""
    wanted = reading.kind in {"chart", "infographic", "guide"} or (
        reading.kind in {"", "poster"} and len(reading.points) >= 3
    )
    years = all(point.value[:4].isdigit() and len(point.value) >= 4 for point in reading.points)
    money = any(char in "€$£¥₹元円" for point in reading.points for char in point.value)
    measured = any(is_quantity(point.value) for point in reading.points)
    if not reading.points or measured or ((years or money) and reading.kind != "chart"):
        return ()
    chart = chart_of_points(reading.points, wanted=wanted)
    if chart is None:
        return ()
    title = as_title(reading.subject, reading.output)
    series = {title or chart.y_title: next(iter(chart.series.values()))}
    return (Part(title, role="chart", icon="chart", chart=chart.model_copy(update={"series": series}), origin="data"),)


def _table_charts(request: Request) -> tuple[Part, ...]:
    """Charts of the tables that were read: each table whole, and each of its series where there are several."""
    reading, research = request.reading, request.research
    by_url = {source.url: source.id for source in research.sources}
    alone = request.count == 1 or reading.kind == "chart"
    parts: dict[str, Part] = {}
    for name, chart in charts_of(research.documents, by_url):
        title = as_title(reading.subject or name, reading.output) if alone else request.voice.say("in_figures")
        whole = Part(title, ", ".join(chart.series), role="chart", icon="chart", chart=chart, origin="data")
        parts.setdefault(whole.title, whole)
        for series, values in chart.series.items() if len(chart.series) > 1 else ():
            single = chart.model_copy(update={"series": {series: values}, "y_title": series})
            parts.setdefault(series, Part(series, role="chart", icon="chart", chart=single, origin="data"))
    return tuple(parts.values())


def _readable(research: Research, reading: Reading) -> tuple[tuple[Fact, ...], bool]:
    """The facts in the language of the brief; those of attached files in any, since the user brought them."""
    own, brought = [], []
    addresses = {source.id: source.url for source in research.sources}
    for fact in research.facts:
        if identify(fact.text) == reading.output:
            own.append(fact)
        elif not addresses.get(fact.source, "").startswith(("http://", "https://")):
            brought.append(fact)
    return (tuple(own), False) if own else (tuple(brought), bool(brought))


def _point_parts(reading: Reading) -> tuple[Part, ...]:
    role = _LIST_ROLES.get(reading.kind, "step" if reading.chained or reading.series else "list")
    if role in {"diagram", "step", "list"} and len(reading.points) >= 3 and _CYCLE.search(reading.subject):
        role = "cycle"
    parts = []
    for point in reading.points:
        entry = Entry(point.label, point.detail, point.value, icon_of(point.label) or icon_of(point.detail))
        line = " · ".join(part for part in (point.value, point.detail) if part)
        parts.append(Part(point.label, line, role, entry.icon, entries=(entry,)))  # type: ignore[arg-type]
    return tuple(parts)


def _sides(reading: Reading, research: Research, speech: Voice, count: int) -> tuple[Part, ...]:
    """The two sides together, then each by itself; facts go to the side that they name."""
    entries, alone = [], []
    for side in reading.sides:
        facts = [fact for fact in research.facts if side.casefold() in fact.text.casefold()][:3]
        nouns = icons_in(side)
        # English names the thing last: electric cars are cars.
        icon = (nouns[-1] if reading.language in {"en", "nl"} else nouns[0]) if nouns else ""
        entries.append(
            Entry(
                as_title(side, reading.output),
                facts[0].text if facts else "",
                icon=icon,
                source=facts[0].source if facts else None,
            )
        )
        asked = questions(("what",), speech)[0].entries
        own = tuple(entry_of(fact) for fact in facts) or asked
        alone.append(Part(as_title(side, reading.output), role="close_up", icon=icon, entries=own))
    both = Part(
        as_title(reading.subject, reading.output), role="comparison", icon=entries[0].icon, entries=tuple(entries)
    )
    more = questions(("alike", "differ", "choose"), speech)
    if count == 1:
        return (replace(both, line=more[2].title),)
    if count == 2:
        return (both, replace(more[1], entries=more[1].entries))
    return (both, *alone, *more)[:count]


def _greeting(reading: Reading, speech: Voice) -> tuple[Part, ...]:
    """A card without a text of its own says what the occasion asks for, if it names one."""
    if reading.kind == "quote" and reading.texts:
        return (Part("", role="quote", icon=icon_of(reading.subject)),)
    if reading.texts:
        return ()
    text = f"{reading.subject} {reading.modifiers}".casefold()
    for occasion, words in reading.lexicon.occasions.items():
        if reading.lexicon.find(words, text) and occasion in speech.greetings:
            return (Part(speech.greetings[occasion], _addressee(reading), "cover", icon_of(text)),)
    return ()


def _addressee(reading: Reading) -> str:
    """ "My daughter Lena" reads "Lena" on the card that she gets."""
    names = re.findall(r"(?<!^)\b[^\W\d_][\w'-]*", reading.audience) if is_cased(reading.audience[:1]) else []
    return " ".join(name for name in names if name[:1].isupper()) or reading.audience


def _announcement(reading: Reading) -> tuple[Part, ...]:
    """When, where and what else, in one line under the title: only what the brief says."""
    if not reading.details:
        return ()
    details = reading.details
    if reading.texts and reading.subject and reading.lexicon.when:
        # “Open House” at the observatory: beside a quoted title the place is a detail, not the subject.
        led = reading.lexicon.pattern(reading.lexicon.when).match(reading.subject) is not None
        dated = any(char.isdigit() for char in reading.subject)
        placed = led or dated or not icons_in(reading.subject)
        details = (reading.subject, *details) if placed else details
    told = [as_title(detail, reading.output) for detail in details]
    joint = "・" if reading.output in {"ja", "zh"} else "، " if reading.output == "ar" else ", "
    line = told[0]
    for detail in told[1:]:
        line = f"{line}{joint}{detail}" if len(line) + len(detail) <= _MOST_LINE else line
    names = reading.kind == "cover"
    icons = () if names else tuple(noun for detail in reading.details for noun in icons_in(detail))
    shown = icon_of(" ".join(reading.texts)) or icon_about(reading.subject, reading.language)
    return (Part("", line, "cover", shown, icons),)
