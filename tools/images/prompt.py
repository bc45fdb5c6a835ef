"""An `ImageSpec` as a prompt for an image model.

Every word of a spec that gets into it is also in `spec.prompt_text`, which the guard before the generator judges; what
is added here is fixed.
"""

from __future__ import annotations

import re

from .spec import Direction, ImageSpec, StyleSheet

__all__ = ["MAX_PROMPT_CHARS", "image_prompt", "short_prompt"]

MAX_PROMPT_CHARS = 32_000

_ROLES = ("paper", "ink", "accent", "accent2", "muted")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_DIRECTIONS: dict[Direction, str] = {
    "swiss": "Swiss International Style: strict grid, bold sans-serif type, flat shapes, generous empty space",
    "editorial": "editorial magazine illustration: restrained colors, fine serif type, soft paper grain",
    "darkroom": "photographic darkroom mood: deep blacks, one warm red light, visible film grain",
    "blueprint": "technical blueprint: thin light lines on deep blue, precise geometry, small annotations",
    "papercut": "layered cut paper: crisp edges, soft shadows between the layers, matte colors",
    "chalkboard": "chalk drawing on a dark board: textured hand-drawn strokes, friendly lettering",
    "botanical": "botanical plate: fine ink outlines, watercolor washes, cream paper",
    "playful": "playful flat illustration: rounded shapes, saturated colors, cheerful and simple",
}


def image_prompt(spec: ImageSpec, style: StyleSheet) -> str:
    """The whole prompt, at most `MAX_PROMPT_CHARS`: what to show, in which style, with exactly which text.

    For an edit it says what to change, and that all else stays.
    """
    sections = [_edit(spec) if spec.edit_of else spec.prompt, _series(spec), _style(style), _subjects(style)]
    sections += [_chart(spec), _texts(spec)]
    return "\n\n".join(section for section in sections if section)[:MAX_PROMPT_CHARS]


def short_prompt(spec: ImageSpec, style: StyleSheet) -> str:
    """A prompt for models that read some 77 tokens: the subject first, then the style; no text to set."""
    asked = spec.instruction if spec.edit_of and spec.instruction else spec.prompt
    return ", ".join(part for part in (asked, _DIRECTIONS[style.direction], style.tone) if part)


def _edit(spec: ImageSpec) -> str:
    where = "within the transparent part of the mask" if spec.mask else ""
    where = "as the marks in the overlay show; remove the marks themselves" if spec.markup else where
    change = " ".join(part for part in (f"Change the first image: {spec.instruction or spec.prompt}", where) if part)
    keep = "Keep everything else exactly as it is: people, faces, text, composition, light and colors."
    return f"{change}\n{keep}"


def _series(spec: ImageSpec) -> str:
    given = "Use the images given as references for the looks of what they show." if spec.references else ""
    one_of = (
        f"This is image {spec.index + 1} of {spec.of} of one series: the same style, colors and recurring subjects in "
        "all of them."
    )
    return " ".join(part for part in (one_of if spec.of > 1 and not spec.edit_of else "", given) if part)


def _style(style: StyleSheet) -> str:
    lines = [f"Style: {_DIRECTIONS[style.direction]}."]
    if style.tone:
        lines.append(f"Tone: {style.tone}.")
    if style.audience:
        lines.append(f"For: {style.audience}.")
    if style.motif:
        lines.append(f"Recurring motif: {style.motif}.")
    # Judges are not shown colors: what is none must not travel as one.
    colors = [(role, style.palette[role]) for role in _ROLES if _COLOR.fullmatch(style.palette.get(role, ""))]
    if colors:
        lines.append("Colors: " + ", ".join(f"{role} {color}" for role, color in colors) + ".")
    return "\n".join(lines)


def _subjects(style: StyleSheet) -> str:
    if not style.subjects:
        return ""
    looks = [f"- {name}: {description}" for name, description in style.subjects.items()]
    return "\n".join(["Recurring subjects, always with these looks:", *looks])


def _chart(spec: ImageSpec) -> str:
    chart = spec.chart
    if chart is None:
        return ""
    rows = [f"- {name}: " + _values(chart.categories, values) for name, values in chart.series.items()]
    axes = ", ".join(title for title in (chart.x_title, chart.y_title) if title)
    return "\n".join([f"A {chart.kind} chart of exactly these values" + (f" ({axes})" if axes else "") + ":", *rows])


def _values(categories: tuple[str, ...], values: tuple[float, ...]) -> str:
    return ", ".join(f"{category} {value:g}" for category, value in zip(categories, values, strict=False))


def _texts(spec: ImageSpec) -> str:
    labeled = [("title", spec.title), ("subtitle", spec.subtitle), ("quote", spec.quote)]
    for number, item in enumerate(spec.items, 1):
        labeled.append((f"entry {number}", " — ".join(part for part in (item.value, item.label, item.detail) if part)))
    labeled.append(("caption", spec.caption))
    lines = [f"- {role}: “{text}”" for role, text in labeled if text]
    if not lines:
        return "No text, lettering, watermark or signature in the image."
    return "\n".join(["Set exactly this text, letter by letter, and no other, each once:", *lines])
