"""From a brief and what was learned to a plan: which images, in which order, in which look, with which words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...tools.images.spec import Chart, ImageSpec
from ..brief import Brief
from ..plan import Plan
from ..reasoner import Fact, Research, Understanding
from .charts import chart_of_points, charts_of
from .edits import edit_specs, followed_image, is_follow_up
from .grouping import Encoder, group_facts
from .icons import icon_of, icons_in
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
    if reading.kind == "scene" or not reading.kind and not reading.points and not _is_topic(reading, family):
        return _Material(views(reading, count))
    if reading.kind in {"card", "quote"}:
        return _Material(_greeting(reading, speech), views(reading, count))
    charts = _charts(reading, research)
    if charts:
        return _Material(charts, () if reading.kind == "chart" else spare, ())
    if reading.points:
        return _Material(_point_parts(reading), spare if count > len(reading.points) + 2 else ())
    if reading.sides:
        return _Material(_sides(reading, research, speech, count), spare)
    outline = find_outline(reading, speech.language)
    grouped = group_facts(
        research.facts, outline.parts if outline else spare, reading, encoder, keep=outline is not None
    )
    if outline is not None:
        note = "Text is from a general knowledge outline, written in advance" + (
            ", with facts from the sources." if grouped.used else "; nothing was looked up for it."
        )
        return _Material(grouped.parts, spare, (note,))
    if grouped.used:
        return _Material(
            grouped.parts, tuple(part for part in spare if part.title not in {own.title for own in grouped.parts})
        )
    if reading.kind == "comic" or family == "story":
        beats = tuple(replace(part, entries=()) for part in questions(("beat1", "beat2", "beat3", "beat4"), speech))
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


def _charts(reading: Reading, research: Research) -> tuple[Part, ...]:
    wanted = reading.kind in {"chart", "infographic", "guide"} or (
        reading.kind in {"", "poster"} and len(reading.points) >= 3
    )
    title = as_title(reading.subject, reading.output)
    parts: list[Part] = []
    years = all(point.value[:4].isdigit() and len(point.value) >= 4 for point in reading.points)
    money = any(char in "€$£¥₹" for point in reading.points for char in point.value)
    if reading.points and not (years or (money and reading.kind != "chart")):
        chart = chart_of_points(reading.points, wanted=wanted)
        if chart is not None:
            series = {title or chart.y_title: next(iter(chart.series.values()))}
            parts.append(
                Part(
                    title, role="chart", icon="chart", chart=chart.model_copy(update={"series": series}), origin="data"
                )
            )
    by_url = {source.url: source.id for source in research.sources}
    for name, chart in charts_of(research.documents, by_url):
        parts += _chart_parts(name, chart, title)
    return tuple(parts)


def _chart_parts(name: str, chart: Chart, title: str) -> list[Part]:
    """One part for the whole table, and one for each series where there are several."""
    whole = Part(title or as_title(name), role="chart", icon="chart", chart=chart, origin="data")
    if len(chart.series) == 1:
        return [whole]
    single = [
        Part(
            series,
            role="chart",
            icon="chart",
            chart=chart.model_copy(update={"series": {series: values}, "y_title": series}),
            origin="data",
        )
        for series, values in chart.series.items()
    ]
    return [whole, *single]


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
        own = tuple(_fact_entry(fact) for fact in facts) or asked
        alone.append(Part(as_title(side, reading.output), role="close_up", icon=icon, entries=own))
    both = Part(
        as_title(reading.subject, reading.output), role="comparison", icon=entries[0].icon, entries=tuple(entries)
    )
    more = questions(("alike", "differ", "choose"), speech)
    if count == 1:
        return (both,)
    if count == 2:
        return (both, replace(more[1], entries=more[1].entries))
    return (both, *alone, *more)[:count]


def _fact_entry(fact: Fact) -> Entry:
    return Entry(fact.text, icon=icon_of(fact.text), source=fact.source)


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
    scene = Scene(reading.subject, title, reading.kind or "scene", reading.output, reading.audience, icons, count)
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
