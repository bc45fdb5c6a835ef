"""From what a model planned to a `Plan`: references, sizes and numbering by code, and no claim without its source."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ...tools.images.spec import Chart, ImageSpec, Item, Size, StyleSheet
from ..brief import Brief
from ..embedded.edits import followed_image
from ..plan import Plan
from ..reasoner import Research, Understanding
from .answers import Planned, PlannedChart, PlannedImage, PlannedItem, Said
from .parts import tables_of
from .quoting import numbers_in, supported

__all__ = ["draft", "misfits"]

_MOST_TEXT = 600
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_NUMBER = re.compile(r"-?\d[\d.,]*")


def misfits(planned: Planned, brief: Brief, understanding: Understanding) -> str:
    """What of the brief the plan leaves out, for the model to mend; empty where it fits."""
    wrong = []
    wanted = wanted_count(brief, understanding)
    if len(planned.images) != wanted:
        wrong.append(f"the plan has {len(planned.images)} images, and {wanted} are asked for")
    missing = [text for text in understanding.texts if not _is_set(text, planned)]
    if missing and not brief.is_edit:
        places = ", ".join(str(understanding.texts.index(text) + 1) for text in missing)
        wrong.append(f"passages that the request wants verbatim are not set: of `texts`, number {places}")
    known = {subject.id for subject in planned.subjects}
    unknown = sorted({name for image in planned.images for name in image.subjects} - known)
    if unknown:
        wrong.append(f"subjects without a description: {len(unknown)}")
    return "; ".join(wrong)


def wanted_count(brief: Brief, understanding: Understanding) -> int:
    return brief.n or understanding.count


def draft(planned: Planned, brief: Brief, understanding: Understanding, research: Research) -> Plan:
    """The plan, with what the model left out or made up put right, and a note on whatever was taken away.

    Raises:
        ValueError: it has fewer images than are asked for: nobody can put those right.
    """
    count = wanted_count(brief, understanding)
    if len(planned.images) < count:
        raise ValueError(f"the plan has {len(planned.images)} images, and {count} are asked for")
    evidence = _Evidence(brief, research)
    subjects = {subject.id: subject.description for subject in planned.subjects}
    images = [
        _spec(image, index, count, subjects, evidence, brief, understanding)
        for index, image in enumerate(planned.images[:count])
    ]
    _set_missing(images, brief, understanding)
    notes = list(research.notes)
    if evidence.dropped:
        notes.append(f"{evidence.dropped} planned texts stated what no source says, and were left out.")
    style = StyleSheet(
        direction=brief.style or planned.direction,
        palette={color.role: color.hex.lower() for color in planned.palette if _HEX.fullmatch(color.hex)},
        motif=planned.motif[:80],
        tone=planned.tone[:80],
        audience=planned.audience[:80],
        subjects=subjects,
        seed=brief.seed,
    )
    return Plan(intent=planned.intent, style=style, images=tuple(images), notes=tuple(notes))


@dataclass
class _Evidence:
    """What may be asserted: the request for itself, a fact for its source, and nothing besides."""

    brief: Brief
    research: Research
    dropped: int = 0
    used: list[str] = field(default_factory=list)

    def source_of(self, basis: str, source: str, *texts: str) -> str | bool | None:
        """The id of the source that carries `texts`, None where they need none, False where nothing carries them."""
        joined = " ".join(texts)
        if basis == "fact":
            said = [f"{fact.text} {fact.quote}" for fact in self.research.facts if fact.source == source]
            return source if said and supported(joined, said) else False
        if supported(joined, self._request()):
            return None
        # "Step 3" asserts nothing: a lone small number that counts the set's own parts.
        small = all(len(number) == 1 for number in numbers_in(joined))
        return None if basis == "wording" and small else False

    def text(self, said: Said) -> str:
        text = said.text.strip()[:_MOST_TEXT]
        return text if self.carries(said.basis, said.source, text) is not False else ""

    def carries(self, basis: str, source: str, *texts: str) -> str | bool | None:
        """As `source_of`; counts what is dropped, and remembers what is cited."""
        if not any(texts):
            return None
        found = self.source_of(basis, source, *texts)
        if found is False:
            self.dropped += 1
        elif isinstance(found, str):
            self.used.append(found)
        return found

    def _request(self) -> list[str]:
        return [self.brief.prompt, *(turn.text for turn in self.brief.turns if turn.role == "user")]


def _spec(
    image: PlannedImage,
    index: int,
    count: int,
    subjects: dict[str, str],
    evidence: _Evidence,
    brief: Brief,
    understanding: Understanding,
) -> ImageSpec:
    evidence.used = []
    target = _target(image, index, brief)
    mask = next((item.ref for item in brief.attachments if item.kind == "mask"), None)
    spec = ImageSpec(
        index=index,
        of=count,
        role=image.role,
        prompt=_with_subjects(image, subjects),
        title=evidence.text(image.title),
        subtitle=evidence.text(image.subtitle),
        items=tuple(_items(image.items, evidence)),
        caption=evidence.text(image.caption),
        quote=evidence.text(image.quote),
        chart=_chart(image.chart, evidence) if image.chart else None,
        subject=image.subject[:80],
        icons=tuple(name[:40] for name in image.icons),
        alt=image.alt[:400] or image.prompt[:200],
        language=understanding.language,
        size=_size(image, brief),
        edit_of=target,
        references=tuple(item.ref for item in brief.images if item.ref != target),
        mask=mask if target is not None and index == 0 else None,
        instruction=(image.instruction or brief.prompt)[:4000] if target else "",
    )
    return spec.model_copy(update={"sources": tuple(dict.fromkeys(evidence.used))})


def _target(image: PlannedImage, index: int, brief: Brief) -> str | None:
    """The image that this one is an edit of: an attached one, or the last of the conversation where the model plans to
    change that rather than to draw anew."""
    if brief.images:
        return brief.images[index % len(brief.images)].ref
    return followed_image(brief) if image.instruction.strip() else None


def _items(items: Iterable[PlannedItem], evidence: _Evidence) -> Iterable[Item]:
    for item in items:
        source = evidence.carries(item.basis, item.source, item.label, item.detail, item.value)
        if source is not False and item.label.strip():
            yield Item(
                label=item.label.strip()[:200],
                detail=item.detail.strip()[:_MOST_TEXT],
                value=item.value.strip()[:60],
                icon=item.icon[:40],
                source=source if isinstance(source, str) else None,
            )


def _chart(chart: PlannedChart, evidence: _Evidence) -> Chart | None:
    """Only numbers that stand in the table named, or in the request, are drawn."""
    wanted = {_number(value) for series in chart.series for value in series.values}
    equal = all(len(series.values) == len(chart.categories) for series in chart.series)
    tables = {f"t{place}": table for place, (_, table) in enumerate(tables_of(evidence.research), start=1)}
    if chart.table == "request":
        given = _numbers(evidence.brief.prompt)
    else:
        given = _numbers(" ".join(" ".join(row) for row in tables.get(chart.table, ())))
    if not chart.series or not chart.categories or not equal or not wanted <= given:
        evidence.dropped += 1
        return None
    return Chart(
        kind=chart.kind,
        x_title=chart.x_title[:80],
        y_title=chart.y_title[:80],
        categories=tuple(name[:80] for name in chart.categories),
        series={series.name[:80]: tuple(series.values) for series in chart.series},
    )


def _numbers(text: str) -> set[str]:
    """Every number in a text as it might be meant: with a comma for thousands, or for decimals."""
    found = set()
    for raw in _NUMBER.findall(text):
        for candidate in (raw.replace(",", ""), raw.replace(".", "").replace(",", "."), raw.rstrip(".,")):
            try:
                found.add(_number(float(candidate)))
            except ValueError:
                continue
    return found


def _number(value: float) -> str:
    return f"{value:.6g}"


def _with_subjects(image: PlannedImage, subjects: dict[str, str]) -> str:
    """The prompt, naming every subject that the image is planned to show: by the name, it is the same in all."""
    missing = [name for name in image.subjects if name in subjects and name not in image.prompt]
    return f"{image.prompt} With {', '.join(missing)}." if missing else image.prompt


def _size(image: PlannedImage, brief: Brief) -> Size:
    """The brief's size, else the planned one within bounds, in steps of 16 pixels as services want them."""
    if brief.size != "auto":
        width, height = map(int, brief.size.split("x"))
        return Size(width=width, height=height)
    width, height = (max(256, min(2048, round(side / 16) * 16)) for side in (image.width, image.height))
    return Size(width=min(width, 3 * height), height=min(height, 3 * width))


def _is_set(text: str, planned: Planned) -> bool:
    wanted = _plain(text)
    return any(wanted in _plain(said) for image in planned.images for said in _texts(image))


def _texts(image: PlannedImage) -> list[str]:
    lines = [image.title.text, image.subtitle.text, image.caption.text, image.quote.text]
    return [*lines, *(f"{item.value} {item.label} {item.detail}" for item in image.items)]


def _set_missing(images: list[ImageSpec], brief: Brief, understanding: Understanding) -> None:
    """Passages that the request wants verbatim, and that the plan forgot, go where there is room."""
    if brief.is_edit:
        return
    for text in understanding.texts:
        if any(_plain(text) in _plain(said) for spec in images for said in (*spec.texts(), " ".join(spec.texts()))):
            continue
        for place, spec in enumerate(images):
            room = next((name for name in ("title", "subtitle", "caption") if not getattr(spec, name)), None)
            if room:
                images[place] = spec.model_copy(update={room: text})
                break


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
