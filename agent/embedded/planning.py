"""From a brief and what was learned to a plan: which images, in which order, in which look, with which words."""

from __future__ import annotations

from dataclasses import replace

from ...tools.images.spec import ImageSpec
from ..brief import Brief
from ..plan import Plan
from ..reasoner import Research, Understanding
from .edits import edit_specs, edited
from .grouping import Encoder
from .headline import headline
from .icons import icon_about, icon_of, icons_in
from .language import requested
from .look import choose_direction, choose_size, style_sheet
from .material import Material, Request, gather
from .outlines import family_of, theme
from .part import Entry
from .reading import Reading, read
from .replan import Earlier, replan
from .storyboard import Frame, arrange
from .structure import Point
from .voice import Voice, voice
from .writing import Scene, as_title, write_spec

__all__ = ["make_plan"]

_NO_TRANSLATION = (
    "Nothing on this image can be translated without a language model: give the new texts in quotes, "
    "or configure a reasoner."
)
_CAPTIONLESS = {"scene", "comic"}


def make_plan(
    brief: Brief,
    understanding: Understanding,
    research: Research,
    encoder: Encoder | None = None,
    earlier: Earlier | None = None,
) -> Plan:
    """A plan made by rules. Deterministic: the same arguments give the same plan; `brief.seed` varies the look.
    `earlier` is what the one image to edit was drawn from, if it is ours."""
    reading = _reconciled(brief, understanding)
    targets = edited(brief, reading.lexicon)
    family = family_of(reading)
    count = understanding.count
    if earlier and len(targets) == 1 and count == 1 and (again := replan(brief, reading, earlier, targets[0])):
        images = (again.spec,)
        notes = tuple(dict.fromkeys((*research.notes, *again.notes)))
        return Plan(intent=_intent(understanding, images), style=again.style, images=images, notes=notes)
    notes = ()
    if targets:
        specs = edit_specs(brief, reading, targets, count)
        if earlier and requested(brief.prompt, earlier.spec.language) != earlier.spec.language:
            notes = (_NO_TRANSLATION,)
    else:
        speech = voice(reading.output)
        material = gather(Request(reading, research, speech, family, count, encoder))
        specs = _specs(brief, reading, material, speech, family, count)
        notes = (*material.notes, *_language_notes(reading, speech))
    direction = brief.style or choose_direction(
        reading.look, audience=reading.audience_class, kind=reading.kind, family=family, seed=brief.seed
    )
    motif = icon_of(" ".join(reading.texts)) or icon_about(reading.subject, reading.language) or theme(family).motif
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


def _specs(
    brief: Brief, reading: Reading, material: Material, speech: Voice, family: str, count: int
) -> tuple[ImageSpec, ...]:
    title = _title(brief, reading)
    line = reading.details[0] if reading.details and reading.kind not in _CAPTIONLESS and count == 1 else ""
    depicts = bool(material.parts) and material.parts[0].role == "scene"
    if reading.kind == "scene" or (depicts and (reading.topic or not material.parts[0].title)):
        frames = tuple(Frame(part, i, cover=True) for i, part in enumerate(material.parts[:count]))
    else:
        if material.parts and all(part.origin == "brief" for part in material.parts):
            line = "" if any(line == part.title for part in material.parts) else line
        frames = arrange(material.parts, count, title=title, line=line, voice=speech, spare=material.spare)
    frames = _with_texts(frames, reading)
    named = icons_in(" ".join(reading.texts)) or icons_in(reading.subject)
    # On a cover the rest is names, and names are not to be drawn: Ms. Berg is no mountain.
    found = named if reading.kind == "cover" else (*named, *icons_in(" ".join(reading.details)))
    # Icons of the family stand in where the brief names nothing that can be drawn.
    icons = tuple(dict.fromkeys((*found, *(theme(family).icons if not found else ()))))
    scene = Scene(
        reading.subject, title, reading.kind or "scene", reading.output, reading.audience, icons, count, reading.texts
    )
    specs = [
        write_spec(frame, index, scene, choose_size(brief, reading.look, reading.kind, frame.part.role))
        for index, frame in enumerate(frames)
    ]
    return tuple(specs)


def _title(brief: Brief, reading: Reading) -> str:
    if reading.texts and reading.kind != "quote":
        return reading.texts[0]
    if reading.kind == "scene" or (not reading.kind and not reading.subject):
        return ""
    if reading.named and reading.points:
        return as_title(reading.named)
    return as_title(
        headline(brief.prompt, reading.subject, reading.language) or reading.audience or " ".join(reading.details[:1]),
        reading.output,
    )


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
    noun = icon_of(" ".join(reading.texts)) or icon_about(reading.subject, reading.language)
    about = " ".join(reading.texts[:1]) if icon_of(" ".join(reading.texts)) else reading.subject
    return {"main": f"{about[:120]} ({noun})"} if noun and about else {}


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
