"""From a brief and what was learned to a plan: which images, in which order, in which look, with which words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...tools.images.spec import ImageSpec
from ..brief import Brief
from ..plan import Plan
from ..reasoner import Fact, Research, Understanding
from .charts import chart_of_points, charts_of
from .edits import edit_specs, followed_image, is_follow_up
from .grouping import Encoder, entry_of, group_facts
from .icons import icon_of, icons_in
from .language import identify
from .look import choose_direction, choose_size, style_sheet
from .outlines import family_of, find_outline, questions, theme
from .part import Entry, Part
from .reading import Reading, read
from .storyboard import Frame, arrange
from .structure import Point
from .views import views
from .voice import Voice, voice
from .writing import Scene, as_title, write_spec

__all__ = ["make_plan"]

_LIST_ROLES = {
    "menu": "list",
    "checklist": "list",
    "timeline": "timeline",
    "comparison": "comparison",
    "diagram": "diagram",
    "map": "diagram",
}
_NO_FILL = {"poster", "card", "cover", "banner", "menu", "quote", "scene", "checklist", "chart"}
_CAPTIONLESS = {"scene", "comic"}


@dataclass(frozen=True)
class _Material:
    """What the images can be made of, and what has to be said about it."""

    parts: tuple[Part, ...]
    spare: tuple[Part, ...] = ()
    notes: tuple[str, ...] = ()


def make_plan(brief: Brief, understanding: Understanding, research: Research, encoder: Encoder | None = None) -> Plan:
    """A plan made by rules. Deterministic: the same arguments give the same plan; `brief.seed` varies the look."""
    reading = _reconciled(brief, understanding)
    targets = tuple(item.ref for item in brief.images)
    if not targets and is_follow_up(brief, reading.lexicon) and (last := followed_image(brief)):
        targets = (last,)
    family = family_of(reading)
    count = understanding.count
    if targets:
        specs = edit_specs(brief, reading, targets, count)
        notes: tuple[str, ...] = ()
    else:
        speech = voice(reading.output)
        material = _material(brief, reading, research, speech, family, count, encoder)
        specs = _specs(brief, reading, material, speech, family, count)
        notes = (*material.notes, *_language_notes(reading, speech))
    direction = brief.style or choose_direction(
        reading.look, audience=reading.audience_class, kind=reading.kind, family=family, seed=brief.seed
    )
    motif = icon_of(reading.subject) or theme(family).motif
    style = style_sheet(reading.look, direction, motif=motif, audience=understanding.audience, seed=brief.seed)
    style = style.model_copy(update={"subjects": _subjects(reading), "tone": understanding.tone or style.tone})
    return Plan(
        intent=_intent(understanding, specs),
        style=style,
        images=specs,
        notes=tuple(dict.fromkeys((*research.notes, *notes))),
    )


def _reconciled(brief: Brief, understanding: Understanding) -> Reading:
    """The brief, read again, with the understanding in force where the two differ."""
    reading = read(brief.prompt, None)
    points = reading.points
    if understanding.points and [point.text for point in points] != list(understanding.points):
        points = tuple(Point(text) for text in understanding.points)
    return replace(
        reading,
        output=understanding.language,
        subject=understanding.subject,
        kind=understanding.kind or reading.kind,
        audience=understanding.audience,
        texts=understanding.texts,
        points=points,
    )


def _material(
    brief: Brief, reading: Reading, research: Research, speech: Voice, family: str, count: int, encoder: Encoder | None
) -> _Material:
    """What to tell, by precedence: data and lists of the brief, then sources, then an outline, then questions."""
    spare = questions(theme(family).modules, speech)
    if reading.kind == "scene" or (not reading.kind and not reading.points and not _is_topic(reading, family)):
        return _Material(views(reading, count))
    if reading.kind in {"card", "quote"}:
        return _Material(_greeting(reading, speech), views(reading, count))
    given = _given_chart(reading)
    if given:
        return _Material(given, spare if count > 1 else ())
    if reading.points:
        return _Material(_point_parts(reading), spare if count > len(reading.points) + 2 else ())
    charts = _table_charts(reading, research, speech, count)
    if charts and reading.kind == "chart":
        return _Material(charts, spare if count > len(charts) else ())
    if reading.sides:
        return _Material(_sides(reading, research, speech, count), spare)
    outline = find_outline(reading, speech.language)
    facts, foreign = _readable(research, reading)
    grouped = group_facts(
        facts, outline.parts if outline else spare, reading, speech, encoder, keep=outline is not None
    )
    notes = (
        ("Some facts are set in the language of their source: without a language model nothing is translated.",)
        if foreign
        else ()
    )
    told = (*grouped.parts, *charts)
    if outline is not None:
        rest = ", with facts from the sources." if grouped.used else "; nothing was looked up for it."
        return _Material(told, spare, (*notes, f"Text is from a general knowledge outline, written in advance{rest}"))
    if told:
        return _Material(told, tuple(part for part in spare if part.title not in {own.title for own in told}), notes)
    if reading.kind == "comic":
        cast = icons_in(reading.subject)
        beats = tuple(
            replace(part, entries=(), icon=cast[0] if cast else part.icon, icons=(*cast, *part.icons))
            for part in questions(("beat1", "beat2", "beat3", "beat4"), speech)
        )
        return _Material(beats, views(reading, count))
    note = "No source and no outline on this subject was at hand: the images ask questions instead of claiming answers."
    if count == 1 and (reading.kind in _NO_FILL or family == "event"):
        return _Material(_announcement(reading), spare)
    return _Material(spare, (), (note,))


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
    if not reading.points or ((years or money) and reading.kind != "chart"):
        return ()
    chart = chart_of_points(reading.points, wanted=wanted)
    if chart is None:
        return ()
    title = as_title(reading.subject, reading.output)
    series = {title or chart.y_title: next(iter(chart.series.values()))}
    return (Part(title, role="chart", icon="chart", chart=chart.model_copy(update={"series": series}), origin="data"),)


def _table_charts(reading: Reading, research: Research, speech: Voice, count: int) -> tuple[Part, ...]:
    """Charts of the tables that were read: each table whole, and where there is room, each of its series."""
    by_url = {source.url: source.id for source in research.sources}
    parts: list[Part] = []
    for name, chart in charts_of(research.documents, by_url):
        title = (
            as_title(reading.subject or name, reading.output)
            if count == 1 or reading.kind == "chart"
            else speech.say("in_figures")
        )
        line = ", ".join(chart.series)
        parts.append(Part(title, line, role="chart", icon="chart", chart=chart, origin="data"))
        if len(chart.series) > 1:
            parts += [
                Part(
                    series,
                    role="chart",
                    icon="chart",
                    chart=chart.model_copy(update={"series": {series: values}, "y_title": series}),
                    origin="data",
                )
                for series, values in chart.series.items()
            ]
    return tuple({part.title: part for part in reversed(parts)}.values())[::-1]


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
        icon = icon_of(side)
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
            return (Part(speech.greetings[occasion], reading.audience, "cover", icon_of(text)),)
    return ()


def _announcement(reading: Reading) -> tuple[Part, ...]:
    """When, where and what else: only what the brief says."""
    parts = []
    for detail in reading.details[1:]:
        label = as_title(detail, reading.output)
        parts.append(Part(label, role="cover", icon=icon_of(detail), entries=(Entry(label, icon=icon_of(detail)),)))
    return tuple(parts)


def _specs(
    brief: Brief, reading: Reading, material: _Material, speech: Voice, family: str, count: int
) -> tuple[ImageSpec, ...]:
    title = _title(reading)
    line = reading.details[0] if reading.details and reading.kind not in _CAPTIONLESS and count == 1 else ""
    if reading.kind == "scene" or (
        material.parts and material.parts[0].role == "scene" and not material.parts[0].title
    ):
        frames = tuple(Frame(part, i, cover=True) for i, part in enumerate(material.parts[:count]))
    else:
        if material.parts and all(part.origin == "brief" for part in material.parts):
            line = "" if any(line == part.title for part in material.parts) else line
        frames = arrange(material.parts, count, title=title, line=line, voice=speech, spare=material.spare)
    frames = _with_texts(frames, reading)
    found = tuple(dict.fromkeys((*icons_in(reading.subject), *icons_in(" ".join(reading.details)))))
    icons = tuple(dict.fromkeys((*found, *theme(family).icons)))
    scene = Scene(
        reading.subject, title, reading.kind or "scene", reading.output, reading.audience, icons, count, reading.texts
    )
    specs = [
        write_spec(frame, index, scene, choose_size(brief, reading.look, reading.kind, frame.part.role))
        for index, frame in enumerate(frames)
    ]
    return tuple(specs)


def _title(reading: Reading) -> str:
    if reading.texts and reading.kind != "quote":
        return reading.texts[0]
    if reading.kind == "scene" or (not reading.kind and not reading.subject):
        return ""
    return as_title(reading.subject or reading.audience or " ".join(reading.details[:1]), reading.output)


def _with_texts(frames: tuple[Frame, ...], reading: Reading) -> tuple[Frame, ...]:
    """Set the quoted texts verbatim: one an image where the numbers meet, else all on the first image."""
    texts = reading.texts
    if not texts:
        return frames
    if reading.kind == "quote":
        return frames
    if len(texts) == len(frames) > 1:
        return tuple(
            replace(frame, part=replace(frame.part, title=text), cover=True)
            for frame, text in zip(frames, texts, strict=True)
        )
    first = frames[0].part
    entries = first.entries
    line = first.line
    if len(texts) > 1:
        line = texts[1]
        entries = (*(Entry(text) for text in texts[2:]), *entries)
    cover = replace(frames[0], part=replace(first, title=texts[0], line=line, entries=entries), cover=True)
    return (cover, *frames[1:])


def _subjects(reading: Reading) -> dict[str, str]:
    """The recurring object: the same icon and words on every image."""
    noun = icon_of(reading.subject)
    return {"main": f"{reading.subject[:120]} ({noun})"} if noun and reading.subject else {}


def _intent(understanding: Understanding, specs: tuple[ImageSpec, ...]) -> str:
    titles = [spec.title for spec in specs if spec.title]
    kept = f" Titles: {'; '.join(titles)}." if titles else ""
    return f"{understanding.summary}{kept}"


def _language_notes(reading: Reading, speech: Voice) -> tuple[str, ...]:
    notes = []
    if speech.language != reading.output:
        notes.append(f"No phrases for the language “{reading.output}” are built in: structural words are in English.")
    if reading.output != reading.language:
        notes.append("Without a language model the words of the brief are not translated; only structural words are.")
    return tuple(notes)
